"""Reads an access log (`docs/records.md`) and yields its records.

A log may be truncated, or contain the lines of other programs. Lines that are not records are skipped and counted, and
the numbers of the first ones are kept for a warning.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, BinaryIO, Final, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

from .record import SCHEMA

_LONGEST_LINE: Final = 65536  # many times the size of a record
_MOST_NUMBERS: Final = 5


class LogLine(Struct):
    """The keys that every line has; a subclass adds the keys that its command reads."""

    schema: int
    event: str
    time: Annotated[datetime, Meta(tz=True)]


LineT = TypeVar("LineT", bound=LogLine)


class LogReader(Generic[LineT]):
    """Iterates over the records of an access log, each with the number of its line, counted from 1.

    `records` counts the records so far, `unread` the lines that were not records. `older` counts the lines that an
    older release wrote, by their schema; they are skipped. Iterating raises OSError if the log cannot be read.
    """

    def __init__(self, log: BinaryIO, kind: type[LineT]) -> None:
        self.records = 0
        self.unread = 0
        self.older: Counter[int] = Counter()
        self._first_unread: list[int] = []
        self._log = log
        self._decode = msgspec.json.Decoder(kind).decode

    def __iter__(self) -> Iterator[tuple[int, LineT]]:
        for number, text in enumerate(self._lines(), 1):
            try:
                line = self._decode(text)
                line.time = line.time.astimezone(UTC)
            except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
                self._skip(number)
                continue
            if line.schema == SCHEMA:
                self.records += 1
                yield number, line
            elif 0 < line.schema < SCHEMA:
                self.older[line.schema] += 1
            else:
                self._skip(number)

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
