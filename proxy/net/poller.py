"""One epoll inside asyncio: descriptor → owner.

asyncio watches a single descriptor, that of our epoll; each descriptor that is ready calls one plain method of its
owner. A batch is at most 256 of them, then asyncio runs again, so that nothing starves. Level-triggered throughout.
"""

import asyncio
import logging
import select
from collections.abc import Callable
from typing import Final, Protocol

READ: Final = select.EPOLLIN
WRITE: Final = select.EPOLLOUT
ONCE: Final = select.EPOLLONESHOT
"""With other events: reported once, and then nothing at all until the descriptor is watched anew."""

_BATCH: Final = 256

_log = logging.getLogger(__name__)


class Closable(Protocol):
    """A socket, or a channel on one."""

    def fileno(self) -> int:
        """Its descriptor."""

    def close(self) -> None:
        """Close it."""


class CrashHandler(Protocol):
    """Whoever is called by the gate's event loop."""

    def crashed(self, error: Exception) -> None:
        """The call raised: a fault in the gate. End what this object stands for, and nothing else."""


class Owner(CrashHandler, Protocol):
    """Whoever has a descriptor watched."""

    def ready(self, descriptor: int, events: int) -> None:
        """The descriptor can be used now; its peer's end is something to read.

        Hang-ups and errors are reported whatever is watched for: who cannot act on them now must forget it meanwhile.
        """


class Poller:
    """Watches descriptors for their owners, and ends each batch with the same work."""

    def __init__(self, loop: asyncio.AbstractEventLoop, batch_done: Callable[[], None]) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._owners: dict[int, Owner] = {}
        self._events: dict[int, int] = {}
        self._closing: list[Closable] = []
        self._again: dict[int, Owner] = {}
        self._next_batch: asyncio.Handle | None = None
        self._batch_done = batch_done
        loop.add_reader(self._epoll.fileno(), self._run_batch)

    def watch(self, descriptor: int, events: int, owner: Owner) -> None:
        """Call `owner` when `descriptor` is ready for one of `events`, in place of whoever had it watched before."""
        self._owners[descriptor] = owner
        before = self._events.get(descriptor)
        if before == events:
            return
        if before is None:
            self._epoll.register(descriptor, events)
        else:
            self._epoll.modify(descriptor, events)
        self._events[descriptor] = events

    def forget(self, descriptor: int) -> None:
        """Stop watching it."""
        if self._owners.pop(descriptor, None) is not None:
            del self._events[descriptor]
            self._epoll.unregister(descriptor)

    def call_again(self, descriptor: int) -> None:
        """Call its owner in the next batch as if it could be read: bytes wait above the socket, unseen by epoll."""
        if not self._again:
            self._next_batch = self._loop.call_soon(self._run_batch)
        self._again[descriptor] = self._owners[descriptor]

    def close(self, sock: Closable) -> None:
        """Close a connection at the end of the batch, so that its number cannot be given away within it."""
        if self._owners.pop(sock.fileno(), None) is not None:
            del self._events[sock.fileno()]
        self._closing.append(sock)

    def run(self, owner: CrashHandler, action: Callable[..., None], *arguments: object) -> None:
        """Call `action` of `owner` as a batch would: a fault ends that owner only. For what asyncio calls by itself."""
        try:
            action(*arguments)
        except Exception as error:
            _end_faulty(owner, error)

    def finish_batch(self) -> None:
        """The work at the end of every batch; whatever asyncio calls by itself ends with it too."""
        if self._closing:
            for sock in self._closing:
                sock.close()
            self._closing.clear()
        self._batch_done()

    def stop(self) -> None:
        """Watch nothing any more."""
        if self._next_batch is not None:
            self._next_batch.cancel()
        self._loop.remove_reader(self._epoll.fileno())
        self._owners.clear()
        self._epoll.close()

    def _run_batch(self) -> None:
        owners = self._owners
        ready = self._epoll.poll(0, _BATCH)
        if self._again:
            ready = self._and_again(ready)
        for descriptor, events in ready:
            owner = owners.get(descriptor)
            if owner is None:
                continue
            try:
                owner.ready(descriptor, events)
            except Exception as error:
                if not _end_faulty(owner, error):
                    self.forget(descriptor)  # or it would be reported, and fail, without end
        self.finish_batch()

    def _and_again(self, ready: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Those that are ready, and those to be called again who still own their descriptors: each once."""
        events = dict(ready)
        for descriptor, owner in self._again.items():
            if self._owners.get(descriptor) is owner:
                events[descriptor] = events.get(descriptor, 0) | READ
        self._again.clear()
        return list(events.items())


def _end_faulty(owner: CrashHandler, error: Exception) -> bool:
    """End whose call has raised; whether that went well. Whoever is called after it must not suffer either way."""
    _log.error("a fault in the gate ended one connection", exc_info=error)
    try:
        owner.crashed(error)
    except Exception as another:
        _log.error("and another one, while that connection was ended", exc_info=another)
        return False
    return True
