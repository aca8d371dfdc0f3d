"""What an access log says of targets that no rule allows: which, how often, by how many clients, and when.

Reads the lines that `observers.access_log` writes. What is no such line is counted and passed over: a log may have been
cut, or hold what others write to the same stream.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, BinaryIO, Final

import msgspec
from msgspec import Meta, Struct

from licensegate.allowlist.target import Target, parse_authority
from licensegate.records.outcome import Outcome
from licensegate.records.record import SCHEMA

_LONGEST_LINE: Final = 65536  # many times what a record can be
_NAMED_AT_MOST: Final = 5


class Seen(Struct):
    """One target that was refused, or that passed because it is only reported; times are in UTC."""

    target: Target
    first: datetime
    last: datetime
    times: int = 0
    clients: set[str] = msgspec.field(default_factory=set)
    led_inside: bool = False
    """Whether it could not be dialled because its addresses are not public."""

    def __str__(self) -> str:
        times, clients = _count(self.times, "time"), _count(len(self.clients), "client")
        when = f"first {_written(self.first)}, last {_written(self.last)}"
        return f"{self.target}, asked for {times} by {clients}, {when}"


class Reading(Struct):
    """What was read: the targets, and how many lines were records or were not."""

    targets: dict[Target, Seen] = msgspec.field(default_factory=dict)
    records: int = 0
    unread: int = 0
    first_unread: list[int] = msgspec.field(default_factory=list)

    @property
    def unread_lines(self) -> str:
        """The numbers of the first lines that were no records, and how many more there were."""
        more = self.unread - len(self.first_unread)
        return ", ".join(map(str, self.first_unread)) + (f" and {more} more" if more else "")


class _Line(Struct):
    """Of a record, what is asked for here. `target` is there once a client has named one."""

    schema: int
    event: str
    time: Annotated[datetime, Meta(tz=True)]
    client: str
    outcome: str = ""
    target: str = ""
    allowed: bool | None = None
    reported: str = ""


def read_log(log: BinaryIO) -> Reading:
    """Read an access log to its end; raises OSError."""
    reading = Reading()
    decode = msgspec.json.Decoder(_Line).decode
    for number, text in enumerate(_lines(log), 1):
        try:
            line = decode(text)
            if line.schema != SCHEMA:
                raise ValueError(f"schema {line.schema}")
            if line.event == "end" and line.target and (line.reported or line.allowed is False):
                _note(reading.targets, line, parse_authority(line.target.encode()), line.time.astimezone(UTC))
        except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
            reading.unread += 1
            if reading.unread <= _NAMED_AT_MOST:
                reading.first_unread.append(number)
        else:
            reading.records += 1
    return reading


def _note(targets: dict[Target, Seen], line: _Line, target: Target, time: datetime) -> None:
    seen = targets.get(target)
    if seen is None:
        seen = targets[target] = Seen(target, time, time)
    seen.first = min(seen.first, time)
    seen.last = max(seen.last, time)
    seen.times += 1
    seen.clients.add(line.client)
    seen.led_inside |= line.outcome == Outcome.DESTINATION_IP_PROHIBITED.label


def _lines(log: BinaryIO) -> Iterator[bytes]:
    """Yield each line, and of one that is too long its beginning."""
    while line := log.readline(_LONGEST_LINE):
        yield line
        while line and not line.endswith(b"\n"):
            line = log.readline(_LONGEST_LINE)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _written(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"
