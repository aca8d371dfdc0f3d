"""TLS records without their keys (RFC 8446 sections 5.1 and 6): the alerts we send, and the record shapes of a stream.

Type and length of the first records of each direction show whether the handshake completed, whether the client rejected
the certificate and whether the target answered (`tls_exchange`). Reads no content but an alert in the clear.
"""

import struct
from typing import Final

from msgspec import Struct

from licensegate.records.alert import Alert
from licensegate.records.bounded import BoundedDict

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

_WARNING: Final = 1  # an alert's level, RFC 5246 section 7.2
_NO_ENDS: Final = frozenset({Alert.UNRECOGNIZED_NAME, Alert.NO_RENEGOTIATION})
"""As warnings, these end nothing: servers send the first and then their handshake (RFC 6066 section 3)."""

_ALERT: Final = 2  # level and description, in the clear; an encrypted alert is longer
_ENOUGH: Final = RECORD_HEADER + _ALERT  # to tell any record
_FIRST_TYPE: Final = CHANGE_CIPHER_SPEC_RECORD
_LAST_TYPE: Final = 24  # heartbeat
_MOST_PAYLOAD: Final = RECORD_PAYLOAD + 2**11  # of an encrypted record in TLS 1.2, RFC 5246 section 6.2.3
_MAJOR_VERSION: Final = 3
STARTS: Final = frozenset(kind << 8 | _MAJOR_VERSION for kind in range(_FIRST_TYPE, _LAST_TYPE + 1))
"""What `read_header` may find first in a record."""

_known: Final[BoundedDict[tuple[int, int], tuple[int, int]]] = BoundedDict(1 << 12)
"""Records as they are noted, by `_header`: those of most tunnels, judged once. They take 8 bytes each, not 96.

An alert in the clear is not among them, since what it says is noted, too.
"""

_known_record: Final = _known.get
_header: Final = struct.Struct("!IB").unpack_from
"""Reads the whole header of a record, as a key."""

read_header: Final = struct.Struct("!HxH").unpack_from
"""Reads a record's content type, with the major version in the lower 8 bits, and the length of its payload."""


def fatal_alert(alert: Alert) -> bytes:
    """Return the record of a fatal alert before any key is agreed on; every client since TLS 1.0 reads it."""
    return bytes((ALERT_RECORD, _MAJOR_VERSION, 3, 0, _ALERT, 2, alert))


class RecordShape(Struct, kw_only=True, eq=False, gc=False):
    """Type and payload length of the first TLS records of one direction, and an alert if one passed in the clear.

    `alert` is a number, since peers send unknown ones too. Of several it is the last, except that a close_notify does
    not replace another, and a warning of a peer that goes on does not count. Subclasses look at the bytes and judge the
    records as they come.
    """

    records: list[tuple[int, int]] = []
    alert: int | None = None
    _most: int = MOST_RECORDS  # that are noted
    _begun: bytes = b""  # the first bytes of a record, while too few have passed to note it
    _position: int = 0  # of the next record in the bytes to come, unless it has begun
    _done: bool = False
    _reads_clear: bool = False
    _judges: bool = False

    def see(self, data: memoryview | bytes) -> bool:
        """Note the records in the next bytes of the stream. Returns False once no more bytes are needed.

        That is when enough records were seen, or when the bytes are not TLS.
        """
        if self._reads_clear:
            self._read_clear(data)
        if self._done:
            return False
        records = self.records
        noted = len(records)
        position = self._find_next(data) if self._begun else self._position
        size = len(data)
        last = size - RECORD_HEADER
        for _ in range(len(records), self._most):
            record = _known_record(_header(data, position)) if position <= last else None
            if record is None:
                break
            records.append(record)
            position += RECORD_HEADER + record[1]
        else:
            self._done = True
        while position < size and not self._done:
            whole = self._note(data[position:])
            if not whole:
                if not self._done:
                    self._begun = bytes(data[position : position + _ENOUGH])
                break
            position += whole
        self._position = position - size
        if self._judges:
            self._judge(noted)
        if not self._done:
            return True
        if not records:
            self._note_words(data)
        return False

    def _read_clear(self, data: memoryview | bytes) -> None:
        """Read the next bytes before their records are noted. Called while `_reads_clear`."""

    def _judge(self, start: int) -> None:
        """Judge the records from number `start` on, those that were noted last. Called while `_judges`."""

    def _note_words(self, data: memoryview | bytes) -> None:
        """Note the bytes that show that the stream is not TLS."""

    @property
    def is_tls(self) -> bool:
        """Whether the stream may be TLS: it has begun with a TLS record, or with too few bytes to tell."""
        return bool(self.records) or not self._done

    @property
    def has_begun(self) -> bool:
        """Whether a byte of the stream was seen."""
        return bool(self.records or self._begun) or self._done

    @property
    def _is_between_records(self) -> bool:
        """Whether the last record that began has passed as a whole."""
        return self._position <= 0 and not self._begun

    def _find_next(self, data: memoryview | bytes) -> int:
        """Note the record that has begun. Returns where the next one begins in `data`; its end if that is not there."""
        begun = self._begun + bytes(data[:_ENOUGH])
        size = self._note(begun)
        if not size:
            self._begun = b"" if self._done else begun
            return len(data)
        position = size - len(self._begun)
        self._begun = b""
        return position

    def _note(self, data: memoryview | bytes) -> int:
        """Note the record that `data` starts with, and return its whole size; 0 while too few bytes are there."""
        there = len(data)
        if there < RECORD_HEADER:
            self._done = not _FIRST_TYPE <= data[0] <= _LAST_TYPE or (there > 1 and data[1] != _MAJOR_VERSION)
            return 0
        start: int
        length: int
        start, length = read_header(data)
        kind = start >> 8
        if start not in STARTS or length > _MOST_PAYLOAD:
            self._done = True
            return 0
        if length == _ALERT and kind == ALERT_RECORD:
            if there < _ENOUGH:
                return 0
            self._note_alert(data[RECORD_HEADER], data[_ENOUGH - 1])
        else:
            _known.put(_header(data), (kind, length))
        self.records.append((kind, length))
        self._done = len(self.records) >= self._most
        return RECORD_HEADER + length

    def _note_alert(self, level: int, description: int) -> None:
        if level == _WARNING and description in _NO_ENDS:
            return
        if self.alert is None or description != Alert.CLOSE_NOTIFY:
            self.alert = description
