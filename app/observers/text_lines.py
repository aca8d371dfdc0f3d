"""The access log for people: one short line per record, with the sentence of what failed. Pure.

17:03:22 tunnel   10.20.30.40 to tools.cisco.com:443, answered, 2.1 s, 5.5 kB sent, 6.0 kB received
17:04:01 refused  10.20.30.40: smartreceiver.cisco.com:443 is not in the allowlist, … [target_in_preset, 403]
"""

import enum
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from licensegate.app.terminal import escaped
from licensegate.diagnosis.codes import PROBLEMS
from licensegate.diagnosis.wording import finding_of
from licensegate.records.contact import Contact
from licensegate.records.log_reader import LogEntry
from licensegate.records.record import TunnelRecord
from licensegate.records.summary import RecordSummary

from .severity import is_refusal

_WORD_WIDTH: Final = 9
_YELLOW, _RED, _PLAIN = "\x1b[33m", "\x1b[31m", "\x1b[0m"
_COLOURS: Final = {"refused": _YELLOW, "failed": _RED}


class TimeStamp(enum.Enum):
    """What stands before a line: the time of day here, date and time in UTC, or nothing, where the reader adds it."""

    CLOCK = "clock"
    DATE = "date"
    NONE = "none"

    def text(self, time: datetime) -> str:
        """The stamp of this time, with the blank that follows it."""
        match self:
            case TimeStamp.CLOCK:
                return f"{time.astimezone():%H:%M:%S} "
            case TimeStamp.DATE:
                return f"{time:%Y-%m-%dT%H:%M:%SZ} "
            case TimeStamp.NONE:
                return ""


class TextLines:
    """Encodes the entries of the access log as text."""

    def __init__(self, stamp: TimeStamp, *, coloured: bool = False) -> None:
        self._stamp = stamp
        self._coloured = coloured

    def encode(self, entry: LogEntry) -> bytes:
        """One line, without its newline. Its time is that of the end, in whose order the lines are written."""
        if isinstance(entry, RecordSummary):
            word, text, ended = "summary", _summary(entry), entry.time
        else:
            word, text = _record(entry)
            ended = entry.time + timedelta(milliseconds=entry.total_ms or 0)
        padded = f"{word:{_WORD_WIDTH}}"
        if self._coloured and word in _COLOURS:
            padded = f"{_COLOURS[word]}{padded}{_PLAIN}"
        return f"{self._stamp.text(ended)}{padded}{escaped(text)}".encode(errors="backslashreplace")


def _record(record: TunnelRecord) -> tuple[str, str]:
    """What happened in one word, and the rest of the line."""
    outcome = record.outcome
    if record.event != "end" or outcome is None:
        return "open", f"{_ends(record)}, still open"
    if record.relay_ms is not None and record.finding not in PROBLEMS:
        return "tunnel", ", ".join([_ends(record), *_tunnel(record)])
    finding = finding_of(record)
    sentence = record.sentence() if finding is None else finding.sentence
    whose = "" if record.client in sentence else f"{record.client}: "
    labels = [outcome.label if record.relay_ms is None else record.finding]
    if record.relay_ms is None and outcome.status:
        labels.append(str(outcome.status))
    if record.repeated:
        labels.append(f"{record.repeated} more before it")
    refused = record.relay_ms is None and is_refusal(outcome)
    return "refused" if refused else "failed", f"{whose}{sentence} [{', '.join(labels)}]"


def _ends(record: TunnelRecord) -> str:
    user = f" ({record.user})" if record.user else ""
    return f"{record.client}{user} to {record.target or 'no target yet'}"


def _tunnel(record: TunnelRecord) -> Iterator[str]:
    if record.contact is not None:
        yield "answered" if record.contact is Contact.ANSWERED else record.contact.replace("_", " ")
    yield _duration(record.total_ms or 0)
    yield f"{_size(record.upstream_written)} sent"
    yield f"{_size(record.upstream_read)} received"
    if record.reported:
        yield f"passed only because it is reported: {record.reported}"


def _summary(summary: RecordSummary) -> str:
    client = summary.client or "many clients"
    target = f" to {summary.target}" if summary.target else ""
    outcome = f", {summary.outcome.label}" if summary.outcome else ""
    return f"{summary.count} more connections of {client}{target} in a second{outcome}"


def _duration(milliseconds: float) -> str:
    seconds = milliseconds / 1000
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    size = float(count)
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.95:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"
