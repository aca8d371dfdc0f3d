"""What clients say to the gate itself, by name: requests that no proxy expects, and connections that end early."""

import contextlib
import signal
import socket
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from support.client_program import Post, Trust
from support.gate import Gate
from support.logins import PASSWORD, USER
from support.matrix.chains import DOMAIN
from support.matrix.clients import CLIENTS
from support.programs import run
from support.requirements import require_command
from support.upstream import SECONDS

HOST = f"target.{DOMAIN}"
"""The allowed target of every gate."""

TARGET = f"{HOST}:443"
TOOLS = "tools.cisco.com:443"


class Asked(Struct, frozen=True):
    """A port of a gate, and the roots that its client knows."""

    gate: Gate
    port: int
    trust: Trust
    folder: Path


Request = Callable[[Asked], str]


def _curl(*options: str, url: str = "") -> Request:
    """curl as a client of the gate's own address."""

    def ask(asked: Asked) -> str:
        address = url.replace("GATE", f"127.0.0.1:{asked.port}")
        given = [option.replace("GATE", f"127.0.0.1:{asked.port}") for option in options]
        done = run(require_command("curl", "curl"), "--silent", "--show-error", "--include", *given, address)
        return f"{done.stderr}{done.stdout}"

    return ask


def _raw(*parts: bytes, stay: bool = False) -> Request:
    """Send these parts, each after an answer to the one before; then leave, or stay until the gate ends it."""

    def ask(asked: Asked) -> str:
        with socket.create_connection(("127.0.0.1", asked.port), SECONDS) as client:
            shown = b""
            for number, part in enumerate(parts):
                if number:
                    shown += client.recv(65536)
                client.sendall(part)
            while stay and (data := client.recv(65536)):
                shown += data
        return shown.decode(errors="replace")

    return ask


def _refused(head: bytes) -> Request:
    """Send a whole request and read the answer to its end."""
    return _raw(head, stay=True)


def _connect(authority: str, host: str = "") -> bytes:
    return f"CONNECT {authority} HTTP/1.1\r\nHost: {host or authority}\r\nUser-Agent: Java/17.0.15\r\n\r\n".encode()


def _hello(host: str) -> bytes:
    outgoing = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=host)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def _s_client(*options: str, trusted: bool = True, through_proxy: bool = False, asks: bool = False) -> Request:
    """openssl s_client, straight to the gate or through it."""

    def ask(asked: Asked) -> str:
        gate = f"127.0.0.1:{asked.port}"
        way = ("-proxy", gate, "-connect", TARGET) if through_proxy else ("-connect", gate)
        roots = ("-CAfile", asked.trust.pem, "-verify_return_error") if trusted else ("-verify_return_error",)
        said = f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n" if asks else ""
        quiet = ("-quiet",) if asks else ()
        openssl = require_command("openssl", "openssl")
        done = run(openssl, "s_client", *way, *roots, *quiet, *options, stdin=said.encode())
        return f"{done.stderr}{done.stdout}"

    return ask


def _through(client: str, login: str = "", *, times: int = 1) -> Request:
    """A client of `CLIENTS`, with a login in its proxy's URL."""

    def ask(asked: Asked) -> str:
        who = f"{login}@" if login else ""
        post = Post(f"https://{HOST}/", f"http://{who}127.0.0.1:{asked.port}")
        return "\n".join(CLIENTS[client][1]((), asked.trust, [post] * times))

    return ask


def _to_https_proxy(asked: Asked) -> str:
    fixed = ("--silent", "--show-error", "--cacert", str(asked.trust.pem), "--proxy-cacert", str(asked.trust.pem))
    proxy = ("--proxy", f"https://localhost:{asked.port}")
    return run(require_command("curl", "curl"), *fixed, *proxy, f"https://{HOST}/").stderr


def _keep_alive(asked: Asked) -> str:
    """Get a page and keep the tunnel until the gate ends it."""
    with socket.create_connection(("127.0.0.1", asked.port), SECONDS) as client:
        client.sendall(_connect(TARGET))
        client.recv(65536)
        context = ssl.create_default_context(cafile=str(asked.trust.pem))
        with context.wrap_socket(client, server_hostname=HOST, suppress_ragged_eofs=True) as secure:
            secure.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            shown = b""
            while data := secure.recv(65536):
                shown += data
    return shown.decode()


def _held_tunnel(asked: Asked) -> str:
    """Open a tunnel, have the gate stop, and wait for its end."""
    with held(asked.port) as client:
        asked.gate.send(signal.SIGTERM)
        while client.recv(65536):
            pass
    return ""


def _late_request(asked: Asked) -> str:
    """Connect, have the gate stop while a tunnel keeps it, and only then ask for another."""
    with held(asked.gate.listeners[-1][1]), socket.create_connection(("127.0.0.1", asked.port), SECONDS) as client:
        asked.gate.send(signal.SIGTERM)
        asked.gate.await_line("stopping")
        client.sendall(_connect(TARGET))
        return client.recv(65536).decode()


def _hang_at_certificate(asked: Asked) -> str:
    """Take the target's part of a handshake, and leave two seconds later."""
    with held(asked.port) as client:
        client.settimeout(2)
        with contextlib.suppress(TimeoutError):
            while client.recv(65536):
                pass
    return ""


