"""Writes the lines of a log from a thread of its own, so that the caller never waits for their reader.

Lines wait in a bounded queue, over a server's failure and a change of the place, too. Lines that find no room or cannot
be written are counted by reason.
"""

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from .sink import LogLine, LogSink, Loss

_MAX_LINES: Final = 20_000
_MAX_BYTES: Final = 1 << 24
"""About _MAX_LINES lines of the usual length. Client input can make a line ten times as long."""

_PAUSE_SECONDS: Final = 0.1
"""Pause between two writes: waking a thread for every line would cost more than the line."""

_LAST_WRITE_SECONDS: Final = 2.0


class LineWriter:
    """Writes to `sink`. `name` is what messages call the log.

    `report` is called, from any thread, with a level of `logging` and a sentence for the operator: once when lines can
    no longer be written, and once when they can again.
    """

    def __init__(
        self, sink: LogSink, name: str, report: Callable[[int, str], None] = lambda level, sentence: None
    ) -> None:
        self._sink = sink
        self._name = name
        self._report = report
        self._shared = False
        self._new_sinks: deque[LogSink] = deque()  # at most one; append and popleft are atomic
        self._queue: deque[LogLine] = deque()
        self._batch: list[LogLine] = []  # taken from the queue, and not done with
        self._bytes_put = 0  # each of the two is written by one thread only
        self._bytes_done = 0
        self._overflowed = dict.fromkeys(Loss, 0)
        self._lost = dict.fromkeys(Loss, 0)
        self._reported = 0
        self._fault = ""
        self._full = False
        self._stop_at: float | None = None
        self._closes_sink = False
        self._wake = threading.Event()
        self._wake.set()  # a server is tried before the first line
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def losses(self) -> Mapping[str, int]:
        """The number of lines that were not written in full, by reason; without the reasons that have none."""
        counts = {reason.value: self._overflowed[reason] + self._lost[reason] for reason in Loss}
        return {reason: count for reason, count in counts.items() if count}

    @property
    def dropped(self) -> int:
        """The number of lines that were not written in full."""
        return sum(self.losses.values())

    def put_all(self, lines: Sequence[LogLine]) -> None:
        """Queue lines. Not safe to call from two threads at once."""
        size = sum([len(line.text) for line in lines])
        waiting = len(self._queue) + len(self._batch) + len(lines)
        if waiting > _MAX_LINES or self._bytes_put + size - self._bytes_done > _MAX_BYTES:
            for line in lines:
                self.put(line)
            return
        self._bytes_put += size
        self._queue.extend(lines)
        if not self._wake.is_set():
            self._wake.set()

    def put(self, line: LogLine) -> None:
        """Queue a line. Not safe to call from two threads at once."""
        waiting = len(self._queue) + len(self._batch)
        if waiting < _MAX_LINES and self._bytes_put - self._bytes_done < _MAX_BYTES:
            self._bytes_put += len(line.text)
            self._queue.append(line)
        else:
            self._overflowed[self._sink.overflow] += 1
            if not self._full:
                self._full = True
                why = "is not being read" if self._sink.overflow is Loss.QUEUE_FULL else "has no server"
                self._report(logging.ERROR, f"the {self._name} {why}: its lines are dropped until it is")
        if not self._wake.is_set():
            self._wake.set()

    def write_to(self, sink: LogSink) -> None:
        """Write to this place from now on, the waiting lines, too. The previous one is closed after its last write."""
        unused = self._new_sink()  # of an earlier call, while the reader was stalled
        if unused is not None:
            unused.close()
        sink.shared = self._shared
        self._new_sinks.append(sink)
        self._wake.set()

    def share(self, shared: bool) -> None:
        """Whether another process writes to the same place, too: then whole lines are written at a time."""
        self._shared = shared
        self._sink.shared = shared

    def close(self) -> None:
        """Write the waiting lines; give up if the reader has stalled. A descriptor stays open."""
        self._stop_at = time.monotonic() + _LAST_WRITE_SECONDS
        self._stopping.set()
        self._wake.set()
        self._thread.join(_LAST_WRITE_SECONDS + 2 * _PAUSE_SECONDS)
        if self._thread.is_alive():
            self._give_up()

    def leave(self) -> None:
        """Write the waiting lines and close the place. Returns at once."""
        self._closes_sink = True
        self._stop_at = time.monotonic() + _LAST_WRITE_SECONDS
        self._stopping.set()
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait()
            self._wake.clear()
            self._write_waiting()
            if self._batch:
                self._wake.set()
            self._stopping.wait(_PAUSE_SECONDS)
        self._sink.hurry()
        self._write_waiting()
        while self._batch and not self._is_over() and not self._fault:
            self._write_waiting()
        self._give_up()
        if self._closes_sink:
            self._sink.close()

    def _is_over(self) -> bool:
        """Whether the sink is to give up: another one takes its place, or the time for the last lines has passed."""
        return bool(self._new_sinks) or (self._stop_at is not None and time.monotonic() > self._stop_at)

    def _change_sink(self) -> None:
        sink = self._new_sink()
        if sink is not None:
            self._sink.close()
            self._sink = sink
            self._fault = ""

    def _new_sink(self) -> LogSink | None:
        """Take the place that `write_to` was given, if the thread has not taken it yet. Both threads call it."""
        with contextlib.suppress(IndexError):
            return self._new_sinks.popleft()
        return None

    def _write_waiting(self) -> None:
        self._change_sink()
        self._batch += [self._queue.popleft() for _ in range(len(self._queue))]
        result = self._sink.write(self._batch, self._is_over)
        for reason, count in result.lost.items():
            self._lost[reason] += count
        self._bytes_done += sum(len(line.text) for line in self._batch[: result.done])
        wrote = result.done > sum(result.lost.values())
        del self._batch[: result.done]
        if result.fault:
            if not self._fault:
                self._report(logging.ERROR, f"cannot write the {self._name}: {result.fault}")
            self._fault = result.fault
        elif wrote and (self._fault or self._full) and len(self._queue) < _MAX_LINES // 2:
            self._fault = ""
            self._full = False
            self._report(logging.WARNING, f"the {self._name} is written again{self._lost_so_far()}")

    def _give_up(self) -> None:
        """Count the lines that are left as lost, at the end."""
        self._lost[Loss.AT_STOP] += len(self._batch) + len(self._queue)
        if self.dropped > self._reported:
            self._report(logging.ERROR, f"the {self._name}{self._lost_so_far().removeprefix(', and')}")

    def _lost_so_far(self) -> str:
        if self.dropped == self._reported:
            return ""
        self._reported = self.dropped
        return f", and has lost {self._reported} lines so far"
