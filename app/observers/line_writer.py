"""Writes lines to a descriptor from a thread of its own, so that whoever has one to write never waits for its reader.

Lines wait in a bounded queue; what does not fit, or cannot be written, is counted as dropped.
"""

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

_WAITING_AT_MOST: Final = 20_000
_WAITING_BYTES_AT_MOST: Final = 1 << 24
"""As much as so many lines of the usual length; what strangers write can make one ten times as long."""

_PAUSE_SECONDS: Final = 0.1
"""Between two writes: waking a thread for every line would cost more than the line."""

_LAST_WRITE_SECONDS: Final = 2.0
_STANDARD_STREAMS: Final = range(3)


class LineWriter:
    """Lines end with a newline. `troubled` is called, from any thread, with one sentence for the operator."""

    def __init__(self, descriptor: int, name: str, troubled: Callable[[str], None] = lambda told: None) -> None:
        self._descriptor = descriptor
        self._name = name
        self._troubled = troubled
        self._next: deque[int] = deque()
        self._waiting: deque[bytes] = deque()
        self._bytes_put = 0  # each of the two is counted by one thread only
        self._bytes_taken = 0
        self._in_hand = 0
        self._refused = 0
        self._lost = 0
        self._told = 0
        self._torn = False
        self._full = False
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._write_on, name=name, daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many lines were never written in full."""
        return self._refused + self._lost

    def put(self, line: bytes) -> None:
        """Have it written. For one thread at a time."""
        if len(self._waiting) < _WAITING_AT_MOST and self._bytes_put - self._bytes_taken < _WAITING_BYTES_AT_MOST:
            self._bytes_put += len(line)
            self._waiting.append(line)
        else:
            self._refused += 1
            if not self._full:
                self._full = True
                self._troubled(f"nobody reads the {self._name}: its lines are dropped until somebody does")
        if not self._wake.is_set():
            self._wake.set()

    def write_to(self, descriptor: int) -> None:
        """Write there from now on; the descriptor before it is closed when it is no longer written to."""
        self._next.append(descriptor)
        self._wake.set()

    def close(self) -> None:
        """Write what waits; give up on a reader that has stalled. The descriptor stays open."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(_LAST_WRITE_SECONDS)
        if self._thread.is_alive():
            self._lost += self._in_hand + len(self._waiting)
            self._tell_dropped()

    def _write_on(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait()
            self._wake.clear()
            self._write_waiting()
            self._stopping.wait(_PAUSE_SECONDS)
        self._write_waiting()

    def _change_descriptor(self) -> None:
        while self._next:
            if self._descriptor not in _STANDARD_STREAMS:
                os.close(self._descriptor)
            self._descriptor = self._next.popleft()
            self._torn = False

    def _write_waiting(self) -> None:
        self._change_descriptor()
        lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
        self._in_hand = len(lines)
        self._bytes_taken += sum(map(len, lines))
        text = b"\n" * self._torn + b"".join(lines)
        done = 0
        try:
            while done < len(text):
                done += os.write(self._descriptor, memoryview(text)[done:])
        except OSError as error:
            self._lost += text.count(b"\n", max(done, self._torn))
            self._troubled(f"cannot write the {self._name}: {error.strerror}")
        self._full = False
        if done:
            self._torn = not text.endswith(b"\n", 0, done)
        self._in_hand = 0
        self._tell_dropped()

    def _tell_dropped(self) -> None:
        if self.dropped > self._told:
            self._told = self.dropped
            self._troubled(f"{self._told} lines of the {self._name} were dropped so far")
