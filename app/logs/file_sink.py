"""A descriptor as the place of a log: a file, a pipe, a terminal, or a stream of the journal."""

import errno
import os
import select
import threading
from collections.abc import Callable, Sequence
from typing import Final
from weakref import WeakValueDictionary

from licensegate.app.terminal import is_journal

from .sink import LogLine, LogSink, Loss, WriteResult

_STANDARD_STREAMS: Final = range(3)
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class _File:
    """A file or pipe that several logs of this process may write to: one at a time, so that their lines stay whole."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


_files: Final[WeakValueDictionary[tuple[int, int], _File]] = WeakValueDictionary()
"""By device and inode."""


class FileSink(LogSink):
    """Writes each line with its end to `descriptor`, which faults call `name`. A line that cannot be written is lost.

    A stream of the journal gets the severity before each line (sd-daemon(3)). While the place is shared, each line of
    up to PIPE_BUF bytes stays whole.
    """

    overflow = Loss.QUEUE_FULL

    def __init__(self, descriptor: int, name: str = "") -> None:
        self.shared = False
        self._name = name
        self.descriptor = descriptor
        self.is_journal = is_journal(descriptor, os.environ)
        self._file = _file_of(descriptor)
        self._cut_short = False

    def write(self, lines: Sequence[LogLine], is_over: Callable[[], bool]) -> WriteResult:
        """Write all of them in as few calls as possible. Waits for a reader that has stalled."""
        text = b"\n" * self._cut_short + b"".join(self._encoded(lines))
        done, fault = 0, ""
        lost: dict[Loss, int] = {}
        try:
            with self._file.lock:
                while done < len(text):
                    until = _end_of_lines(text, done) if self.shared else len(text)
                    done += os.write(self.descriptor, memoryview(text)[done:until])
        except OSError as error:
            reason = Loss.DISK_FULL if error.errno in _FULL else Loss.WRITE_ERROR
            lost[reason] = text.count(b"\n", max(done, self._cut_short))
            fault = ": ".join(filter(None, (self._name, error.strerror or str(error))))
        if done:
            self._cut_short = not text.endswith(b"\n", 0, done)
        return WriteResult(len(lines), lost, fault)

    def hurry(self) -> None:
        """It never waits between two tries."""

    def close(self) -> None:
        """Close the descriptor, unless it is a standard stream."""
        if self.descriptor not in _STANDARD_STREAMS:
            os.close(self.descriptor)

    def _encoded(self, lines: Sequence[LogLine]) -> list[bytes]:
        if self.is_journal:
            return [b"<%d>%b\n" % (line.severity, line.text) for line in lines]
        return [line.text + b"\n" for line in lines]


def _end_of_lines(text: bytes, start: int) -> int:
    """The end of the lines from `start` on that a pipe takes as a whole (PIPE_BUF, pipe(7)); at least one line."""
    return text.rfind(b"\n", start, start + select.PIPE_BUF) + 1 or text.find(b"\n", start) + 1


def _file_of(descriptor: int) -> _File:
    found = os.fstat(descriptor)
    return _files.setdefault((found.st_dev, found.st_ino), _File())
