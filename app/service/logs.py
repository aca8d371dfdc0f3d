"""The service log: lines with time and level on standard error.

A stalled reader of standard error blocks neither the event loop nor the end of the program (`line_writer`).
"""

import logging
import time
from typing import Final

from licensegate.app.observers.line_writer import LineWriter

_STANDARD_ERROR: Final = 2


class ServiceLog(logging.Handler):
    """Writes the program's log. It does not log its own dropped lines: they would be dropped too."""

    def __init__(self) -> None:
        super().__init__()
        formatter = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        formatter.converter = time.gmtime
        self.setFormatter(formatter)
        self._writer = LineWriter(_STANDARD_ERROR, "service log")

    @property
    def dropped(self) -> int:
        """The number of lines that were not written in full."""
        return self._writer.dropped

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a line."""
        try:
            line = self.format(record)
        except Exception as error:  # `logging` would print it, and wait for the reader
            line = f"a log line cannot be formatted, {error}: {record.msg!r}"
        self._writer.put(line.encode(errors="backslashreplace") + b"\n")

    def stop(self) -> None:
        """Write the waiting lines; give up if the reader has stalled."""
        logging.getLogger().removeHandler(self)
        self._writer.close()


def start_service_log(level: str) -> ServiceLog:
    """Write log lines from `level` up to standard error."""
    log = ServiceLog()
    root = logging.getLogger()
    root.setLevel(level.upper())
    root.addHandler(log)
    return log
