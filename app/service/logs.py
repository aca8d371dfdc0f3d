"""The service log: what the program does, in lines on standard error or elsewhere.

A stalled reader blocks neither the event loop nor the end of the program (`app/logs`). The journal and syslog get each
line as an entry with its severity, and add the time themselves.
"""

import logging
import os
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from licensegate.app.logs.file_sink import FileSink
from licensegate.app.logs.line_writer import LineWriter
from licensegate.app.logs.open_sink import longest_line
from licensegate.app.logs.sink import LogLine, LogSink, Severity
from licensegate.app.observers.change_log import CHANGE
from licensegate.app.settings import Log, LogFormat
from licensegate.app.terminal import STANDARD_ERROR, escaped, is_coloured, is_journal
from licensegate.records.change import LONGEST_LINE, Change, encoded

_COLOURS: Final = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31m"}
_PLAIN: Final = "\x1b[0m"

_log = logging.getLogger(__name__)


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
    """One line of JSON: time, level and message; a change with all that is known of it (`docs/changes.md`).

    `most_bytes` are those of the longest line that arrives whole.
    """

    def __init__(self, most_bytes: int = LONGEST_LINE) -> None:
        super().__init__()
        self._most_bytes = most_bytes

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        change = getattr(record, CHANGE, None)
        if isinstance(change, Change):
            return encoded(change, self._most_bytes).decode()
        at = datetime.fromtimestamp(record.created, UTC)
        message = super().format(record).encode(errors="backslashreplace").decode()
        line = {"event": "log", "time": at, "level": record.levelname.lower(), "message": message}
        return msgspec.json.encode(line).decode()


class ServiceLog(logging.Handler):
    """Writes the program's log: to standard error until `adopt` names another place.

    It does not log its own dropped lines: they would be dropped too. Troubles with another place are told on standard
    error.
    """

    def __init__(self, form: LogFormat = "auto") -> None:
        super().__init__()
        self._standard_error = LineWriter(FileSink(STANDARD_ERROR), "service log")
        self._elsewhere: LineWriter | None = None
        self._left: Counter[str] = Counter()  # lost at places that were left
        self.setFormatter(_formatter(form, None, os.environ))

    @property
    def losses(self) -> Mapping[str, int]:
        """The number of lines that were not written in full, by reason."""
        counts = self._left + Counter(self._standard_error.losses)
        return counts if self._elsewhere is None else counts + Counter(self._elsewhere.losses)

    @property
    def dropped(self) -> int:
        """The number of lines that were not written in full."""
        return sum(self.losses.values())

    def adopt(self, settings: Log, sink: LogSink) -> None:
        """Write the next lines as `settings` say to `sink`, which `open_logs` returned for them."""
        is_here = isinstance(sink, FileSink) and sink.descriptor == STANDARD_ERROR
        self.acquire()
        try:
            self.setFormatter(_formatter(settings.format, None if is_here else sink, os.environ))
            left = None
            if is_here:
                left, self._elsewhere = self._elsewhere, None
            elif self._elsewhere is not None:
                self._elsewhere.write_to(sink)
            else:
                self._elsewhere = LineWriter(sink, f"service log in {settings.service}", self._tell)
        finally:
            self.release()
        if left is not None:
            left.leave()
            self._left += Counter(left.losses)

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the lines of a record."""
        try:
            text = self.format(record)
        except Exception as error:  # `logging` would print it, and wait for the reader
            text = f"a log line cannot be formatted, {error}: {record.msg!r}"
        self._put(self._elsewhere or self._standard_error, record, text)

    def share(self, shared: bool) -> None:
        """Whether another process writes this log, too: then whole lines are written at a time."""
        self._standard_error.share(shared)
        if self._elsewhere is not None:
            self._elsewhere.share(shared)

    def stop(self) -> None:
        """Write the waiting lines; give up if the reader has stalled."""
        logging.getLogger().removeHandler(self)
        if self._elsewhere is not None:
            self._elsewhere.close()
        self._standard_error.close()

    def _tell(self, level: int, sentence: str) -> None:
        """Say on standard error what is the matter with another place. Called from any thread."""
        made = logging.LogRecord(_log.name, level, __file__, 0, sentence, None, None)
        text = _formatter("auto", None, os.environ).format(made)
        self.acquire()
        try:
            self._put(self._standard_error, made, text)
        finally:
            self.release()

    @staticmethod
    def _put(writer: LineWriter, record: logging.LogRecord, text: str) -> None:
        severity = Severity.__members__.get(record.levelname, Severity.INFO)  # they have the names of levels, and more
        for line in text.encode(errors="backslashreplace").split(b"\n"):
            writer.put(LogLine(line, severity, record.created))


def start_service_log(level: str, form: LogFormat = "auto") -> ServiceLog:
    """Write log lines from `level` up to standard error."""
    log = ServiceLog(form)
    root = logging.getLogger()
    root.setLevel(level.upper())
    root.addHandler(log)
    return log


def _formatter(form: LogFormat, sink: LogSink | None, environ: Mapping[str, str]) -> logging.Formatter:
    """How lines look: by `log.format`, and by what stands behind `sink`, or behind standard error without one."""
    descriptor = STANDARD_ERROR if sink is None else sink.descriptor if isinstance(sink, FileSink) else None
    if form == "json":
        return JsonFormatter(longest_line(sink))
    if descriptor is None or is_journal(descriptor, environ):
        return logging.Formatter()
    if os.isatty(descriptor):
        return TerminalFormatter(coloured=is_coloured(descriptor, environ))
    return DatedFormatter()
