"""HTTPS servers on loopback that stand in for Cisco's hosts.

They answer any request with 200 and JSON that says so. They imitate no certificate, token or authorization of Cisco's.
"""

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

from .address import LOOPBACK

_ANSWER: Final = json.dumps({"stand_in": True, "message": "No licence was granted: this is a demo."}).encode()
_SECONDS: Final = 10.0


class StandIn(ThreadingHTTPServer):
    """A server on a free port of 127.0.0.1 with this side of TLS. A context manager: it serves until its end."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__((LOOPBACK, 0), _Answers)
        self._context = context
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands and answer, in the thread of this connection."""
        request.settimeout(_SECONDS)
        with self._context.wrap_socket(request, server_side=True) as secure:
            _Answers(secure, client_address, self)
            secure.setblocking(False)
            secure.unwrap()  # sends close_notify without waiting for the client's

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that leave in the handshake belong to the stories."""


class _Answers(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(_ANSWER)))
        self.end_headers()
        self.wfile.write(_ANSWER)

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing."""
