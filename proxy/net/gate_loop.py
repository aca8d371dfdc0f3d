"""An asyncio loop that waits in the tunnels' epoll: one system call and no turn of asyncio for a tunnel's event.

asyncio's descriptors stay in a selector of their own, whose epoll is one more descriptor in the tunnels' epoll. The
loop serves tunnels until asyncio has something to do, at most a batch later:
- one of asyncio's descriptors is ready; a signal, or a call from another thread, writes to one of them
- a tunnel has scheduled a callback
- the next timer is due
"""

import asyncio
import selectors
import time
from collections.abc import Callable
from contextvars import Context
from math import inf
from typing import Protocol, TypeVarTuple

_Arguments = TypeVarTuple("_Arguments")


class Batches(Protocol):
    """Waits for descriptors and serves them: the poller."""

    def run_batch(self, timeout: float | None) -> None:
        """Wait up to `timeout` seconds, without a limit if None, and serve what is ready, at most one batch."""


class GateLoop(asyncio.SelectorEventLoop):
    """asyncio's loop; once a poller was made in it, it serves that poller's owners while it waits."""

    def __init__(self) -> None:
        self.batches = BatchSelector(self)
        super().__init__(self.batches)

    def call_soon(
        self,
        callback: Callable[[*_Arguments], object],
        *args: *_Arguments,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Call it in asyncio's next turn, which is due now."""
        self.batches.interrupt()
        return super().call_soon(callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*_Arguments], object],
        *args: *_Arguments,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call it at that time, which may be before the loop meant to stop waiting."""
        self.batches.interrupt()
        return super().call_at(when, callback, *args, context=context)


class BatchSelector(selectors.EpollSelector):
    """asyncio's descriptors, and the owner of their epoll in the poller that serves tunnels meanwhile."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self.poller: Batches | None = None
        self._ready = False  # one of asyncio's descriptors is ready
        self._interrupted = False

    def interrupt(self) -> None:
        """Return to asyncio at the end of this batch."""
        self._interrupted = True

    def ready(self, descriptor: int, events: int) -> None:
        """One of asyncio's descriptors is ready."""
        self._ready = self._interrupted = True

    def crashed(self, error: Exception) -> None:
        """Nothing to end: `ready` calls nothing."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Serve tunnels until asyncio's turn, at most `timeout` seconds. Returns asyncio's ready descriptors."""
        poller = self.poller
        if poller is None:
            return super().select(timeout)
        until = inf if timeout is None else time.monotonic() + timeout
        self._ready = self._interrupted = False
        while True:
            try:
                poller.run_batch(timeout)
            except Exception as error:  # asyncio would log it, too, and go on
                self._loop.call_exception_handler({"message": "a fault in the gate ended a batch", "exception": error})
            if self._interrupted or self.poller is None:
                break
            if timeout is not None and (timeout := until - time.monotonic()) <= 0:
                break
        return super().select(0) if self._ready else []
