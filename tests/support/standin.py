"""A TLS server that stands in for Cisco's licensing hosts.

It answers any request with 200 and a JSON body that says it is a stand-in. It never imitates a certificate, token,
signature or authorization code of Cisco's.
"""

import contextlib
import json
import socket
import ssl
from http.server import BaseHTTPRequestHandler
from typing import Any

from msgspec import Struct

from support.authority import CISCO_HOSTS, Authority
from support.upstream import Upstream

CALL_HOME_PATH = "/its/service/oddce/services/DDCEService"
"""The path on tools.cisco.com to which Call Home posts."""

ANSWER = json.dumps({"stand_in": True, "message": "No licence was granted: this is a test."}).encode()


class Received(Struct, frozen=True):
    """A request that the stand-in received. `server_name` is from TLS, `alpn` is the negotiated protocol."""

    method: str
    path: str
    host: str | None
    server_name: str | None
    alpn: str | None
    user_agent: str | None
    body: bytes


class StandIn(Upstream):
    """A TLS server on 127.0.0.1 with a test certificate for `hosts`; `received` are the requests it answered.

    `newest` is the newest TLS version that it offers.
    """

    def __init__(
        self,
        authority: Authority,
        hosts: tuple[str, ...] = CISCO_HOSTS,
        *,
        listener: socket.socket | None = None,
        newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    ) -> None:
        super().__init__(self._serve_tls, listener)
        leaf = authority.issue(*hosts)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(leaf.chain, leaf.key)
        self._context.maximum_version = newest
        self._context.set_alpn_protocols(["http/1.1"])
        self._context.sni_callback = _keep_server_name
        self.received: list[Received] = []

    def _serve_tls(self, connection: socket.socket) -> None:
        with self._context.wrap_socket(connection, server_side=True) as secure:
            _Exchange(secure, secure.getpeername(), self)  # type: ignore[arg-type]
            secure.setblocking(False)
            with contextlib.suppress(ssl.SSLWantReadError):
                secure.unwrap()  # sends close_notify, as real servers do, without waiting for the client's


def _keep_server_name(connection: Any, server_name: str | None, _context: ssl.SSLContext) -> None:
    connection.server_name = server_name


class _Exchange(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    request: ssl.SSLSocket
    server: StandIn  # type: ignore[assignment]

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.received.append(
            Received(
                method=self.command,
                path=self.path,
                host=self.headers.get("Host"),
                server_name=getattr(self.request, "server_name", None),
                alpn=self.request.selected_alpn_protocol(),
                user_agent=self.headers.get("User-Agent"),
                body=body,
            )
        )
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(ANSWER)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(ANSWER)

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing: requests are in `received`."""
