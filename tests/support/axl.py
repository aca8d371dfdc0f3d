"""A stand-in for the AXL service of a publisher: HTTPS with scripted answers. It records every request as it came."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from support.authority import Authority
from support.licence_texts import text_of

HOST = "publisher.example.net"
ANSWER = text_of("cucm-axl.xml").encode()


def answer(content: bytes = ANSWER, *fields: str, status: str = "200 OK") -> bytes:
    """An HTTP answer with its length."""
    head = [f"HTTP/1.1 {status}", "Content-Type: text/xml;charset=UTF-8", f"Content-Length: {len(content)}", *fields]
    return "\r\n".join([*head, "", ""]).encode() + content


class StandInAxl:
    """Answers each connection by the next of its answers, the last one again and again; None is silence."""

    def __init__(self, folder: Path, answers: Sequence[bytes | Iterator[bytes] | None] = (answer(),)) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.arrived = threading.Event()
        authority = Authority(folder, "publisher's CA")
        leaf = authority.issue(HOST, "localhost")
        self.root = authority.root
        end = "-----END CERTIFICATE-----\n"
        self.fingerprint = sha256(ssl.PEM_cert_to_DER_cert(leaf.chain.read_text().partition(end)[0] + end)).hexdigest()
        self._answers = list(answers)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(leaf.chain, leaf.key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(plain,), daemon=True).start()

    def _talk(self, plain: socket.socket) -> None:
        plain.settimeout(30)
        with plain, contextlib.suppress(OSError), self._context.wrap_socket(plain, server_side=True) as channel:
            self._open.add(channel)
            request = _whole_request(channel)
            self.requests.append(request)
            said = self._answers[0] if len(self._answers) == 1 else self._answers.pop(0)
            self.arrived.set()
            if said is None:
                channel.recv(1)  # until the client, or the test, ends it
            elif isinstance(said, bytes):
                channel.sendall(said)
            else:
                for piece in said:
                    channel.sendall(piece)


def _whole_request(channel: ssl.SSLSocket) -> bytes:
    """The request, as long as its Content-Length says."""
    request = b""
    while b"\r\n\r\n" not in request:
        if not (piece := channel.recv(65536)):
            return request
        request += piece
    head, _, content = request.partition(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    while len(content) < length and (piece := channel.recv(65536)):
        content += piece
        request += piece
    return request
