"""One epoll for the tunnels' sockets: descriptor → owner.

For each ready descriptor the poller calls one plain method of its owner. A batch is at most 256 descriptors, so that
nothing starves. Level-triggered. A `GateLoop` waits in its first poller's epoll; other loops watch its descriptor.
"""

import asyncio
import logging
import select
from collections.abc import Callable
from typing import Final, Protocol

from .gate_loop import GateLoop

ENDED: Final = select.EPOLLRDHUP
"""Reported with READ: the peer's end has arrived, behind what can be read."""
READ: Final = select.EPOLLIN | ENDED
WRITE: Final = select.EPOLLOUT
ONCE: Final = select.EPOLLONESHOT
"""Combined with other events: report once, then nothing until `watch` is called again."""

_BATCH: Final = 256

_log = logging.getLogger(__name__)


class Closable(Protocol):
    """A socket, or a channel on one."""

    def fileno(self) -> int:
        """Its descriptor."""

    def close(self) -> None:
        """Close it."""


class CrashHandler(Protocol):
    """An object that the event loop calls, and that can end alone if a call raises."""

    def crashed(self, error: Exception) -> None:
        """A call raised, which is a fault in the gate. End this object's connection and nothing else."""


class Owner(CrashHandler, Protocol):
    """Owns a watched descriptor."""

    def ready(self, descriptor: int, events: int) -> None:
        """The descriptor can be read or written now. The peer's end counts as something to read.

        epoll reports hang-ups and errors whatever is watched: an owner that cannot handle them now must `forget` the
        descriptor until it can.
        """


class Poller:
    """Watches descriptors for their owners, and calls `batch_done` at the end of each batch."""

    def __init__(self, loop: asyncio.AbstractEventLoop, batch_done: Callable[[], None]) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._watched: dict[int, tuple[Owner, int]] = {}  # by descriptor: its owner and events
        self._closing: list[Closable] = []
        self._again: dict[int, Owner] = {}
        self._next_batch: asyncio.Handle | None = None
        self._batch_done = batch_done
        if isinstance(loop, GateLoop) and loop.batches.poller is None:
            self.watch(loop.batches.fileno(), select.EPOLLIN, loop.batches)
            loop.batches.poller = self
        else:
            loop.add_reader(self._epoll.fileno(), self.run_batch)

    def watch(self, descriptor: int, events: int, owner: Owner) -> None:
        """Call `owner` when `descriptor` is ready for one of `events`. Replaces its owner and events until now."""
        before = self._watched.get(descriptor)
        if before is None:
            self._epoll.register(descriptor, events)
        elif before[1] != events:
            self._epoll.modify(descriptor, events)
        self._watched[descriptor] = owner, events

    def forget(self, descriptor: int) -> None:
        """Stop watching a descriptor."""
        if self._watched.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def call_again(self, descriptor: int) -> None:
        """Call its owner in the next batch as if it were readable, for decrypted bytes that epoll does not see."""
        if not self._again:
            self._next_batch = self._loop.call_soon(self.run_batch)
        self._again[descriptor], _ = self._watched[descriptor]

    def close(self, sock: Closable) -> None:
        """Close at the end of the batch, so that the descriptor's number is not reused within it."""
        self._watched.pop(sock.fileno(), None)
        self._closing.append(sock)

    def run(self, owner: CrashHandler, action: Callable[..., None], *arguments: object) -> None:
        """Call `action` as a batch would: an exception ends `owner` only. For callbacks that asyncio calls directly."""
        try:
            action(*arguments)
        except Exception as error:
            _end_faulty(owner, error)

    def run_batch(self, timeout: float | None = 0) -> None:
        """Wait up to `timeout` seconds, without a limit if None, and call the owners of what is ready."""
        watched = self._watched
        ready = self._epoll.poll(timeout, _BATCH)
        if self._again:
            ready = self._and_again(ready)
        for descriptor, events in ready:
            found = watched.get(descriptor)
            if found is None:
                continue
            owner = found[0]
            try:
                owner.ready(descriptor, events)
            except Exception as error:
                if not _end_faulty(owner, error):
                    self.forget(descriptor)  # or it would be reported, and fail, forever
        self.finish_batch()

    def finish_batch(self) -> None:
        """End a batch. Callbacks that asyncio calls directly must call this last."""
        if self._closing:
            for sock in self._closing:
                sock.close()
            self._closing.clear()
        self._batch_done()

    def stop(self) -> None:
        """Stop watching, for good."""
        if self._next_batch is not None:
            self._next_batch.cancel()
        if isinstance(self._loop, GateLoop) and self._loop.batches.poller is self:
            self._loop.batches.poller = None
        else:
            self._loop.remove_reader(self._epoll.fileno())
        self._watched.clear()
        self._epoll.close()

    def _and_again(self, ready: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Add the descriptors to call again, unless their owner has changed. Each descriptor comes once."""
        events = dict(ready)
        for descriptor, owner in self._again.items():
            if descriptor in self._watched and self._watched[descriptor][0] is owner:
                events[descriptor] = events.get(descriptor, 0) | select.EPOLLIN
        self._again.clear()
        return list(events.items())


def _end_faulty(owner: CrashHandler, error: Exception) -> bool:
    """End the owner whose callback raised. Returns False if that raised too. Never raises."""
    _log.error("a fault in the gate ended one connection", exc_info=error)
    try:
        owner.crashed(error)
    except Exception as another:
        _log.error("another fault in the gate, while that connection was ended", exc_info=another)
        return False
    return True
