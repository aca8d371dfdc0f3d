"""Cached look-ups of names with the system's resolver. Never blocks the event loop.

Each look-up runs in its own daemon thread, one per name at a time: a name that hangs delays neither other names nor the
end of the program. A cached answer is fresh for a while; after that it is still used, but renewed in the background. If
the resolver fails, the last good answer serves.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from licensegate.records.bounded import BoundedDict
from licensegate.records.outcome import Outcome

from .look_up_shares import LookUpShares
from .resolution import NO_SUCH_ADDRESS, Resolution, ResolutionCallback, Resolved, Unresolved
from .settings import DnsSettings
from .system_resolver import system_look_up

_MAX_LOOK_UPS: Final = 64
_FOR_FIRST_LOOK_UPS: Final = 16  # of them
_CACHED_NAMES: Final = 4096

_log = logging.getLogger(__name__)

_TIMED_OUT: Final = Unresolved(Outcome.DNS_TIMEOUT)
_FAULT: Final = Unresolved(Outcome.DNS_FAILED, "a fault in the gate")
_TOO_MANY: Final = Unresolved(Outcome.DNS_FAILED, "too many look-ups hang")


class _Name:
    """The cache entry of one name. Times are those of `time.monotonic`."""

    __slots__ = ("answered", "failed", "failed_at", "good", "good_at", "in_flight", "timer", "waiters")

    def __init__(self) -> None:
        self.good: Resolved | None = None
        self.good_at = 0.0
        self.failed: Unresolved | None = None
        self.failed_at = 0.0
        self.in_flight = False
        self.answered = False  # by the look-up in flight, or the last one
        self.timer: asyncio.TimerHandle | None = None
        self.waiters: list[ResolutionCallback] = []


class Resolver:
    """The cache of names and the look-ups in progress.

    `ask` resolves one name and may block: its iterator is read in a thread. After a first answer that `may_change` it
    yields another one, for the look-ups to come. `look_up_finished` runs after the waiters of a look-up were called.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: DnsSettings,
        look_up_finished: Callable[[], None],
        ask: Callable[[str], Iterator[Resolution]] = system_look_up,
    ) -> None:
        self._loop = loop
        self.settings = settings
        self._finished = look_up_finished
        self._ask = ask
        # Only a wildcard rule brings so many names. A name in flight is never dropped.
        self._names: BoundedDict[str, _Name] = BoundedDict(_CACHED_NAMES, lambda known: not known.in_flight)
        self._shares = LookUpShares(_MAX_LOOK_UPS, _FOR_FIRST_LOOK_UPS)
        self.results: dict[Outcome | None, int] = {}
        """Number of look-ups by outcome; None counts successful ones."""

    def look_up(self, name: str, client: str, waiter: ResolutionCallback) -> Resolution | None:
        """The answer if it is cached. Otherwise None, and `waiter` is called with it once, within the time limit.

        `client` is the address of the client that needs it, empty for the gate itself.
        """
        known = self._names.get(name)
        if known is None:
            known = self._remember(name)
        now = time.monotonic()
        failing = known.failed is not None and now - known.failed_at < self.settings.failure_seconds
        if known.good is not None and now - known.good_at < 2 * self.settings.fresh_seconds:
            if now - known.good_at >= self.settings.fresh_seconds and not failing:
                self._start(name, client, known)
            return known.good
        if failing and known.failed is not None:
            return self._or_last_good(known, known.failed)
        if known.in_flight and known.answered:  # it waits only for more addresses
            return known.good if known.failed is None else self._or_last_good(known, known.failed)
        if not self._start(name, client, known):
            return self._or_last_good(known, _TOO_MANY)
        known.waiters.append(waiter)
        if known.timer is None:
            known.timer = self._loop.call_later(self.settings.timeout_seconds, self._timed_out, known)
        return None

    def forget(self, name: str, waiter: ResolutionCallback) -> None:
        """Do not call this waiter any more."""
        known = self._names.get(name)
        if known is not None and waiter in known.waiters:
            known.waiters.remove(waiter)

    def _remember(self, name: str) -> _Name:
        known = _Name()
        self._names.put(name, known)
        return known

    def _or_last_good(self, known: _Name, failure: Unresolved) -> Resolution:
        """The last good answer if it is recent enough, else the failure."""
        return known.good if known.good is not None and self._has_last_good(known) else failure

    def _has_last_good(self, known: _Name) -> bool:
        return known.good is not None and time.monotonic() - known.good_at < self.settings.last_good_seconds

    def _start(self, name: str, client: str, known: _Name) -> bool:
        """Start a look-up unless one is in flight. Returns False if this client may not start another."""
        if known.in_flight:
            return True
        if not self._shares.take(client):
            return False
        thread = threading.Thread(target=self._look_up, args=(name, client, known), name=f"look-up {name}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the limit on processes is reached
            _log.error("cannot look up %s: %s", name, error)
            self._shares.give_back(client)
            return False
        known.in_flight, known.answered = True, False
        return True

    def _look_up(self, name: str, client: str, known: _Name) -> None:
        """Ask, in the thread, and pass each answer to the loop."""
        try:
            for answer in self._ask(name):
                self._in_loop(self._arrived, known, answer)
        except Exception:
            _log.exception("a fault in the look-up of %s", name)
            self._in_loop(self._arrived, known, _FAULT)
        self._in_loop(self._ended, client, known)

    def _in_loop(self, method: Callable[..., None], *arguments: object) -> None:
        """Have the loop call this, unless it is closed."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(method, *arguments)

    def _arrived(self, known: _Name, answer: Resolution) -> None:
        if isinstance(answer, Resolved) and not (answer.may_change and self._has_last_good(known)):
            known.good, known.good_at, known.failed = answer, time.monotonic(), None
        if not known.answered:  # a second answer is for the look-ups to come
            known.answered = True
            self._settle(known, answer)
        elif isinstance(answer, Unresolved):
            self._note_failure(known, answer)

    def _ended(self, client: str, known: _Name) -> None:
        known.in_flight = False
        self._shares.give_back(client)

    def _timed_out(self, known: _Name) -> None:
        self._settle(known, _TIMED_OUT)

    def _settle(self, known: _Name, answer: Resolution) -> None:
        """Call the waiters. A failure is cached, and hidden while there is a recent good answer."""
        result = answer.outcome if isinstance(answer, Unresolved) else None
        self.results[result] = self.results.get(result, 0) + 1
        if isinstance(answer, Unresolved):
            self._note_failure(known, answer)
            answer = self._or_last_good(known, answer)
        if known.timer is not None:
            known.timer.cancel()
            known.timer = None
        waiters, known.waiters = known.waiters, []
        for waiter in waiters:
            waiter(answer)
        self._finished()

    def _note_failure(self, known: _Name, failure: Unresolved) -> None:
        known.failed, known.failed_at = failure, time.monotonic()
        if failure.outcome in NO_SUCH_ADDRESS and not failure.may_change:  # an answer, not a failure to get one
            known.good = None
