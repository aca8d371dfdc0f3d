"""The thread that writes the ledger. The gate only appends to its queue, so no disk and no network slows a tunnel.

Records wait in a bounded queue, then as sums in an `Intake`. They are written within half a second; while the database
cannot be used they wait and are tried again. What finds no place is counted in `dropped`.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from licensegate.records.record import TunnelRecord

from .clients import ClientNames, NamedClient
from .entries import AskEntry, ProductEntry
from .intake import Intake
from .pauses import Pauses
from .place import LedgerSettings
from .standing import ClientStanding, standing

if TYPE_CHECKING:
    from .store import Store

_MOST_RECORDS: Final = 16_384
"""Two seconds of the most tunnels that a gate carries."""

_GATHER_SECONDS: Final = 0.5
"""One transaction for all records of this time: what a SIGKILL may cost, with the time of a commit."""

_FIRST_RETRY_SECONDS: Final = 1.0
_LAST_RETRY_SECONDS: Final = 30.0
_REFRESH_SECONDS: Final = 15.0
"""How often the histories of named clients are read again: other gates and commands write, too."""

_FORGET_SECONDS: Final = 3600.0
_CLOSE_SECONDS: Final = 3.0

_log = logging.getLogger(__name__)


class LedgerWriter:
    """Keeps the ledger at the place of `settings`. `names` finds the client of a record.

    `standings` says how each named client stands, as of a few seconds ago; `asks` when its product
    was last asked, by its name. `is_working` tells whether the last attempt
    to write or read succeeded; None before the first. `now` is the wall clock.
    """

    def __init__(
        self, settings: LedgerSettings, names: ClientNames, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.standings: Sequence[tuple[NamedClient, ClientStanding]] = ()
        self.asks: Mapping[str, AskEntry] = {}
        self.is_working: bool | None = None
        self._settings = settings
        self._intake = Intake(names)
        self._now = now
        self._queue: deque[TunnelRecord] = deque()
        self._heard: deque[ProductEntry | AskEntry] = deque()
        self._overflowed = 0
        self._lost = 0
        self._store: Store | None = None
        self._retry_at = 0.0
        self._retry_seconds = _FIRST_RETRY_SECONDS
        self._refresh_at = 0.0
        self._forget_at = 0.0
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """The number of records that are in no ledger."""
        return self._overflowed + self._intake.dropped + self._lost

    def put(self, records: Sequence[TunnelRecord]) -> None:
        """Queue records. Called from one thread only."""
        room = _MOST_RECORDS - len(self._queue)
        if len(records) > room:
            self._overflowed += len(records) - room
            records = records[:room]
        self._queue.extend(records)
        if not self._wake.is_set():
            self._wake.set()

    def hear(self, entry: ProductEntry | AskEntry) -> None:
        """Queue what a product said, or that it was asked: few entries, a few times a day. Called from one thread."""
        self._heard.append(entry)
        self._wake.set()

    def adopt(self, settings: LedgerSettings, names: ClientNames) -> None:
        """Use other settings and names from now on."""
        self._settings = settings
        self._intake.names = names
        self.refresh()

    def refresh(self) -> None:
        """Read the histories of named clients again soon: somebody wrote to the ledger."""
        self._refresh_at = 0.0
        self._wake.set()

    def close(self) -> None:
        """Write what waits; give up if the database does not answer."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(_CLOSE_SECONDS)
        if self._queue or self._heard or len(self._intake):
            _log.error("the ledger in %s has lost the contacts of the last moments", self._settings.place)

    def _run(self) -> None:
        self._wake.set()  # opens the ledger at once
        while not self._stopping.is_set():
            self._wake.wait(self._pause())
            self._wake.clear()
            self._turn()
            self._stopping.wait(_GATHER_SECONDS)
        self._retry_at = 0.0
        self._turn()
        self._close_store()

    def _pause(self) -> float | None:
        """How long nothing has to be done without a record; None for ever."""
        now = time.monotonic()
        if not self._settings.place.is_kept:
            return None
        if len(self._intake) or self._store is None:
            return max(0.0, self._retry_at - now)
        return max(0.0, self._refresh_at - now)

    def _turn(self) -> None:
        """Take the waiting records, then write and read what is due. Never raises."""
        try:
            self._intake.take(self._queue.popleft() for _ in range(len(self._queue)))
            self._intake.hear(self._heard.popleft() for _ in range(len(self._heard)))
            self._work()
        except Exception:
            _log.exception("a fault in the ledger lost the contacts of the last moments")
            self._lost += len(self._intake)
            self._intake.clear()

    def _work(self) -> None:
        from .engine import LedgerCorruptError, LedgerUnavailableError  # SQLAlchemy takes 0.3 s: here, not at the start

        now = time.monotonic()
        if now < self._retry_at:
            return
        try:
            self._use(now)
        except LedgerCorruptError as error:
            self._begin_again(str(error))
        except LedgerUnavailableError as error:
            self._failed(str(error))
        else:
            self._succeeded()

    def _use(self, now: float) -> None:
        """Write the tallies, refresh the histories, forget what is old: each if it is due."""
        store = self._opened()
        if store is None:
            self._intake.clear()
            self.standings = ()
            return
        touched = self._intake.clients()
        if touched:
            self._lost += store.add(self._intake.entries())
            self._intake.clear()
        named = self._intake.names.named
        if now >= self._refresh_at or any(client.key in touched for client in named):
            pauses = Pauses()
            histories = store.histories([client.key for client in named], pauses.pause) if named else {}
            wall_clock = self._now()
            standings = []
            for client in named:
                standings.append((client, standing(client, histories[client.key], wall_clock)))
                pauses.pause()
            self.standings = standings
            self.asks = {client.name: ask for client, history in histories.items() if (ask := history.ask) is not None}
            self._refresh_at = now + _REFRESH_SECONDS
        if now >= self._forget_at:
            store.forget(self._now(), self._settings.days)
            self._forget_at = now + _FORGET_SECONDS

    def _opened(self) -> "Store | None":
        """The open store of the settings' place; None if they have none."""
        place = self._settings.place
        if self._store is not None and (not self._store.place.is_same(place) or self._store.was_replaced()):
            self._close_store()
        if self._store is None and place.is_kept:
            from .store import Store

            store = Store(place)
            try:
                store.open()
            except Exception:
                store.close()
                raise
            self._store = store
        return self._store

    def _close_store(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def _begin_again(self, reason: str) -> None:
        """Set a damaged file aside; the next turn makes a new one."""
        from .store import set_aside

        self._close_store()
        place = self._settings.place
        try:
            aside = set_aside(place)
        except OSError as error:
            self._failed(f"it is damaged ({reason}) and cannot be renamed: {error.strerror}")
            return
        _log.error("the ledger %s is damaged (%s): it is now called %s, and a new one begins", place, reason, aside)
        self._refresh_at = 0.0
        self._wake.set()

    def _failed(self, reason: str) -> None:
        if self.is_working is not False:
            _log.error("the ledger in %s cannot be used: %s; contacts wait in memory", self._settings.place, reason)
        self.is_working = False
        self._retry_at = time.monotonic() + self._retry_seconds
        self._retry_seconds = min(2 * self._retry_seconds, _LAST_RETRY_SECONDS)
        if self._store is not None and self._store.place.url is not None:
            self._close_store()

    def _succeeded(self) -> None:
        if self.is_working is False:
            _log.info("the ledger in %s can be used again", self._settings.place)
        self.is_working = True
        self._retry_at = 0.0
        self._retry_seconds = _FIRST_RETRY_SECONDS
