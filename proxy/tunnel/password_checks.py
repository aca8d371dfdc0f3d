"""Checks passwords in separate threads, since each check takes tens of milliseconds.

A `CheckQueue` decides which is next. Clients of one source that wait for the same login share one check, and its result
holds for the same login from other sources. A client that leaves before its check has begun withdraws it.
"""

import asyncio
import contextlib
import logging
import queue
import threading
from typing import Final, Protocol

from ..auth.check_queue import CheckQueue
from ..auth.result import PasswordCheck
from ..net.poller import Owner, Poller

THREADS: Final = 2
QUEUED_SECONDS: Final = 20.0
"""What two threads check in ten seconds. By default a client waits no longer."""

QUEUED: Final = 1024
QUEUED_FOR_ONE: Final = 16
TOO_MANY: Final = "too many logins wait to be checked"

_log = logging.getLogger(__name__)


class LoginWaiter(Owner, Protocol):
    """A tunnel that waits for a check. One of the two methods is called once, unless `forget` was called before."""

    def login_checked(self, *, right: bool) -> None:
        """The password was found right or wrong, or its source must wait: that is for the authenticator to say."""

    def login_not_checked(self, detail: str) -> None:
        """The password could not be checked; `detail` says why in a few words."""


class _Pending:
    """One login of one source, and its waiters."""

    __slots__ = ("check", "waiters")

    def __init__(self, check: PasswordCheck) -> None:
        self.check = check
        self.waiters: list[LoginWaiter] = []


class PasswordChecks:
    """The checks that wait or run. The first one starts the threads."""

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        self._pending: dict[bytes, dict[str, _Pending]] = {}  # by login hash, then by source
        self._queue: CheckQueue[_Pending] = CheckQueue(QUEUED_SECONDS, QUEUED, QUEUED_FOR_ONE)
        self._running: set[bytes] = set()
        self._work: queue.SimpleQueue[PasswordCheck | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._closed = False

    def __len__(self) -> int:
        """How many logins wait or are being checked."""
        return len(self._pending)

    def begin(self, check: PasswordCheck, waiter: LoginWaiter) -> bool:
        """Check the password and call the waiter later. Returns False if there is no room for one more."""
        pending = self._pending.get(check.login_hash, {}).get(check.source)
        if pending is None:
            pending = _Pending(check)
            if not self._enqueue(pending):
                return False
        pending.waiters.append(waiter)
        self._start_checks()
        return True

    def forget(self, check: PasswordCheck, waiter: LoginWaiter) -> None:
        """Do not call the waiter any more. A check that has begun continues, and counts against its source if wrong."""
        pending = self._pending.get(check.login_hash, {}).get(check.source)
        if pending is None or waiter not in pending.waiters:
            return
        pending.waiters.remove(waiter)
        if not pending.waiters and self._queue.remove(pending):
            self._drop(pending)

    def close(self) -> None:
        """Start no more checks, and wait for those that run: about a second at most.

        A thread that returned from bcrypt while the interpreter shuts down would abort the process.
        """
        self._closed = True
        with contextlib.suppress(queue.Empty):
            while True:
                self._work.get_nowait()
        for _ in self._threads:
            self._work.put(None)
        while self._threads:
            self._threads.pop().join()

    def _enqueue(self, pending: _Pending) -> bool:
        """Queue a check, unless the same login is being checked. Returns False if it is refused."""
        check = pending.check
        if check.login_hash not in self._running:
            gave_way = self._queue.put(pending, check.source, check.standing, check.stored.seconds)
            for displaced in gave_way:
                if displaced is not pending:
                    self._drop(displaced)
                    self._tell_not_checked(displaced, TOO_MANY)
            if pending in gave_way:
                return False
        self._pending.setdefault(check.login_hash, {})[check.source] = pending
        return True

    def _start_checks(self) -> None:
        """Hand checks to the threads that have none."""
        if self._closed:
            return
        self._start_threads()
        while len(self._running) < THREADS and (pending := self._queue.take()) is not None:
            check = pending.check
            if check.must_wait():
                self._reject(pending)
                self._reject_source(check.source)
            elif check.login_hash not in self._running:
                self._running.add(check.login_hash)
                self._work.put(check)

    def _start_threads(self) -> None:
        loop = asyncio.get_running_loop()
        while len(self._threads) < THREADS:
            name = f"password check {len(self._threads) + 1}"
            thread = threading.Thread(target=self._check_passwords, args=(loop,), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def _check_passwords(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run in each thread."""
        while (check := self._work.get()) is not None:
            try:
                right: bool | None = check.is_right()
            except Exception:
                _log.exception("a fault in the check of a password")
                right = None
            try:
                loop.call_soon_threadsafe(self._done, check.login_hash, right)
            except RuntimeError:
                return  # the loop is closed: there are no waiters left

    def _done(self, login_hash: bytes, right: bool | None) -> None:
        self._running.discard(login_hash)
        done = self._pending.pop(login_hash).values()
        for pending in done:
            self._queue.remove(pending)
            if right is None:
                self._tell_not_checked(pending, "a fault in the gate")
            else:
                self._tell(pending, right=right)
        if right is False:
            for pending in done:
                self._note_wrong(pending.check)
        self._start_checks()
        self._poller.finish_batch()

    def _note_wrong(self, check: PasswordCheck) -> None:
        """Serve the source's other logins later, or not at all if it has to wait by now."""
        if check.must_wait():
            self._reject_source(check.source)
        else:
            self._queue.demote(check.source)

    def _reject_source(self, source: str) -> None:
        for pending in self._queue.remove_source(source):
            self._reject(pending)

    def _reject(self, pending: _Pending) -> None:
        """Answer without a check: the authenticator finds that the source has to wait."""
        self._drop(pending)
        for waiter in pending.waiters:
            self._poller.run(waiter, _tell_waiter, waiter, False)

    def _drop(self, pending: _Pending) -> None:
        of_login = self._pending[pending.check.login_hash]
        del of_login[pending.check.source]
        if not of_login:
            del self._pending[pending.check.login_hash]

    def _tell(self, pending: _Pending, *, right: bool) -> None:
        if not pending.waiters and not right:
            pending.check.count_wrong()
        for waiter in pending.waiters:
            self._poller.run(waiter, _tell_waiter, waiter, right)

    def _tell_not_checked(self, pending: _Pending, detail: str) -> None:
        for waiter in pending.waiters:
            self._poller.run(waiter, waiter.login_not_checked, detail)


def _tell_waiter(waiter: LoginWaiter, right: bool) -> None:
    waiter.login_checked(right=right)
