"""Where the pages read and write the ledger for people.

Each call runs in a thread, so that a database which is slow, locked or far away holds up its own caller alone. If the
ledger cannot be used, the answer is a `NoLedger` that says why. What people want to add and cannot be kept raises
EntryRefusedError (`by_hand`).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import Struct

from licensegate.files.off_loop import OffLoop

from .by_hand import EntryRefusedError, TextWithWord
from .clients import ClientKey, NamedClient
from .dossier import ClientDossier, MonthEvidence, month_after, month_evidence
from .entries import ManualEntry, ManualKind, NameEntry
from .place import LedgerSettings
from .summaries import ClientSummary

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from .store import Store

T = TypeVar("T")

DAYS_SHOWN: Final = 400

_FRESH_SECONDS: Final = 10.0
"""How long the list of all clients is shown again: it is read whole, which takes up to a second."""

_ANSWER_SECONDS: Final = 20.0
_RETRY_SECONDS: Final = 5.0
_WRITE_WAIT_SECONDS: Final = 10.0
"""How long to wait for another program's transaction when something was typed."""

_log = logging.getLogger(__name__)


class NoLedger(Struct, frozen=True):
    """The ledger cannot be used now. `reason` says why, for people."""

    reason: str


class LedgerDesk:
    """Reads and writes the ledger at the place of `settings` for people. `named` are the clients of the settings.

    `written` is called after something was written. `now` is the wall clock. Needs a running event loop when it is
    used. `by` is who writes: a page's admin, or the user of a command.
    """

    def __init__(
        self,
        settings: LedgerSettings,
        named: Sequence[NamedClient],
        written: Callable[[], None] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._named = named
        self._written = written
        self._now = now
        self._off_loop = OffLoop()
        self._reader: Store | None = None
        self._summaries: list[ClientSummary] | None = None
        self._stale_at = 0.0
        self._failure: NoLedger | None = None
        self._retry_at = 0.0
        self._is_late = False  # the last call was given up
        self._is_working = False  # a thread is at work

    def adopt(self, settings: LedgerSettings, named: Sequence[NamedClient]) -> None:
        """Use other settings from now on."""
        self._settings, self._named = settings, named
        self._stale_at = self._retry_at = 0.0

    async def summaries(self) -> list[ClientSummary] | NoLedger:
        """All clients in short, as of a few seconds ago, the most urgent first."""
        return await self._run(self._fresh_summaries)

    async def client(self, key: ClientKey, days: int = DAYS_SHOWN) -> ClientDossier | NoLedger | None:
        """Everything of one client, with its days up to so many back; None if nobody knows it."""
        from .reading import read_dossier

        now = self._now()
        since = now.date() - timedelta(days=days)
        return await self._read(lambda connection: read_dossier(connection, key, self._named, since, now))

    async def month(self, key: ClientKey, month: date) -> MonthEvidence | NoLedger:
        """The evidence of a client's contacts in the month of this day, for an auditor."""
        from .reading import read_month

        now, first = self._now(), month.replace(day=1)

        def evidence(connection: "Connection") -> MonthEvidence:
            found = read_month(connection, key, self._named, first, month_after(first))
            return month_evidence(*found, first, now)

        return await self._read(evidence)

    async def record(
        self,
        key: ClientKey,
        what: ManualKind = ManualKind.CONTACT,
        *,
        at: datetime | None = None,
        note: str = "",
        by: str,
    ) -> ManualEntry | NoLedger:
        """Keep that somebody did something by hand, by default now. Raises EntryRefusedError."""
        from .keeping import keep_contact

        return await self._write(
            lambda store: keep_contact(store, self._named, key, what, at=at, note=note, by=by, now=self._now())
        )

    async def give_name(
        self, key: ClientKey, name: str, *, product: str = "", on_prem: bool = False, reserved: bool = False, by: str
    ) -> NameEntry | NoLedger:
        """Give a client a name and its product's clocks; an empty name takes it away. Raises EntryRefusedError."""
        from .keeping import keep_name

        given = partial(keep_name, product=product, on_prem=on_prem, reserved=reserved, by=by)
        return await self._write(lambda store: given(store, self._named, key, name, now=self._now()))

    async def keep_text(
        self, key: ClientKey, data: bytes, *, printed: datetime | None = None, by: str
    ) -> TextWithWord | NoLedger:
        """Keep what a product printed beside its client, and what it says of its licences. Raises EntryRefusedError.

        It counts from when it was `printed`: by default what the text tells, else now.
        """
        from .keeping import keep_text

        kept = partial(keep_text, printed=printed, by=by)
        return await self._write(lambda store: kept(store, self._named, key, data, now=self._now()))

    async def close(self) -> None:
        """Close the database."""
        await self._off_loop.run(self._close_reader)

    async def _read(self, work: "Callable[[Connection], T]") -> T | NoLedger:
        return await self._run(lambda: self._opened().read(work))

    async def _write(self, work: "Callable[[Store], T]") -> T | NoLedger:
        self._retry_at = 0.0
        done = await self._run(lambda: self._with_store(work))
        if not isinstance(done, NoLedger):
            self._stale_at = 0.0
            self._written()
        return done

    async def _run(self, work: Callable[[], T]) -> T | NoLedger:
        """What `work` returns, run in a thread.

        A failure is answered again without another attempt for a while, and as long as a call that was given up runs.
        """
        if not self._settings.place.is_kept:
            return NoLedger("no ledger is kept: set state.directory or ledger.url in the settings")
        if self._failure is not None and (time.monotonic() < self._retry_at or (self._is_late and self._is_working)):
            return self._failure
        self._is_late = False
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                done = await self._off_loop.run(lambda: self._tried(work))
        except TimeoutError:
            self._is_late = True
            done = NoLedger(f"the ledger in {self._settings.place} has not answered for {_ANSWER_SECONDS:g} s")
        self._failure = done if isinstance(done, NoLedger) else None
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        return done

    def _tried(self, work: Callable[[], T]) -> T | NoLedger:
        from .engine import LedgerCorruptError, LedgerUnavailableError

        place = self._settings.place
        self._is_working = True
        try:
            return work()
        except LedgerCorruptError as error:
            reason = f"the ledger in {place} is damaged: {error}"
        except LedgerUnavailableError as error:
            reason = f"the ledger in {place} cannot be used: {error}"
        except EntryRefusedError:
            raise
        except Exception:
            _log.exception("a fault in reading the ledger for people")
            reason = f"a fault of the gate prevented reading the ledger in {place}; see its log"
        finally:
            self._is_working = False
        self._close_reader()
        return NoLedger(reason)

    def _fresh_summaries(self) -> list[ClientSummary]:
        from .reading import read_summaries

        if self._summaries is None or time.monotonic() >= self._stale_at:
            now, named = self._now(), self._named
            self._summaries = self._opened().read(lambda connection: read_summaries(connection, named, now))
            self._stale_at = time.monotonic() + _FRESH_SECONDS
        return self._summaries

    def _opened(self) -> "Store":
        """The store to read from, opened again if the settings name another one or the file was replaced."""
        place = self._settings.place
        if self._reader is not None and (not self._reader.place.is_same(place) or self._reader.was_replaced()):
            self._close_reader()
        if self._reader is None:
            from .store import Store

            store = Store(place, reads_only=True)
            try:
                store.join()
            except BaseException:
                store.close()
                raise
            self._reader = store
        return self._reader

    def _with_store(self, work: "Callable[[Store], T]") -> T:
        from .store import Store

        store = Store(self._settings.place, wait_seconds=_WRITE_WAIT_SECONDS)
        try:
            store.join()
            return work(store)
        finally:
            store.close()

    def _close_reader(self) -> None:
        self._summaries = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None
