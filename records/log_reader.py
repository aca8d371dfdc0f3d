"""Reads an access log (`docs/records.md`) and yields its records and summaries, in the types that wrote them.

A log may be truncated, or contain the lines of other programs. Lines that are not records are skipped and counted, and
the numbers of the first ones are kept for a warning. Keys that this release does not know are ignored, and a value of a
known key that it does not know, such as a newer outcome, counts as left out.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, BinaryIO, Final

import msgspec
from msgspec import Meta, Struct

from .json_errors import JSON_ERRORS
from .record import SCHEMA, TunnelRecord
from .summary import RecordSummary

LogEntry = TunnelRecord | RecordSummary
"""One line of the log."""

_LONGEST_LINE: Final = 65536  # many times the size of a record
_MOST_NUMBERS: Final = 5
_MOST_UNKNOWN: Final = 8  # values of one line
_UNKNOWN_VALUE: Final = re.compile(r"Invalid enum value .* - at `\$\.(\w+)`")


class _Kind(Struct):
    """What tells how a line is to be read."""

    schema: int
    event: str
    time: Annotated[datetime, Meta(tz=True)]


_decode_kind: Final = msgspec.json.Decoder(_Kind).decode
_decode_record: Final = msgspec.json.Decoder(TunnelRecord).decode
_decode_summary: Final = msgspec.json.Decoder(RecordSummary).decode


def read_record(encoded: bytes) -> TunnelRecord:
    """Decode a record of the current schema. Raises ValueError, MsgspecError, OverflowError or RecursionError."""
    try:
        record = _decode_record(encoded)
    except msgspec.ValidationError as error:
        record = _without_unknown(encoded, error)
    record.time = record.time.astimezone(UTC)
    return record


def _without_unknown(encoded: bytes, error: msgspec.ValidationError) -> TunnelRecord:
    """Decode a record that may have values of a newer release. Raises the error if it has none."""
    values: dict[str, Any] = msgspec.json.decode(encoded)
    for _ in range(_MOST_UNKNOWN):
        unknown = _UNKNOWN_VALUE.match(str(error))
        if unknown is None or unknown[1] not in values:
            break
        del values[unknown[1]]
        try:
            return msgspec.convert(values, TunnelRecord)
        except msgspec.ValidationError as another:
            error = another
    raise error


class LogReader:
    """Iterates over the entries of an access log, each with the number of its line, counted from 1.

    `records` counts the entries so far, `unread` the lines that were none. `older` counts the lines that an
    older release wrote, by their schema; they are skipped. Iterating raises OSError if the log cannot be read.
    """

    def __init__(self, log: BinaryIO) -> None:
        self.records = 0
        self.unread = 0
        self.older: Counter[int] = Counter()
        self._first_unread: list[int] = []
        self._log = log

    def __iter__(self) -> Iterator[tuple[int, LogEntry]]:
        for number, text in enumerate(self._lines(), 1):
            try:
                kind = _decode_kind(text)
                kind.time.astimezone(UTC)
                entry = self._read(kind, text)
            except (*JSON_ERRORS, OverflowError):
                self._skip(number)
                continue
            if entry is not None:
                self.records += 1
                yield number, entry
            elif 0 < kind.schema < SCHEMA and kind.event != "change":
                self.older[kind.schema] += 1
            else:
                self._skip(number)

    @staticmethod
    def _read(kind: _Kind, text: bytes) -> LogEntry | None:
        """The entry; None if it is of another schema."""
        if kind.schema != SCHEMA:
            return None
        if kind.event != "summary":
            return read_record(text)
        summary = _decode_summary(text)
        summary.time = summary.time.astimezone(UTC)
        return summary

    def reject(self, number: int) -> None:
        """Count this line as unread after all: a value in its record is invalid."""
        self.records -= 1
        self._skip(number)

    @property
    def unread_lines(self) -> str:
        """The numbers of the first lines that were not records, and how many more there were."""
        more = self.unread - len(self._first_unread)
        return ", ".join(map(str, self._first_unread)) + (f" and {more} more" if more else "")

    def _skip(self, number: int) -> None:
        self.unread += 1
        if len(self._first_unread) < _MOST_NUMBERS:
            self._first_unread.append(number)

    def _lines(self) -> Iterator[bytes]:
        """Yield each line; of an overlong line only its first bytes."""
        while line := self._log.readline(_LONGEST_LINE):
            yield line
            while line and not line.endswith(b"\n"):
                line = self._log.readline(_LONGEST_LINE)
