"""Asks the DNS servers of this host themselves, to tell which of them says what, and which says nothing. Blocks."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from .dns_message import DnsAnswer, query, read_answer

_PORT: Final = 53
_SECONDS: Final = 3.0
_TRIES: Final = 2
"""A datagram may be lost once."""
_MOST_BYTES: Final = 65535

SILENT: Final = "no answer"
UNREACHABLE: Final = "not reachable"


class ServerAnswer(Struct, frozen=True):
    """What one server said about one name. `code` of the answer is also SILENT or UNREACHABLE."""

    server: str
    name: str
    kind: str
    answer: DnsAnswer

    @property
    def is_silent(self) -> bool:
        """Whether nothing came back."""
        return self.answer.code in (SILENT, UNREACHABLE)


def ask_servers(servers: Iterable[str], names: Iterable[str]) -> tuple[ServerAnswer, ...]:
    """Ask every server for the IPv4 and IPv6 addresses of every name, all at once, for a few seconds at most."""
    questions = [(server, name, kind) for server in servers for name in names for kind in ("A", "AAAA")]
    answers: dict[tuple[str, str, str], DnsAnswer] = {}

    def work(question: tuple[str, str, str]) -> None:
        answers[question] = ask_server(*question)

    threads = [threading.Thread(target=work, args=(each,), daemon=True) for each in questions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tuple(ServerAnswer(*question, answers[question]) for question in questions)


def ask_server(server: str, name: str, kind: str, seconds: float = _SECONDS) -> DnsAnswer:
    """Ask one server one question over UDP, and over TCP if the answer did not fit."""
    asked = query(name, kind)
    try:
        answer = _ask_by_datagram(server, asked, kind, seconds)
        if answer is not None and answer.truncated:
            answer = _ask_by_stream(server, asked, kind, seconds) or answer
    except OSError:
        return DnsAnswer(UNREACHABLE)
    return answer or DnsAnswer(SILENT)


def _ask_by_datagram(server: str, asked: bytes, kind: str, seconds: float) -> DnsAnswer | None:
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect((server, _PORT))
        for _ in range(_TRIES):
            sock.send(asked)
            until = time.monotonic() + seconds / _TRIES
            while (left := until - time.monotonic()) > 0:
                sock.settimeout(left)
                with contextlib.suppress(TimeoutError):
                    if answer := read_answer(sock.recv(_MOST_BYTES), asked, kind):
                        return answer
    return None


def _ask_by_stream(server: str, asked: bytes, kind: str, seconds: float) -> DnsAnswer | None:
    with (
        contextlib.suppress(OSError),
        socket.create_connection((server, _PORT), timeout=seconds) as sock,
        sock.makefile("rwb") as stream,
    ):
        stream.write(len(asked).to_bytes(2, "big") + asked)
        stream.flush()
        length = int.from_bytes(stream.read(2), "big")
        return read_answer(stream.read(length), asked, kind)
    return None