def _beside_a_held_tunnel(asked: Asked) -> str:
    """Ask for a tunnel while another takes its place."""
    with held(asked.gate.listeners[-1][1]):
        return _through("curl")(asked)


@contextlib.contextmanager
def held(port: int) -> Any:
    """A tunnel with the first half of TLS in it."""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as client:
        client.sendall(_connect(TARGET))
        client.recv(65536)
        client.sendall(_hello(HOST))
        client.recv(65536)
        yield client


_HALF_HELLO = _hello(HOST)[:200]
_MESSAGE = ("--data", "{}")

REQUESTS: Mapping[str, tuple[str, Request]] = {
    "post_transportgateway": (
        "curl",
        _curl(*_MESSAGE, url="http://GATE/Transportgateway/services/DeviceRequestHandler"),
    ),
    "post_call_home": ("curl", _curl(*_MESSAGE, url="http://GATE/its/service/oddce/services/DDCEService")),
    "post_smart_transport": ("curl", _curl(*_MESSAGE, url="http://GATE/SmartTransport")),
    "post_root": ("curl", _curl(*_MESSAGE, url="http://GATE/")),
    "post_https_gateway": (
        "curl",
        _curl(*_MESSAGE, url="https://GATE/Transportgateway/services/DeviceRequestHandler"),
    ),
    "get_page": ("curl", _curl("--user-agent", "Mozilla/5.0", url="http://GATE/")),
    "get_http_url": ("curl", _curl("--proxy", "GATE", url="http://www.cisco.com/security/pki/trs/ios_core.p7b")),
    "post_https_url": (
        "a raw socket",
        _refused(b"POST https://tools.cisco.com/its HTTP/1.1\r\nHost: tools.cisco.com\r\nContent-Length: 0\r\n\r\n"),
    ),
    "connect_url": ("a raw socket", _refused(_connect("https://tools.cisco.com:443/"))),
    "connect_login": ("a raw socket", _refused(_connect("user:secret@tools.cisco.com:443"))),
    "connect_wrong_port": ("a raw socket", _refused(_connect("tools.cisco.com:8443"))),
    "connect_address": ("a raw socket", _refused(_connect("192.0.2.38:443"))),
    "connect_smartreceiver": ("a raw socket", _refused(_connect("smartreceiver.cisco.com:443"))),
    "connect_other": ("a raw socket", _refused(_connect("www.other.example:443"))),
    "curl_to_https_proxy": ("curl", _to_https_proxy),
    "openssl_without_name": ("openssl s_client", _s_client("-noservername")),
    "openssl_direct": ("openssl s_client", _s_client("-servername", HOST, asks=True)),
    "openssl_other_name": ("openssl s_client", _s_client("-servername", "www.other.example")),
    "openssl_handshake": (
        "openssl s_client",
        _s_client("-servername", HOST, "-verify_hostname", HOST, through_proxy=True),
    ),
    "openssl_mismatch": ("openssl s_client", _s_client("-servername", "www.other.example", through_proxy=True)),
    "ssh": ("a raw socket", _raw(b"SSH-2.0-OpenSSH_9.2\r\n", stay=True)),
    "open_port": ("a raw socket", _raw()),
    "get_healthz": ("curl", _curl(url="http://GATE/healthz")),
    "connect_and_leave": ("a raw socket", _raw(_connect(TARGET), b"")),
    "http_in_tunnel": ("a raw socket", _raw(_connect(TARGET), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", stay=True)),
    "say_nothing": ("a raw socket", _raw(stay=True)),
    "half_a_head": ("a raw socket", _raw(_connect(TARGET)[:30], stay=True)),
    "half_a_hello": ("a raw socket", _raw(_connect(TARGET), _HALF_HELLO, stay=True)),
    "silent_in_tunnel": ("a raw socket", _raw(_connect(TARGET), stay=True)),
    "curl": ("curl", _through("curl")),
    "requests": ("Python requests", _through("requests")),
    "curl_login": ("curl", _through("curl_any", f"{USER}:{PASSWORD}")),
    "curl_basic": ("curl", _through("curl", f"{USER}:{PASSWORD}")),
    "curl_wrong_password": ("curl", _through("curl_any", f"{USER}:wrong")),
    "curl_unknown_user": ("curl", _through("curl_any", "nobody:wrong")),
    "curl_guessing": ("curl", lambda asked: "\n".join(_through("curl", f"{USER}:no{n}")(asked) for n in range(12))),
    "java_17_login": ("Java 17", _through("java_17", f"{USER}:{PASSWORD}")),
    "java_25_login": ("Java 25", _through("java_25", f"{USER}:{PASSWORD}")),
    "java_17_wrong_password": ("Java 17", _through("java_17", f"{USER}:wrong")),
    "java_17_login_twice": ("Java 17", _through("java_17", f"{USER}:{PASSWORD}", times=3)),
    "java_25_login_twice": ("Java 25", _through("java_25", f"{USER}:{PASSWORD}", times=3)),
    "keep_alive": ("Python", _keep_alive),
    "hang_at_certificate": ("a raw socket", _hang_at_certificate),
    "held_tunnel": ("a raw socket", _held_tunnel),
    "late_request": ("a raw socket", _late_request),
    "beside_a_held_tunnel": ("curl", _beside_a_held_tunnel),
}
"""What the page calls each client, and what it does."""
