"""The access log: one JSON line per record (`docs/records.md`), to a file or to standard output.

Writing never blocks a tunnel: lines wait in a bounded queue for a thread that writes them ten times a second, and
what does not fit, or cannot be written, is counted as dropped.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec

from licensegate.proxy.outcome import Outcome
from licensegate.proxy.record import TunnelRecord

_WAITING_AT_MOST: Final = 20_000
_PAUSE_SECONDS: Final = 0.1
_LAST_FLUSH_SECONDS: Final = 2.0

_log = logging.getLogger(__name__)


class AccessLogError(Exception):
    """The access log cannot be written where the settings say; names the file, why, and the setting."""


class AccessLog:
    """Writes records to `destination`: a path, or "-" for standard output. Raises AccessLogError."""

    def __init__(self, destination: str) -> None:
        self._destination = destination
        self._descriptor = _open(destination)
        self._encode = msgspec.json.Encoder().encode
        self._waiting: deque[bytes] = deque()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._write_on, name="access log", daemon=True)
        self.dropped = 0
        self._thread.start()

    def observe(self, records: Sequence[TunnelRecord]) -> None:
        """Queue a line for each; connections that were never used leave none."""
        for record in records:
            if record.outcome is Outcome.CLOSED_UNUSED:
                continue
            if len(self._waiting) >= _WAITING_AT_MOST:
                self.dropped += 1
            else:
                self._waiting.append(self._encode(record) + b"\n")
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Write what waits; give up on a reader that has stalled."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(_LAST_FLUSH_SECONDS)

    def _write_on(self) -> None:
        reported = 0
        while not self._stopping.is_set():
            self._wake.wait()
            self._wake.clear()
            self._write_waiting()
            if self.dropped > reported:
                _log.warning("%d lines of the access log were dropped so far", self.dropped)
                reported = self.dropped
            self._stopping.wait(_PAUSE_SECONDS)
        self._write_waiting()

    def _write_waiting(self) -> None:
        lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
        data = memoryview(b"".join(lines))
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            self.dropped += bytes(data).count(b"\n")
            _log.error("cannot write the access log %s: %s", self._destination, error.strerror)


def _open(destination: str) -> int:
    if destination == "-":
        return 1
    try:
        return os.open(destination, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise AccessLogError(f"cannot write the access log {destination}: {error.strerror}; see log.access") from error
