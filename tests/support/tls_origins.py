"""HTTPS servers by several TLS libraries, and a wire behind the gate that breaks at a chosen record."""

import contextlib
import enum
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12

from support.authority import Leaf
from support.java import STORE_PASSWORD, compiled
from support.requirements import require_command
from support.upstream import SECONDS, Upstream, closed_port

ANSWER = b'{"stand_in": true}'
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(ANSWER), ANSWER)
TINY = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


class OpenSslOrigin(Upstream):
    """OpenSSL: answers each request in one record; a path of `/tiny` gets 204. `tickets` for each TLS 1.3 handshake."""

    def __init__(self, leaf: Leaf, newest: ssl.TLSVersion, *, tickets: int = 2, client_ca: Path | None = None) -> None:
        super().__init__(self._serve_tls)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(leaf.chain, leaf.key)
        self._context.maximum_version = newest
        self._context.num_tickets = tickets
        if client_ca is not None:
            self._context.load_verify_locations(client_ca)
            self._context.verify_mode = ssl.CERT_REQUIRED

    def _serve_tls(self, connection: socket.socket) -> None:
        with self._context.wrap_socket(connection, server_side=True) as secure:
            request = b""
            while b"\r\n\r\n" not in request and (part := secure.recv(65536)):
                request += part
            head, _, body = request.partition(b"\r\n\r\n")
            length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-l")), 0)
            while len(body) < length and (part := secure.recv(65536)):
                body += part
            secure.sendall(TINY if b" /tiny " in head else WHOLE)
            with contextlib.suppress(OSError):
                secure.unwrap()


@contextlib.contextmanager
def _running(*command: str | Path) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _await_port(port: int, process: "subprocess.Popen[str]") -> None:
    waited = threading.Event()
    for _ in range(SECONDS * 20):
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
        waited.wait(0.05)
    raise AssertionError(f"{process.args!r} does not listen")


@contextlib.contextmanager
def jsse_origin(leaf: Leaf, folder: Path, version: str) -> Iterator[int]:
    """The JDK's own HttpsServer, of the distribution's Java. Yields its port."""
    certificates = x509.load_pem_x509_certificates(leaf.chain.read_bytes())
    key = load_pem_private_key(leaf.key.read_bytes(), None)
    store = folder / f"origin-{version}.p12"
    sealed = BestAvailableEncryption(STORE_PASSWORD.encode())
    store.write_bytes(pkcs12.serialize_key_and_certificates(b"o", key, certificates[0], certificates[1:], sealed))  # type: ignore[arg-type]
    java = require_command("java", "default-jdk-headless")
    with _running(java, "-cp", compiled("HttpsOrigin"), "HttpsOrigin", store, STORE_PASSWORD, version) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


@contextlib.contextmanager
def gnutls_origin(leaf: Leaf) -> Iterator[int]:
    """GnuTLS's own test server. Yields its port."""
    port = closed_port()
    server = require_command("gnutls-serv", "gnutls-bin")
    files = (f"--x509certfile={leaf.chain}", f"--x509keyfile={leaf.key}")
    with _running(server, "--http", "--quiet", f"--port={port}", *files) as process:
        _await_port(port, process)
        yield port


@contextlib.contextmanager
def nginx_origin(leaf: Leaf, folder: Path) -> Iterator[int]:
    """nginx with stock TLS. Yields its port."""
    port, nginx = closed_port(), require_command("nginx", "nginx-light")
    settings = folder / "nginx.conf"
    temporary = "".join(f"{name}_temp_path {folder};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    settings.write_text(f"""
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
events {{}}
http {{
    access_log off; {temporary}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {leaf.chain}; ssl_certificate_key {leaf.key}; ssl_protocols TLSv1.2 TLSv1.3;
        location = /tiny {{ return 204; }}
        location / {{ return 200 '{ANSWER.decode()}'; }}
    }}
}}
""")
    with _running(nginx, "-c", settings, "-p", folder) as process:
        _await_port(port, process)
        yield port


class Break(enum.Enum):
    """Where the wire breaks. Behind the handshake are the records that follow the client's first encrypted one."""

    NOWHERE = enum.auto()
    SILENT_AFTER_HELLO = enum.auto()
    CUT_AFTER_HELLO = enum.auto()
    CUT_IN_FLIGHT = enum.auto()
    CUT_BEHIND_HANDSHAKE = enum.auto()
    SILENT_BEHIND_HANDSHAKE = enum.auto()
    CUT_BEHIND_ONE_RECORD = enum.auto()


_CUT_BEHIND = {Break.CUT_BEHIND_HANDSHAKE: 0, Break.SILENT_BEHIND_HANDSHAKE: 0, Break.CUT_BEHIND_ONE_RECORD: 1}
_SILENT = frozenset({Break.SILENT_AFTER_HELLO, Break.SILENT_BEHIND_HANDSHAKE})


class Wire(Upstream):
    """Passes records on to a server at `port` and back, and breaks at `place`, from the `from_connection`th on."""

    def __init__(self, port: int, place: Break = Break.NOWHERE, from_connection: int = 1) -> None:
        super().__init__(self._pass_on)
        self._server = port
        self._place = place
        self._from_connection = from_connection

    def _pass_on(self, client: socket.socket) -> None:
        place = self._place if self.connections >= self._from_connection else Break.NOWHERE
        with socket.create_connection(("127.0.0.1", self._server)) as server:
            server.settimeout(SECONDS)
            asked = threading.Event()
            up = threading.Thread(target=_pass_up, args=(client, server, asked), daemon=True)
            up.start()
            if _pass_down(server, client, asked, place):
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_WR)
            elif place not in _SILENT:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
            up.join()


def _record(sock: socket.socket) -> bytes:
    """Read one record; b"" at the end."""
    read = b""
    while len(read) < 5 or len(read) < 5 + int.from_bytes(read[3:5], "big"):
        wanted = 5 if len(read) < 5 else 5 + int.from_bytes(read[3:5], "big")
        try:
            part = sock.recv(wanted - len(read))
        except OSError:
            return b""
        if not part:
            return b""
        read += part
    return read


def _pass_up(client: socket.socket, server: socket.socket, asked: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while record := _record(client):
            if record[0] == 23:
                asked.set()
            server.sendall(record)
        server.shutdown(socket.SHUT_WR)


def _pass_down(server: socket.socket, client: socket.socket, asked: threading.Event, place: Break) -> bool:
    """Pass the server's records on. Returns False where the wire broke."""
    if place in (Break.SILENT_AFTER_HELLO, Break.CUT_AFTER_HELLO):
        _record(server)
        return False
    behind = 0
    while record := _record(server):
        if asked.is_set() and record[0] == 23:
            if behind >= _CUT_BEHIND.get(place, 1 << 30):
                return False
            behind += 1
        with contextlib.suppress(OSError):
            client.sendall(record)
        if place is Break.CUT_IN_FLIGHT:
            return False
    return True
