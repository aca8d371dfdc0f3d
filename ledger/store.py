"""The ledger in its database: adds what has happened, reads histories, forgets what is old.

Raises LedgerUnavailableError if the database cannot be used now, and LedgerCorruptError for a damaged file. Nothing of
a call that raised has been written. One thread at a time may use a store.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Select, Table, func, select

from licensegate.records.bounded import BoundedDict

from . import tables
from .clients import ClientKey, ClientKind
from .engine import LedgerCorruptError, LedgerUnavailableError, make_file, open_engine, transaction
from .entries import (
    AskEntry,
    ClientHistory,
    ContactEntry,
    DayEntry,
    HourEntry,
    LedgerEntry,
    ManualEntry,
    ManualKind,
    ProductEntry,
)
from .migrations import NewerSchemaError, migrate
from .place import LedgerPlace

MOST_HOURS: Final = 64
"""The contacts of a client from which its rhythm is learned."""

MOST_CLIENTS: Final = 10_000
"""Clients without a name of the settings. Further ones are not kept: any client of the gate could make them up."""

_PAGE_ROWS: Final = 500


class Store:
    """The database at a place. `open` comes first; it may be called again after an error."""

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

    def histories(self, clients: Iterable[ClientKey]) -> dict[ClientKey, ClientHistory]:
        """What is known of these clients, all of the kind NAMED."""
        names = [client.name for client in clients]
        found: Mapping[type, dict[ClientKey, list[Any]]] = defaultdict(lambda: defaultdict(list))
        with transaction(self._engine) as connection:
            for table in (tables.contacts, tables.hours, tables.manual, tables.products, tables.asks):
                for start in range(0, len(names), _PAGE_ROWS):
                    wanted = table.c.client.in_(names[start : start + _PAGE_ROWS])
                    chosen = select(table).where(table.c.client_kind == ClientKind.NAMED.value, wanted)
                    for entry in _entries(connection, table, chosen):
                        found[type(entry)][entry.client].append(entry)
        return {
            client: ClientHistory(
                tuple(found[ContactEntry][client]),
                tuple(sorted(entry.time for entry in found[HourEntry][client])),
                tuple(sorted(found[ManualEntry][client], key=lambda entry: entry.time)),
                next(iter(found[ProductEntry][client]), None),
                next(iter(found[AskEntry][client]), None),
            )
            for client in (ClientKey(ClientKind.NAMED, name) for name in names)
        }

    def entries(self) -> Iterator[LedgerEntry]:
        """Every entry, as of one moment, ordered by kind and key."""
        with transaction(self._engine) as connection:
            for table in tables.ALL:
                yield from _entries(connection, table, select(table).order_by(*table.primary_key.columns))

    def manual_entries(self) -> list[ManualEntry]:
        """What was recorded by hand, oldest first."""
        chosen = select(tables.manual).order_by(tables.manual.c.time)
        with transaction(self._engine) as connection:
            return [entry for entry in _entries(connection, tables.manual, chosen) if isinstance(entry, ManualEntry)]

    def forget(self, now: datetime, days: int) -> None:
        """Forget the oldest day, if it is older than `days`, and what clients no longer need for their rhythm.

        One day at a call: a clock that is wrong for an hour must not cost the whole ledger.
        """
        before = now - timedelta(days=days)
        with transaction(self._engine) as connection:
            oldest = connection.execute(select(func.min(tables.days.c.day))).scalar()
            if oldest is not None and oldest < before.date():
                connection.execute(tables.days.delete().where(tables.days.c.day == oldest))
            for table, time in (
                (tables.contacts, tables.later(tables.contacts.c.last_success, tables.contacts.c.last_failure)),
                (tables.hours, tables.hours.c.time),
                (tables.manual, tables.manual.c.time),
                (tables.products, tables.products.c.said),
                (tables.asks, tables.asks.c.again),
            ):
                first = connection.execute(select(func.min(time))).scalar()
                if first is not None and first < before:
                    until = min(before, first + timedelta(days=1))
                    connection.execute(table.delete().where(time < until))
            _forget_hours(connection)
            self._strangers.count(connection)

    def _merge(self, entries: Iterable[LedgerEntry], *, adding: bool) -> int:
        rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        homeless = 0
        with transaction(self._engine) as connection:
            for entry in entries:
                table, row = _row(entry)
                if adding and not self._strangers.admits(connection, entry.client):
                    homeless += isinstance(entry, DayEntry)
                    continue
                rows[table.name].append(row)
                if not adding and len(rows[table.name]) == _PAGE_ROWS:  # an import has no bound
                    self._write(connection, table, rows.pop(table.name), adding)
            for table in tables.ALL:
                if table.name in rows:
                    self._write(connection, table, rows[table.name], adding)
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


def _forget_hours(connection: Connection) -> None:
    hours = tables.hours
    crowded = (
        select(hours.c.client_kind, hours.c.client)
        .group_by(hours.c.client_kind, hours.c.client)
        .having(func.count() > MOST_HOURS)
    )
    for kind, client in connection.execute(crowded).all():
        mine = (hours.c.client_kind == kind) & (hours.c.client == client)
        newest = select(hours.c.hour).where(mine).order_by(hours.c.hour.desc()).offset(MOST_HOURS - 1).limit(1)
        oldest_kept = connection.execute(newest).scalar()
        connection.execute(hours.delete().where(mine, hours.c.hour < oldest_kept))


def _row(entry: LedgerEntry) -> tuple[Table, dict[str, Any]]:
    row: dict[str, Any] = {name: getattr(entry, name) for name in entry.__struct_fields__ if name != "client"}
    row |= {"client_kind": entry.client.kind.value, "client": entry.client.name}
    match entry:
        case ContactEntry():
            return tables.contacts, row
        case DayEntry():
            return tables.days, row
        case HourEntry():
            return tables.hours, row | {"hour": tables.hour_of(entry.time)}
        case ManualEntry():
            return tables.manual, row | {"what": entry.what.value}
        case ProductEntry():
            return tables.products, row
        case AskEntry():
            return tables.asks, row


def _entries(connection: Connection, table: Table, chosen: Select[Any]) -> Iterator[LedgerEntry]:
    for row in connection.execution_options(yield_per=_PAGE_ROWS).execute(chosen):
        fields = dict(row._mapping)
        client = ClientKey(ClientKind(fields.pop("client_kind")), fields.pop("client"))
        if table is tables.contacts:
            yield ContactEntry(client=client, **fields)
        elif table is tables.days:
            yield DayEntry(client=client, **fields)
        elif table is tables.hours:
            yield HourEntry(client=client, time=fields["time"])
        elif table is tables.products:
            yield ProductEntry(client=client, **fields)
        elif table is tables.asks:
            yield AskEntry(client=client, **fields)
        else:
            yield ManualEntry(client=client, **fields | {"what": ManualKind(fields["what"])})


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
