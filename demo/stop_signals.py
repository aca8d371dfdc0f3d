"""Ctrl-C, SIGTERM and a closed terminal end the demo at its next pause, so that nothing is left half started."""

import contextlib
import select
import signal
import socket
from types import FrameType
from typing import Final, Self

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class StopAskedError(Exception):
    """A signal asked the demo to end."""


class StopSignals:
    """Holds the signals back from entry to exit. A second one changes nothing: the end is on its way."""

    def __enter__(self) -> Self:
        self._reads, self._writes = socket.socketpair()
        self._writes.setblocking(False)
        self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reads.close()
        self._writes.close()

    def pause(self, seconds: float) -> None:
        """Wait so long. Raises StopAskedError if a signal came, also before the pause."""
        if select.select([self._reads], [], [], max(0.0, seconds))[0]:
            raise StopAskedError

    def _note(self, number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(BlockingIOError):  # enough have come
            self._writes.send(b"\0")
