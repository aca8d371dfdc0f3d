"""How a client gets a tunnel: what it sends to the proxy before the ClientHello to the target."""

import enum
import hashlib
import re
import socket
from base64 import b64encode
from collections.abc import Callable
from itertools import count

from channel import LoadError
from exchange import Exchange
from msgspec import Struct

USER, PASSWORD, REALM = "bench", "bench-secret", "bench"
HEAD_END = b"\r\n\r\n"

_ANSWER_SECONDS = 20
_CLIENT_NONCE = "0a4f113b"


class Manner(enum.Enum):
    """How the client asks: CONNECT as it is, with a login, or inside TLS to the proxy; RELAY asks for nothing."""

    CONNECT = "connect"
    BASIC = "basic"
    DIGEST = "digest"
    TLS = "tls"
    RELAY = "relay"


class Route(Struct, frozen=True):
    """The proxy's port on 127.0.0.1, the target to CONNECT to, how, and what is said there after the ClientHello."""

    proxy_port: int
    host: str
    port: int
    manner: Manner = Manner.CONNECT
    exchange: Exchange | None = None

    @property
    def target(self) -> str:
        """The target as a CONNECT names it."""
        return f"{self.host}:{self.port}"


def heads(route: Route) -> Callable[[], bytes]:
    """Return a function that makes the request head of each next tunnel; empty if the proxy wants none.

    For Digest it asks the proxy for a challenge first, and uses its nonce for all tunnels as RFC 7616 has it. Raises
    LoadError.
    """
    match route.manner:
        case Manner.RELAY:
            return bytes
        case Manner.BASIC:
            login = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            head = _head(route, f"Proxy-Authorization: Basic {login}")
        case Manner.DIGEST:
            return _digest_heads(route)
        case _:
            head = _head(route)
    return lambda: head


def _head(route: Route, *more: str) -> bytes:
    """The CONNECT request as stock Java, which CUCM uses, writes it."""
    lines = (
        f"CONNECT {route.target} HTTP/1.1",
        "User-Agent: Java/17.0.13",
        f"Host: {route.host}",
        "Accept: */*",
        "Proxy-Connection: keep-alive",
        *more,
    )
    return "\r\n".join(lines).encode() + HEAD_END


def _digest_heads(route: Route) -> Callable[[], bytes]:
    nonce = _nonce(route)
    secret = _md5(f"{USER}:{REALM}:{PASSWORD}")
    request = _md5(f"CONNECT:{route.target}")
    counts = count(1)

    def head() -> bytes:
        number = f"{next(counts):08x}"
        response = _md5(f"{secret}:{nonce}:{number}:{_CLIENT_NONCE}:auth:{request}")
        login = (
            f'Proxy-Authorization: Digest username="{USER}", realm="{REALM}", nonce="{nonce}", uri="{route.target}", '
            f'algorithm=MD5, qop=auth, nc={number}, cnonce="{_CLIENT_NONCE}", response="{response}"'
        )
        return _head(route, login)

    return head


def _nonce(route: Route) -> str:
    """The nonce of the proxy's challenge for MD5."""
    answer = b""
    with socket.create_connection(("127.0.0.1", route.proxy_port), _ANSWER_SECONDS) as connection:
        connection.sendall(_head(route))
        while HEAD_END not in answer and (data := connection.recv(4096)):
            answer += data
    for line in answer.decode(errors="replace").split("\r\n"):
        found = re.search(r'^proxy-authenticate: digest .*\bnonce="([^"]+)"', line, re.IGNORECASE)
        if found and "SHA-256" not in line:
            return found[1]
    raise LoadError(f"the proxy asks for no Digest login with MD5: {answer[:400]!r}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
