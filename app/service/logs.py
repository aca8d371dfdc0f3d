"""The service's own log: lines with a level on standard error.

A reader of standard error that stalls must freeze neither the event loop nor the end of the program (`line_writer`).
"""

import logging
import time
from typing import Final

from licensegate.app.observers.line_writer import LineWriter

_STANDARD_ERROR: Final = 2


class ServiceLog(logging.Handler):
    """Writes what the program logs. It cannot say where lines are dropped: this is where it would be said."""

    def __init__(self) -> None:
        super().__init__()
        formatter = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        formatter.converter = time.gmtime
        self.setFormatter(formatter)
        self._writer = LineWriter(_STANDARD_ERROR, "service log")

    @property
    def dropped(self) -> int:
        """How many lines were never written in full."""
        return self._writer.dropped

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a line."""
        try:
            line = self.format(record)
        except Exception as error:  # said here, since `logging` would print it, and wait for the reader
            line = f"a log line cannot be formatted, {error}: {record.msg!r}"
        self._writer.put(line.encode(errors="backslashreplace") + b"\n")

    def stop(self) -> None:
        """Write out what waits; give up on a reader that has stalled."""
        logging.getLogger().removeHandler(self)
        self._writer.close()


def start_service_log(level: str) -> ServiceLog:
    """Send the log to standard error from `level` up."""
    log = ServiceLog()
    root = logging.getLogger()
    root.setLevel(level.upper())
    root.addHandler(log)
    return log
