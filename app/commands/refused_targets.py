"""Summarises the targets in an access log that were refused, or passed only because they are reported."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from licensegate.allowlist.target import Target, TargetError, parse_authority
from licensegate.records.log_reader import LogEntry, LogReader
from licensegate.records.outcome import Outcome
from licensegate.records.summary import RecordSummary

from .layout import counted

_COUNTED: Final = ("end", "summary")


class RefusedTarget(Struct):
    """A target that was refused, or passed only because it is reported. Times are in UTC."""

    target: Target
    first: datetime
    last: datetime
    times: int = 0
    clients: set[str] = msgspec.field(default_factory=set)
    is_private: bool = False
    """True if it was not dialled because its addresses are not public."""

    def __str__(self) -> str:
        times, clients = counted(self.times, "time"), counted(len(self.clients), "client")
        when = f"first {_utc(self.first)}, last {_utc(self.last)}"
        return f"{self.target}, asked for {times} by {clients}, {when}"


def refused_targets(reader: LogReader) -> Mapping[Target, RefusedTarget]:
    """Read the log to its end and summarise its refused targets. Raises OSError."""
    refused: dict[Target, RefusedTarget] = {}
    for number, line in reader:
        if line.event not in _COUNTED or not line.target or not (line.reported or line.allowed is False):
            continue
        try:
            target = parse_authority(line.target.encode())
        except (TargetError, UnicodeEncodeError):
            reader.reject(number)
            continue
        if target not in refused:
            refused[target] = RefusedTarget(target, line.time, line.time)
        _add(refused[target], line)
    return refused


def _add(refused: RefusedTarget, line: LogEntry) -> None:
    refused.first = min(refused.first, line.time)
    refused.last = max(refused.last, line.time)
    refused.times += line.count if isinstance(line, RecordSummary) else 1
    refused.clients.add(line.client)
    refused.is_private |= line.outcome is Outcome.DESTINATION_IP_PROHIBITED


def _utc(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"
