"""The ledger in its database: adds what has happened, reads histories, forgets what is old.

Raises LedgerUnavailableError if the database cannot be used now, and LedgerCorruptError for a damaged file. Nothing of
a call that raised has been written. One thread at a time may use a store.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Table, func, select

from licensegate.records.bounded import BoundedDict

from . import tables
from .clients import ClientKey, ClientKind
from .engine import LedgerCorruptError, LedgerUnavailableError, make_file, open_engine, transaction
from .entries import ClientHistory, DayEntry, LedgerEntry, TextEntry
from .forgetting import forget, forget_texts
from .migrations import NewerSchemaError, OlderSchemaError, check, migrate
from .place import LedgerPlace
from .rows import entries_of, histories, page_rows, row_of

T = TypeVar("T")

MOST_CLIENTS: Final = 10_000
"""Clients without a name of the settings. Further ones are not kept: any client of the gate could make them up."""


class Store:
    """The database at a place. `open` or `join` comes first; it may be called again after an error."""

    def __init__(self, place: LedgerPlace, *, wait_seconds: float = 1.0, reads_only: bool = False) -> None:
        self.place = place
        self._engine = open_engine(place, wait_seconds=wait_seconds, reads_only=reads_only)
        self._dialect = self._engine.dialect.name
        self._file: tuple[int, int] | None = None
        self._strangers = _Strangers()

    def open(self) -> None:
        """Make the tables, or bring them up to date, and look whether the file is whole."""
        if self.place.file is not None:
            make_file(self.place.file)
        try:
            with transaction(self._engine) as connection:
                if self._dialect == "sqlite" and (fault := _damage(connection)):
                    raise LedgerCorruptError(fault)
                migrate(connection)
                self._strangers.count(connection)
        except NewerSchemaError as error:
            raise LedgerUnavailableError(str(error)) from None
        self._file = self._identity()

    def join(self) -> None:
        """Use a ledger that its writer has opened: nothing is made, looked over or brought up to date."""
        if self.place.file is not None and not os.path.exists(self.place.file):
            raise LedgerUnavailableError(f"{self.place.file} does not exist; a gate makes it when it starts")
        try:
            self.read(check)
        except (NewerSchemaError, OlderSchemaError) as error:
            raise LedgerUnavailableError(str(error)) from None
        self._file = self._identity()

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def was_replaced(self) -> bool:
        """Whether the file that is open is no longer the one at the place: it was removed, or another put there."""
        return self._file is not None and self._identity() != self._file

    def add(self, entries: Iterable[LedgerEntry]) -> int:
        """Add what has happened since the last call. Returns how many clients had no place."""
        return self._merge(entries, adding=True)

    def merge(self, entries: Iterable[LedgerEntry]) -> None:
        """Merge the entries of another ledger. Merging them twice changes nothing."""
        self._merge(entries, adding=False)

    def histories(
        self, clients: Iterable[ClientKey], pause: Callable[[], None] = lambda: None
    ) -> dict[ClientKey, ClientHistory]:
        """What is known of these clients. Calls `pause` after each row."""
        return self.read(lambda connection: histories(connection, clients, pause))

    def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, in one transaction."""
        with transaction(self._engine) as connection:
            return work(connection)

    def entries(self) -> Iterator[LedgerEntry]:
        """Every entry, as of one moment, ordered by kind and key."""
        with transaction(self._engine) as connection:
            for table in tables.ALL:
                yield from entries_of(connection, table, select(table).order_by(*table.primary_key.columns))

    def forget(self, now: datetime, days: int) -> None:
        """Forget what is older than `days`, one day at a call, and what no rhythm needs."""
        with transaction(self._engine) as connection:
            forget(connection, now, days)
            self._strangers.count(connection)

    def _merge(self, entries: Iterable[LedgerEntry], *, adding: bool) -> int:
        rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        with_texts: set[ClientKey] = set()
        homeless = 0
        with transaction(self._engine) as connection:
            for entry in entries:
                table, row = row_of(entry)
                if adding and not self._strangers.admits(connection, entry.client):
                    homeless += isinstance(entry, DayEntry)
                    continue
                rows[table.name].append(row)
                if isinstance(entry, TextEntry):
                    with_texts.add(entry.client)
                if not adding and len(rows[table.name]) == page_rows(table):  # an import has no bound
                    self._write(connection, table, rows.pop(table.name), adding)
            for table in tables.ALL:
                if table.name in rows:
                    self._write(connection, table, rows[table.name], adding)
            if with_texts:
                forget_texts(connection, with_texts)
        return homeless

    def _write(self, connection: Connection, table: Table, rows: list[dict[str, Any]], adding: bool) -> None:
        """Rows in the order of their keys, so that two gates never wait for each other."""
        keys = [column.name for column in table.primary_key.columns]
        rows.sort(key=lambda row: [row[key] for key in keys])
        connection.execute(tables.merge(table, self._dialect, adding=adding), rows)

    def _identity(self) -> tuple[int, int] | None:
        if self.place.file is None:
            return None
        try:
            status = os.stat(self.place.file)
        except OSError:
            return (0, 0)
        return status.st_dev, status.st_ino


class _Strangers:
    """Keeps the number of clients without a name of the settings within MOST_CLIENTS."""

    def __init__(self) -> None:
        self._count = 0
        self._admitted: BoundedDict[ClientKey, bool] = BoundedDict(4096)

    def count(self, connection: Connection) -> None:
        """Count those that the ledger has."""
        days = tables.days
        strangers = select(days.c.client_kind, days.c.client).where(days.c.client_kind != ClientKind.NAMED.value)
        counted = select(func.count()).select_from(strangers.distinct().subquery())
        self._count = connection.execute(counted).scalar_one()
        self._admitted.clear()

    def admits(self, connection: Connection, client: ClientKey) -> bool:
        """Whether entries of this client are kept."""
        if client.kind is ClientKind.NAMED or client in self._admitted:
            return True
        days = tables.days
        mine = (
            select(days.c.client).where(days.c.client_kind == client.kind.value, days.c.client == client.name).limit(1)
        )
        if connection.execute(mine).first() is None:
            if self._count >= MOST_CLIENTS:
                return False
            self._count += 1
        self._admitted.put(client, True)
        return True


def _damage(connection: Connection) -> str:
    """What SQLite finds wrong with the file; empty if it is whole."""
    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    return "" if found == "ok" else str(found)


def set_aside(place: LedgerPlace, now: datetime | None = None) -> str:
    """Rename a damaged file, so that a new one can begin. Returns the new name. Raises OSError."""
    file = place.file
    if file is None:
        raise RuntimeError("only a file can be set aside")
    moment = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    aside = file.with_name(f"{file.name}.corrupt-{moment}")
    number = 1
    while os.path.lexists(aside):
        number += 1
        aside = file.with_name(f"{file.name}.corrupt-{moment}-{number}")
    os.rename(file, aside)
    for suffix in ("-wal", "-shm"):
        if os.path.lexists(f"{file}{suffix}"):
            os.rename(f"{file}{suffix}", f"{aside}{suffix}")
    return aside.name
