"""The service's own log: lines with a level on standard error, written by a thread.

A reader of standard error that stalls would otherwise freeze the event loop with it.
"""

import logging
import logging.handlers
import queue
import time
from typing import Final

_WAITING_AT_MOST: Final = 1000


class _DroppingHandler(logging.handlers.QueueHandler):
    """Leaves a line out rather than wait, or complain on the very stream that has stalled."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        pass


def start_service_log(level: str) -> logging.handlers.QueueListener:
    """Send the log to standard error from `level` up; `.stop()` writes out what waits."""
    lines: queue.Queue[logging.LogRecord] = queue.Queue(_WAITING_AT_MOST)
    stream = logging.StreamHandler()
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    stream.setFormatter(formatter)
    listener = logging.handlers.QueueListener(lines, stream)
    root = logging.getLogger()
    root.setLevel(level.upper())
    root.addHandler(_DroppingHandler(lines))
    listener.start()
    return listener
