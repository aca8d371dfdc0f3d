"""Passwords checked away from the event loop, in a few threads of their own: each takes tens of milliseconds.

The same login is checked once for all who wait for it. How many may wait is bounded, in all and for one client, so that
guesses cannot keep everybody else waiting. Whoever waits may be gone before the answer comes.
"""

import asyncio
import contextlib
import logging
import queue
import threading
from collections import Counter
from typing import Final, Protocol

from licensegate.allowlist.client_block import client_block

from ..auth.result import PasswordCheck
from ..net.poller import Owner, Poller

THREADS: Final = 2
AT_ONCE: Final = 128
AT_ONCE_FOR_ONE: Final = 16

_log = logging.getLogger(__name__)


class LoginWaiter(Owner, Protocol):
    """Whoever waits for the answer. It is called once, unless it was forgotten."""

    def login_checked(self, *, right: bool) -> None:
        """The password is right, or it is not."""

    def login_not_checked(self, detail: str) -> None:
        """Nobody can tell, for a reason in a few words."""


class _Pending:
    """One check, and all who wait for it. `source` is whom it is counted for."""

    __slots__ = ("check", "source", "waiters")

    def __init__(self, check: PasswordCheck, source: str) -> None:
        self.check = check
        self.source = source
        self.waiters: list[LoginWaiter] = []


class PasswordChecks:
    """The checks in progress. Their threads begin with the first."""

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        self._pending: dict[bytes, _Pending] = {}
        self._of_source: Counter[str] = Counter()
        self._queue: queue.SimpleQueue[_Pending | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def __len__(self) -> int:
        return len(self._pending)

    def begin(self, check: PasswordCheck, client: str, waiter: LoginWaiter) -> bool:
        """Have it checked, and call the waiter later; False if too many wait already."""
        pending = self._pending.get(check.login_hash)
        if pending is None:
            source = client_block(client)
            if len(self._pending) >= AT_ONCE or self._of_source[source] >= AT_ONCE_FOR_ONE:
                return False
            pending = self._pending[check.login_hash] = _Pending(check, source)
            self._of_source[source] += 1
            self._start()
            self._queue.put(pending)
        pending.waiters.append(waiter)
        return True

    def forget(self, check: PasswordCheck, waiter: LoginWaiter) -> None:
        """The waiter no longer waits; the check goes on, and is counted until it is done."""
        pending = self._pending.get(check.login_hash)
        if pending is not None and waiter in pending.waiters:
            pending.waiters.remove(waiter)

    def close(self) -> None:
        """Begin no more checks, and wait for those that are being made: a second or so, at the longest.

        A thread that came back from bcrypt when the program is ending already would abort it.
        """
        with contextlib.suppress(queue.Empty):
            while True:
                self._queue.get_nowait()
        for _ in self._threads:
            self._queue.put(None)
        while self._threads:
            self._threads.pop().join()

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        while len(self._threads) < THREADS:
            name = f"password check {len(self._threads) + 1}"
            thread = threading.Thread(target=self._work, args=(loop,), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread."""
        while (pending := self._queue.get()) is not None:
            try:
                right: bool | None = pending.check.is_right()
            except Exception:
                _log.exception("a fault in the check of a password")
                right = None
            try:
                loop.call_soon_threadsafe(self._done, pending, right)
            except RuntimeError:
                return  # the loop is closed: nobody waits any more

    def _done(self, pending: _Pending, right: bool | None) -> None:
        del self._pending[pending.check.login_hash]
        self._of_source[pending.source] -= 1
        if not self._of_source[pending.source]:
            del self._of_source[pending.source]
        for waiter in pending.waiters:
            if right is None:
                self._poller.run(waiter, waiter.login_not_checked, "a fault in the gate")
            else:
                self._poller.run(waiter, _tell, waiter, right)
        self._poller.finish_batch()


def _tell(waiter: LoginWaiter, right: bool) -> None:
    waiter.login_checked(right=right)
