"""TLS records without their keys (RFC 8446 sections 5.1 and 6): the alerts we send, and the record shapes of a stream.

Type and length of the first records of each direction show whether the handshake completed, whether the client rejected
the certificate and whether the target answered (`tls_exchange`). Reads no content but an alert in the clear.
"""

import struct
from typing import Final

from licensegate.records.alert import Alert

HANDSHAKE: Final = b"\x16\x03"
"""The start of a handshake record: content type and major version."""

RECORD_HEADER: Final = 5
"""Length of a record's header, in bytes."""

RECORD_PAYLOAD: Final = 2**14
"""The most plaintext in one record, in bytes."""

MOST_RECORDS: Final = 16
"""How many records of each direction are noted."""

CHANGE_CIPHER_SPEC_RECORD: Final = 20
ALERT_RECORD: Final = 21
HANDSHAKE_RECORD: Final = 22
APPLICATION_RECORD: Final = 23
"""Content types. TLS 1.3 gives every encrypted record the last one."""

_ALERT: Final = 2  # level and description, in the clear; an encrypted alert is longer
_ENOUGH: Final = RECORD_HEADER + _ALERT  # to tell any record
_RECORD_TYPES: Final = range(CHANGE_CIPHER_SPEC_RECORD, 25)  # the last is heartbeat
_MOST_PAYLOAD: Final = RECORD_PAYLOAD + 2**11  # of an encrypted record in TLS 1.2, RFC 5246 section 6.2.3
_MAJOR_VERSION: Final = 3

_header: Final = struct.Struct("!BBxH").unpack_from


def fatal_alert(alert: Alert) -> bytes:
    """Return the record of a fatal alert before any key is agreed on; every client since TLS 1.0 reads it."""
    return bytes((ALERT_RECORD, _MAJOR_VERSION, 3, 0, _ALERT, 2, alert))


class RecordShape:
    """Type and payload length of the first TLS records of one direction, and an alert if one passed in the clear.

    `alert` is a number, since peers send unknown ones too. Of several it is the last, except that a close_notify does
    not replace another. `seen` counts the bytes up to the last that was looked at.
    """

    __slots__ = ("_begun", "_done", "_position", "_reads_payload", "alert", "records", "seen")

    def __init__(self) -> None:
        self.records: list[tuple[int, int]] = []
        self.alert: int | None = None
        self.seen = 0
        self._begun = b""  # the first bytes of a record, while too few have passed to note it
        self._position = 0  # of the next record in the bytes to come, unless it has begun
        self._reads_payload = False  # of the record that is passing
        self._done = False

    def see(self, data: memoryview | bytes) -> bool:
        """Note the records in the next bytes of the stream. Returns False once no more bytes are needed.

        That is when enough records were seen, or when the bytes are not TLS.
        """
        position = self._position
        if self._reads_payload and position > 0:
            self._read_payload(data[:position])
        if self._begun:
            begun = self._begun + bytes(data[:_ENOUGH])
            size = self._note(begun, 0, self.seen - len(self._begun))
            if not size:
                self._begun = begun
                self.seen += len(data)
                return not self._done
            position = size - len(self._begun)
            if self._reads_payload:
                self._read_payload(data[RECORD_HEADER - len(self._begun) : position])
            self._begun = b""
        while position < len(data) and not self._done:
            size = self._note(data, position, self.seen + position)
            if not size:
                self._begun = bytes(data[position : position + _ENOUGH])
                break
            if self._reads_payload:
                self._read_payload(data[position + RECORD_HEADER : position + size])
            position += size
        self._position = position - len(data)
        self.seen += len(data)
        return not self._done

    @property
    def is_tls(self) -> bool:
        """Whether the stream may be TLS: it has begun with a TLS record, or with too few bytes to tell."""
        return bool(self.records) or not self._done

    @property
    def _is_between_records(self) -> bool:
        """Whether the last record that began has passed as a whole."""
        return self._position <= 0 and not self._begun

    def _note(self, data: memoryview | bytes, position: int, offset: int) -> int:
        """Note the record at `position` and return its size with the header; 0 while too few bytes are there.

        `offset` is its place in the stream.
        """
        there = len(data) - position
        if there < RECORD_HEADER:
            self._done = data[position] not in _RECORD_TYPES or (there > 1 and data[position + 1] != _MAJOR_VERSION)
            return 0
        kind: int
        length: int
        kind, major, length = _header(data, position)
        if kind not in _RECORD_TYPES or major != _MAJOR_VERSION or length > _MOST_PAYLOAD:
            self._done = True
            return 0
        if kind == ALERT_RECORD and length == _ALERT:
            if there < _ENOUGH:
                return 0
            description = data[position + _ENOUGH - 1]
            if self.alert is None or description != Alert.CLOSE_NOTIFY:
                self.alert = description
        if len(self.records) < MOST_RECORDS:
            self.records.append((kind, length))
        self._done = not self._goes_on(kind, length, offset)
        return RECORD_HEADER + length

    def _goes_on(self, kind: int, length: int, offset: int) -> bool:
        """Whether records behind this one are needed."""
        return len(self.records) < MOST_RECORDS

    def _read_payload(self, part: memoryview | bytes) -> None:
        """Take the next part of the payload of the record that is passing, if `_reads_payload`."""
