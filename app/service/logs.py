"""The service log: what the program does, in lines on standard error.

A stalled reader of standard error blocks neither the event loop nor the end of the program (`line_writer`). The
journal gets a priority before each line, and adds the time itself.
"""

import logging
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from licensegate.app.observers.change_log import CHANGE
from licensegate.app.observers.line_writer import LineWriter
from licensegate.app.settings import LogFormat
from licensegate.app.terminal import STANDARD_ERROR, escaped, is_coloured, is_journal
from licensegate.records.change import Change, encoded

_PRIORITIES: Final = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}
"""Those of syslog(3), which sd-daemon(3) takes over."""

_COLOURS: Final = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31m"}
_PLAIN: Final = "\x1b[0m"


class DatedFormatter(logging.Formatter):
    """Date and time in UTC, the level and the message: for containers, files and pipes."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime


class TerminalFormatter(logging.Formatter):
    """The time of day here and the message, with the level if it is not the usual one. Nothing moves the cursor."""

    def __init__(self, *, coloured: bool) -> None:
        super().__init__("%(message)s")
        self._coloured = coloured

    def format(self, record: logging.LogRecord) -> str:
        """The lines of one record."""
        text = "\n".join(map(escaped, super().format(record).split("\n")))
        colour = _COLOURS.get(record.levelname, "") if self._coloured else ""
        level = "" if record.levelname == "INFO" else f"{colour}{record.levelname.lower()}{_PLAIN * bool(colour)}: "
        return f"{time.strftime('%H:%M:%S', time.localtime(record.created))} {level}{text}"


class JsonFormatter(logging.Formatter):
    """One line of JSON: time, level and message; a change with all that is known of it (`docs/changes.md`)."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        change = getattr(record, CHANGE, None)
        if isinstance(change, Change):
            return encoded(change).decode()
        at = datetime.fromtimestamp(record.created, UTC)
        message = super().format(record).encode(errors="backslashreplace").decode()
        line = {"event": "log", "time": at, "level": record.levelname.lower(), "message": message}
        return msgspec.json.encode(line).decode()


class JournalFormatter(logging.Formatter):
    """Another formatter's lines, each with its priority: the journal takes each for an entry of its own."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The lines of one record."""
        priority = f"<{_PRIORITIES.get(record.levelname, 6)}>"
        return "\n".join(f"{priority}{line}" for line in self._inner.format(record).split("\n"))


class ServiceLog(logging.Handler):
    """Writes the program's log. It does not log its own dropped lines: they would be dropped too."""

    def __init__(self, form: LogFormat = "auto") -> None:
        super().__init__()
        self.adopt(form)
        self._writer = LineWriter(STANDARD_ERROR, "service log")

    @property
    def dropped(self) -> int:
        """The number of lines that were not written in full."""
        return self._writer.dropped

    def adopt(self, form: LogFormat) -> None:
        """Write the next lines in this format."""
        self.setFormatter(_formatter(form, os.environ))

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a line."""
        try:
            line = self.format(record)
        except Exception as error:  # `logging` would print it, and wait for the reader
            line = f"a log line cannot be formatted, {error}: {record.msg!r}"
        self._writer.put(line.encode(errors="backslashreplace") + b"\n")

    def share(self, shared: bool) -> None:
        """Whether another process writes this log, too: then whole lines are written at a time."""
        self._writer.shared = shared

    def stop(self) -> None:
        """Write the waiting lines; give up if the reader has stalled."""
        logging.getLogger().removeHandler(self)
        self._writer.close()


def start_service_log(level: str, form: LogFormat = "auto") -> ServiceLog:
    """Write log lines from `level` up to standard error."""
    log = ServiceLog(form)
    root = logging.getLogger()
    root.setLevel(level.upper())
    root.addHandler(log)
    return log


def _formatter(form: LogFormat, environ: Mapping[str, str]) -> logging.Formatter:
    """How lines look on standard error: by `log.format`, and by what stands behind it."""
    in_journal = is_journal(STANDARD_ERROR, environ)
    if form == "json":
        return JournalFormatter(JsonFormatter()) if in_journal else JsonFormatter()
    if in_journal:
        return JournalFormatter(logging.Formatter())
    if os.isatty(STANDARD_ERROR):
        return TerminalFormatter(coloured=is_coloured(STANDARD_ERROR, environ))
    return DatedFormatter()
