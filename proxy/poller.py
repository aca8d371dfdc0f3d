"""One epoll inside asyncio: descriptor → owner.

asyncio watches a single descriptor, that of our epoll; each descriptor that is ready calls one plain method of its
owner. A batch is at most 256 of them, then asyncio runs again, so that nothing starves. Level-triggered throughout.
"""

import asyncio
import logging
import select
import socket
from collections.abc import Callable
from typing import Final, Protocol

READ: Final = select.EPOLLIN
WRITE: Final = select.EPOLLOUT
LEFT: Final = select.EPOLLRDHUP
"""The peer ended its side. Hang-ups and errors are reported whatever the interest: an owner that cannot act on them now
must forget the descriptor meanwhile."""

_BATCH: Final = 256

_log = logging.getLogger(__name__)


class Owner(Protocol):
    """Whoever has a descriptor watched."""

    def ready(self, descriptor: int, events: int) -> None:
        """The descriptor can be used now."""

    def crashed(self, error: Exception) -> None:
        """`ready` raised: a fault in the gate. End what this owner stands for, and nothing else."""


class Poller:
    """Watches descriptors for their owners, and ends each batch with the same work."""

    def __init__(self, loop: asyncio.AbstractEventLoop, batch_done: Callable[[], None]) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._owners: dict[int, Owner] = {}
        self._closing: list[socket.socket] = []
        self._batch_done = batch_done
        loop.add_reader(self._epoll.fileno(), self._run_batch)

    def watch(self, descriptor: int, events: int, owner: Owner) -> None:
        """Call `owner` when `descriptor` is ready for one of `events`, in place of whoever had it watched before."""
        if descriptor in self._owners:
            self._epoll.modify(descriptor, events)
        else:
            self._epoll.register(descriptor, events)
        self._owners[descriptor] = owner

    def forget(self, descriptor: int) -> None:
        """Stop watching it."""
        if self._owners.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def close(self, sock: socket.socket) -> None:
        """Close a socket at the end of the batch, so that its number cannot be given away within it."""
        self._owners.pop(sock.fileno(), None)
        self._closing.append(sock)

    def run(self, owner: Owner, action: Callable[..., None], *arguments: object) -> None:
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
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def _run_batch(self) -> None:
        owners = self._owners
        for descriptor, events in self._epoll.poll(0, _BATCH):
            owner = owners.get(descriptor)
            if owner is None:
                continue
            try:
                owner.ready(descriptor, events)
            except Exception as error:
                if not _end_faulty(owner, error):
                    self.forget(descriptor)  # or it would be reported, and fail, without end
        self.finish_batch()


def _end_faulty(owner: Owner, error: Exception) -> bool:
    """End whose call has raised; whether that went well. Whoever is called after it must not suffer either way."""
    _log.error("a fault in the gate ended one connection", exc_info=error)
    try:
        owner.crashed(error)
    except Exception as another:
        _log.error("and another one, while that connection was ended", exc_info=another)
        return False
    return True
