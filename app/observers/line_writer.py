"""Writes lines to a file descriptor from a thread of its own, so that the caller never waits for the reader.

Lines wait in a bounded queue. Lines that do not fit or cannot be written are counted as dropped.
"""

import contextlib
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import Final
from weakref import WeakValueDictionary

_MAX_LINES: Final = 20_000
_MAX_BYTES: Final = 1 << 24
"""About _MAX_LINES lines of the usual length. Client input can make a line ten times as long."""

_PAUSE_SECONDS: Final = 0.1
"""Pause between two writes: waking a thread for every line would cost more than the line."""

_LAST_WRITE_SECONDS: Final = 2.0
_STANDARD_STREAMS: Final = range(3)


class _Place:
    """A file or pipe that several logs of this process may write to: one at a time, so that their lines stay whole."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


_places: Final[WeakValueDictionary[tuple[int, int], _Place]] = WeakValueDictionary()
"""By device and inode."""


class LineWriter:
    """Lines end with a newline. `report` is called, from any thread, with a sentence for the operator.

    While another process writes to the same place, `shared` keeps each line of up to PIPE_BUF bytes whole.
    """

    def __init__(self, descriptor: int, name: str, report: Callable[[str], None] = lambda sentence: None) -> None:
        self.shared = False
        self._descriptor = descriptor
        self._name = name
        self._report = report
        self._new: deque[tuple[int, _Place]] = deque()  # at most one; append and popleft are atomic
        self._queue: deque[bytes] = deque()
        self._bytes_put = 0  # each of the two is written by one thread only
        self._bytes_taken = 0
        self._writing = 0
        self._overflowed = 0
        self._lost = 0
        self._reported = 0
        self._cut_short = False
        self._full = False
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._closes_descriptor = False
        self._place = _place_of(descriptor)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """The number of lines that were not written in full."""
        return self._overflowed + self._lost

    def put(self, line: bytes) -> None:
        """Queue a line. Not safe to call from two threads at once."""
        if len(self._queue) < _MAX_LINES and self._bytes_put - self._bytes_taken < _MAX_BYTES:
            self._bytes_put += len(line)
            self._queue.append(line)
        else:
            self._overflowed += 1
            if not self._full:
                self._full = True
                self._report(f"the {self._name} is not being read: its lines are dropped until it is")
        if not self._wake.is_set():
            self._wake.set()

    def write_to(self, descriptor: int) -> None:
        """Write to this descriptor from now on. The previous one is closed after its last write."""
        unused = self._take_new()  # of an earlier call, while the reader was stalled
        if unused is not None:
            self._close(unused[0])
        self._new.append((descriptor, _place_of(descriptor)))
        self._wake.set()

    def close(self) -> None:
        """Write the waiting lines; give up if the reader has stalled. The descriptor stays open."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(_LAST_WRITE_SECONDS)
        if self._thread.is_alive():
            self._lost += self._writing + len(self._queue)
            self._report_dropped()

    def leave(self) -> None:
        """Write the waiting lines and close the descriptor. Returns at once."""
        self._closes_descriptor = True
        self._stopping.set()
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait()
            self._wake.clear()
            self._write_queue()
            self._stopping.wait(_PAUSE_SECONDS)
        self._write_queue()
        if self._closes_descriptor:
            self._close(self._descriptor)

    def _change_descriptor(self) -> None:
        new = self._take_new()
        if new is not None:
            self._close(self._descriptor)
            self._descriptor, self._place = new
            self._cut_short = False

    def _take_new(self) -> "tuple[int, _Place] | None":
        """Take the descriptor that `write_to` was given, if the thread has not taken it yet. Both threads call it."""
        with contextlib.suppress(IndexError):
            return self._new.popleft()
        return None

    @staticmethod
    def _close(descriptor: int) -> None:
        if descriptor not in _STANDARD_STREAMS:
            os.close(descriptor)

    def _write_queue(self) -> None:
        self._change_descriptor()
        lines = [self._queue.popleft() for _ in range(len(self._queue))]
        self._writing = len(lines)
        text = b"\n" * self._cut_short + b"".join(lines)
        self._bytes_taken += len(text) - self._cut_short
        del lines  # a stalled reader would keep them in memory, beside the text
        done = 0
        try:
            with self._place.lock:
                while done < len(text):
                    until = _end_of_lines(text, done) if self.shared else len(text)
                    done += os.write(self._descriptor, memoryview(text)[done:until])
        except OSError as error:
            self._lost += text.count(b"\n", max(done, self._cut_short))
            self._report(f"cannot write the {self._name}: {error.strerror}")
        self._full = False
        if done:
            self._cut_short = not text.endswith(b"\n", 0, done)
        self._writing = 0
        self._report_dropped()

    def _report_dropped(self) -> None:
        if self.dropped > self._reported:
            self._reported = self.dropped
            self._report(f"the {self._name} has lost {self._reported} lines so far")


def _end_of_lines(text: bytes, start: int) -> int:
    """The end of the lines from `start` on that a pipe takes as a whole (PIPE_BUF, pipe(7)); at least one line."""
    return text.rfind(b"\n", start, start + select.PIPE_BUF) + 1 or text.find(b"\n", start) + 1


def _place_of(descriptor: int) -> _Place:
    found = os.fstat(descriptor)
    return _places.setdefault((found.st_dev, found.st_ino), _Place())
