"""A DNS server for a `Network` whose resolv.conf names its address: it answers as a test says, badly if wanted."""

import enum
import ipaddress
import socket
import struct
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from support.upstream import SECONDS

_PORT = 53
_HEADER = 12
_TYPES = {1: "A", 28: "AAAA"}
_ANSWER = 0x8180  # a response, recursion desired and available
_QUESTION_NAME = 0xC00C  # a pointer to it, RFC 1035 section 4.1.4


class Fault(enum.Enum):
    """How the server fails to give addresses: by a response code of RFC 1035 section 4.1.1, or by silence."""

    SERVER_FAILURE = 2
    NO_SUCH_NAME = 3
    REFUSED = 5
    SILENCE = -1


Zone = Mapping[tuple[str, str], Fault | tuple[str, ...]]
"""Addresses or faults by name and type ("A", "AAAA"). A name with one type has no address of the other."""


class DnsServer:
    """Serves a zone in a thread, on a UDP socket. `asked` are the names and types of its queries, in order."""

    def __init__(self, sock: socket.socket, zone: Zone, address: str = "127.0.0.1") -> None:
        self._socket = sock
        self._address = address
        self.zone = zone
        self.asked: list[tuple[str, str]] = []
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._socket.settimeout(None)
        self._socket.bind((self._address, _PORT))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.sendto(b"", self._socket.getsockname())  # ends the thread
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            query, sender = self._socket.recvfrom(4096)
            if not query:
                return
            answer = self._answer(query)
            if answer:
                self._socket.sendto(answer, sender)

    def _answer(self, query: bytes) -> bytes:
        name, end = _read_name(query)
        kind = _TYPES[int.from_bytes(query[end : end + 2], "big")]
        self.asked.append((name, kind))
        found = self._find(name, kind)
        if found is Fault.SILENCE:
            return b""
        code = found.value if isinstance(found, Fault) else 0
        addresses = () if isinstance(found, Fault) else found
        header = query[:2] + struct.pack("!HHHHH", _ANSWER | code, 1, len(addresses), 0, 0)
        return header + query[_HEADER : end + 4] + b"".join(map(_record, addresses))

    def _find(self, name: str, kind: str) -> Fault | tuple[str, ...]:
        known = {each for each, _ in self.zone}
        return self.zone.get((name, kind), () if name in known else Fault.NO_SUCH_NAME)


def _read_name(query: bytes) -> tuple[str, int]:
    """The name of the question, without a final dot, and the offset of its type."""
    labels, position = [], _HEADER
    while length := query[position]:
        labels.append(query[position + 1 : position + 1 + length].decode().lower())
        position += 1 + length
    return ".".join(labels), position + 1


def _record(address: str) -> bytes:
    packed = ipaddress.ip_address(address).packed
    return struct.pack("!HHHIH", _QUESTION_NAME, 1 if len(packed) == 4 else 28, 1, 60, len(packed)) + packed
