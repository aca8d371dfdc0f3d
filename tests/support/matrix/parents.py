"""Parent proxies by the name that a scenario gives them: squid, tinyproxy, proxy.py and mitmproxy, and broken ones.

squid gets every target at one port of this host, and so asks no DNS; the others are asked for that address.
"""

import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from support import squid
from support.gate_with_parents import parent_with_login
from support.matrix.chains import Chains
from support.matrix.programs import mitmproxy, proxy_py
from support.matrix.requests import HOST
from support.matrix.servers import context, read_hello, say_on_hello, secured, stay_silent
from support.squid import PASSWORD, USER, Squid
from support.tinyproxy import Tinyproxy
from support.upstream import Upstream, closed_port, read_nothing

Behaviour = Callable[[socket.socket], None]


class Place(Struct, frozen=True):
    """Where a parent runs: the folder of its gate, the certificates, and the port of the target."""

    folder: Path
    chains: Chains
    target: int

    def secret(self, password: str) -> None:
        """Write the gate's password for its parent."""
        file = self.folder / "parent.secret"
        file.write_text(f"{password}\n")
        file.chmod(0o600)


Parent = Callable[[Place], contextlib.AbstractContextManager[str]]
"""Runs a parent. Gives its table in the gate's settings."""


def read_head(connection: socket.socket) -> bytes:
    """Read the gate's request."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(65536)
        if not data:
            break
        head += data
    return head


def says(answer: bytes) -> Behaviour:
    """Answer a request and close."""

    def behave(connection: socket.socket) -> None:
        if read_head(connection):
            connection.sendall(answer)

    return behave


def opens(then: Behaviour) -> Behaviour:
    """Say that the tunnel is open, and go on."""

    def behave(connection: socket.socket) -> None:
        if read_head(connection):
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            then(connection)

    return behave


def close_on_hello(connection: socket.socket) -> None:
    """Close once the hello is there."""
    read_hello(connection)


def speak_ssh(connection: socket.socket) -> None:
    """Speak first."""
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    stay_silent(connection)


def _scripted(behaviour: Behaviour, scheme: str = "http", *, more: str = "") -> Parent:
    @contextlib.contextmanager
    def run(place: Place) -> Iterator[str]:
        with Upstream(behaviour) as server:
            yield f"{scheme}://127.0.0.1:{server.port}{more}"

    return run


def _in_tls(trusted: bool) -> Parent:
    """A parent that speaks TLS, with a certificate that the gate does not trust or with a gate that speaks none."""

    @contextlib.contextmanager
    def run(place: Place) -> Iterator[str]:
        with Upstream(secured(context(place.chains.leaves["good"]), lambda secure: None)) as server:
            yield f"{'http' if trusted else 'https'}://127.0.0.1:{server.port}"

    return run


def _squid(
    access: Callable[[Path], tuple[str, ...]] = squid.without_login, *, password: str = "", refused: bool = False
) -> Parent:
    @contextlib.contextmanager
    def run(place: Place) -> Iterator[str]:
        with Squid(closed_port() if refused else place.target, access) as parent:
            yield _table(place, f"http://127.0.0.1:{parent.port}", password, USER)

    return run


def _unresolvable(folder: Path) -> tuple[str, ...]:
    """squid with a name server that is not there, and without the helper that redirects to the stand-in."""
    return (
        "http_access allow all",
        "dns_nameservers 127.0.0.1",
        "dns_timeout 1 seconds",
        "url_rewrite_access deny all",
    )


def _tinyproxy(password: str | None) -> Parent:
    @contextlib.contextmanager
    def run(place: Place) -> Iterator[str]:
        with Tinyproxy(place.folder) as parent:
            right = parent.password if password is None else password
            yield _table(place, f"http://127.0.0.1:{parent.port}", right, USER)

    return run


def _proxy_py(password: str) -> Parent:
    @contextlib.contextmanager
    def run(place: Place) -> Iterator[str]:
        login = ("--basic-auth", f"{USER}:{PASSWORD.replace(' ', '-')}") if password else ()
        with proxy_py(place.folder, *login) as port:
            yield _table(place, f"http://127.0.0.1:{port}", password, USER)

    return run


@contextlib.contextmanager
def _mitmproxy(place: Place) -> Iterator[str]:
    with mitmproxy(place.folder, "--mode=regular") as port:
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def _nobody(place: Place) -> Iterator[str]:
    yield f"http://127.0.0.1:{closed_port()}"


def _table(place: Place, url: str, password: str, user: str) -> str:
    if not password:
        return url
    place.secret(password)
    return parent_with_login(url, user=user)


_PORTAL = b"HTTP/1.1 302 Found\r\nLocation: http://portal.corp.example/login?from=x\r\nContent-Length: 0\r\n\r\n"
_BLOCKED = b"HTTP/1.1 403 Forbidden\r\nServer: filter\r\nContent-Length: 18\r\n\r\nBlocked: Shareware"
_NTLM = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n"
_PAGE = b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n<html>Blocked</html>"
_NETWORK_LOGIN = b"HTTP/1.1 511 Network Authentication Required\r\nContent-Length: 0\r\n\r\n"
_CANNOT_FORWARD = (
    b"HTTP/1.1 500 Internal Server Error\r\nServer: squid/5.7\r\nX-Squid-Error: ERR_CANNOT_FORWARD 0\r\n"
    b"Content-Length: 0\r\n\r\n"
)
_LATE = b"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n"
_WEB = b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n"

PARENTS: Mapping[str, Parent] = {
    "squid": _squid(),
    "squid_denies": _squid(lambda folder: ("http_access deny all",)),
    "squid_cannot_resolve": _squid(_unresolvable),
    "squid_cannot_connect": _squid(refused=True),
    "squid_without_login": _squid(squid.basic),
    "squid_wrong_login": _squid(squid.basic, password="wrong"),
    "tinyproxy": _tinyproxy(None),
    "tinyproxy_without_login": _tinyproxy(""),
    "tinyproxy_wrong_login": _tinyproxy("wrong"),
    "tinyproxy_cannot_connect": _tinyproxy(None),
    "proxy_py": _proxy_py(""),
    "proxy_py_wrong_login": _proxy_py("wrong"),
    "proxy_py_cannot_connect": _proxy_py(""),
    "mitmproxy": _mitmproxy,
    "closed_port": _nobody,
    "silent": _scripted(read_nothing),
    "portal": _scripted(says(_PORTAL)),
    "blocked_category": _scripted(says(_BLOCKED)),
    "gateway_timeout": _scripted(says(_LATE)),
    "web_server": _scripted(says(_WEB)),
    "ssh_server": _scripted(speak_ssh),
    "tls_parent": _in_tls(trusted=True),
    "untrusted_parent": _in_tls(trusted=False),
    "plain_parent": _scripted(say_on_hello(_WEB), "https"),
    "closes_at_once": _scripted(says(b"")),
    "ntlm_only": _scripted(says(_NTLM)),
    "dead_tunnel": _scripted(opens(stay_silent)),
    "page_in_tunnel": _scripted(opens(say_on_hello(_PAGE))),
    "network_login": _scripted(says(_NETWORK_LOGIN)),
    "cannot_forward": _scripted(says(_CANNOT_FORWARD)),
    "closes_tunnel": _scripted(opens(close_on_hello)),
}

_NOT_THERE = ("tinyproxy_cannot_connect", "proxy_py_cannot_connect")


def target_port(part: str, good: int) -> int:
    """Where the parent is to find the target."""
    return closed_port() if part in _NOT_THERE else good


def connect_to(part: str, port: int) -> tuple[str, ...]:
    """The entry that makes the gate ask its parent for an address; squid is asked for the name."""
    return () if part.startswith("squid") else (f"{HOST}:443:127.0.0.1:{port}",)
