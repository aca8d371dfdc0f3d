"""Checks passwords in separate threads, since each check takes tens of milliseconds.

Several clients that wait for the same login share one check. The number of checks is bounded, in total and per client,
so that guesses do not delay everybody else. A client may leave before its check is done.
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
    """A tunnel that waits for a check. One of the two methods is called once, unless `forget` was called before."""

    def login_checked(self, *, right: bool) -> None:
        """The password was found right or wrong."""

    def login_not_checked(self, detail: str) -> None:
        """The password could not be checked; `detail` says why in a few words."""


class _Pending:
    """One check and its waiters. It counts for `source`, a block of client addresses."""

    __slots__ = ("check", "source", "waiters")

    def __init__(self, check: PasswordCheck, source: str) -> None:
        self.check = check
        self.source = source
        self.waiters: list[LoginWaiter] = []


class PasswordChecks:
    """The checks in progress. The first one starts the threads."""

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        self._pending: dict[bytes, _Pending] = {}
        self._of_source: Counter[str] = Counter()
        self._queue: queue.SimpleQueue[_Pending | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def __len__(self) -> int:
        return len(self._pending)

    def begin(self, check: PasswordCheck, client: str, waiter: LoginWaiter) -> bool:
        """Check the password and call the waiter later. Returns False if too many checks wait already."""
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
        """Do not call the waiter any more. The check continues, and counts until it is done."""
        pending = self._pending.get(check.login_hash)
        if pending is not None and waiter in pending.waiters:
            pending.waiters.remove(waiter)

    def close(self) -> None:
        """Start no more checks, and wait for those that run: about a second at most.

        A thread that returned from bcrypt while the interpreter shuts down would abort the process.
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
        """Run in each thread."""
        while (pending := self._queue.get()) is not None:
            try:
                right: bool | None = pending.check.is_right()
            except Exception:
                _log.exception("a fault in the check of a password")
                right = None
            try:
                loop.call_soon_threadsafe(self._done, pending, right)
            except RuntimeError:
                return  # the loop is closed: there are no waiters left

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
