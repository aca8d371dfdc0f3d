"""Cuts a stream into TLS records (RFC 8446 section 5.1), so that each can be counted and passed on alone. Pure."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from licensegate.proxy.wire.tls_records import RECORD_HEADER

_TYPES: Final = range(20, 25)


class NotTlsError(Exception):
    """The stream is not TLS."""


class Record(Struct, frozen=True):
    """One record: its content type, the length of its payload, and all its bytes."""

    kind: int
    length: int
    data: bytes


class RecordCutter:
    """Cuts one direction of a connection."""

    def __init__(self) -> None:
        self.pending = b""

    def feed(self, data: bytes) -> Iterator[Record]:
        """Yield the records that are complete with these bytes. Raises NotTlsError; `pending` then has the bytes."""
        self.pending += data
        while self.pending:
            head = self.pending[:RECORD_HEADER]
            if head[0] not in _TYPES or (len(head) > 1 and head[1] != 3):
                raise NotTlsError
            size = RECORD_HEADER + int.from_bytes(head[3:5], "big")
            if len(head) < RECORD_HEADER or len(self.pending) < size:
                return
            whole, self.pending = self.pending[:size], self.pending[size:]
            yield Record(whole[0], size - RECORD_HEADER, whole)
