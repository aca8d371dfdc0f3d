"""An entry as a row of its table and back, and the histories of clients from their rows."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import structs
from sqlalchemy import BigInteger, ColumnElement, Connection, Select, Table, Text, cast, func, select, type_coerce

from . import tables
from .clients import ClientKey, ClientKind
from .entries import (
    AskEntry,
    ClientHistory,
    ContactEntry,
    DayEntry,
    HourEntry,
    LedgerEntry,
    ManualEntry,
    ManualKind,
    NameEntry,
    ProductEntry,
    TextEntry,
)

_PAGE_ROWS: Final = 500
_PAGE_TEXTS: Final = 4  # of up to a megabyte

_TABLE_OF: Final[Mapping[type[LedgerEntry], Table]] = {
    ContactEntry: tables.contacts,
    DayEntry: tables.days,
    HourEntry: tables.hours,
    ManualEntry: tables.manual,
    ProductEntry: tables.products,
    AskEntry: tables.asks,
    NameEntry: tables.names,
    TextEntry: tables.texts,
}
_ENTRY_OF: Final = {table.name: kind for kind, table in _TABLE_OF.items()}
_KINDS: Final = {kind.value: kind for kind in ClientKind}


def page_rows(table: Table) -> int:
    """How many rows of a table are read or written at a time."""
    return _PAGE_TEXTS if table is tables.texts else _PAGE_ROWS


def row_of(entry: LedgerEntry) -> tuple[Table, dict[str, Any]]:
    """The table of an entry, and its row there."""
    row: dict[str, Any] = {name: getattr(entry, name) for name in entry.__struct_fields__ if name != "client"}
    row |= {"client_kind": entry.client.kind.value, "client": entry.client.name}
    match entry:
        case HourEntry():
            row["hour"] = tables.hour_of(entry.time)
        case ManualEntry():
            row["what"] = entry.what.value
        case TextEntry():
            row["size"] = len(entry.text.encode())
    return _TABLE_OF[type(entry)], row


def entries_of(connection: Connection, table: Table, chosen: Select[Any]) -> Iterator[LedgerEntry]:
    """Yield the entries of the chosen rows, which have all columns of this table."""
    entry = _ENTRY_OF[table.name]
    unkept = {tables.hours.name: "hour", tables.texts.name: "size"}.get(table.name)
    names = [column.name for column in table.columns if column.name not in ("client_kind", "client")]
    for kind, client, *values in connection.execution_options(yield_per=page_rows(table)).execute(chosen):
        fields = dict(zip(names, values, strict=True))
        if unkept is not None:
            del fields[unkept]
        elif table is tables.manual:
            fields["what"] = ManualKind(fields["what"])
        yield entry(client=ClientKey(_KINDS[kind], client), **fields)


def histories(
    connection: Connection, clients: Iterable[ClientKey], pause: Callable[[], None] = lambda: None
) -> dict[ClientKey, ClientHistory]:
    """The histories of these clients. Calls `pause` after each row."""
    wanted = list(clients)
    found = _Histories(pause)
    for table in (tables.contacts, tables.manual, tables.products, tables.asks, tables.names):
        for mine in _chosen(table, wanted):
            found.add(entries_of(connection, table, select(table).where(mine)))
    times = {
        client: tuple(sorted(map(tables.time_of, hours))) for client, hours in contact_hours(connection, wanted, pause)
    }
    return {client: structs.replace(found.of(client), times=times.get(client, ())) for client in wanted}


def all_histories(
    connection: Connection, read: Sequence[Table], pause: Callable[[], None] = lambda: None
) -> Iterator[tuple[ClientKey, ClientHistory]]:
    """Yield every client that stands in one of the tables to `read`, and its history there, without times.

    Calls `pause` after each row.
    """
    found = _Histories(pause)
    for table in read:
        found.add(entries_of(connection, table, select(table)))
    for client in found.clients():
        yield client, found.of(client)


def contact_hours(
    connection: Connection, clients: Iterable[ClientKey], pause: Callable[[], None] = lambda: None
) -> Iterator[tuple[ClientKey, list[int]]]:
    """Yield the last contact of each hour of these clients, in microseconds since 1970 and in no order.

    The database makes one row of each client: 64 rows of each would take ten times as long. Calls `pause` after each.
    """
    hours = tables.hours
    joined = func.aggregate_strings(cast(type_coerce(hours.c.time, BigInteger), Text), ",")
    chosen = select(hours.c.client_kind, hours.c.client, joined).group_by(hours.c.client_kind, hours.c.client)
    for mine in _chosen(hours, clients):
        for kind, client, times in connection.execute(chosen.where(mine)):
            yield ClientKey(_KINDS[kind], client), [int(time) for time in times.split(",")]
            pause()


def _chosen(table: Table, clients: Iterable[ClientKey]) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions under which rows are those of these clients, a bounded number of them at a time."""
    wanted = list(clients)
    for kind in ClientKind:
        names = [client.name for client in wanted if client.kind is kind]
        for start in range(0, len(names), _PAGE_ROWS):
            yield (table.c.client_kind == kind.value) & table.c.client.in_(names[start : start + _PAGE_ROWS])


class _Histories:
    """Puts entries together by their clients, all but hours."""

    def __init__(self, pause: Callable[[], None] = lambda: None) -> None:
        self._pause = pause
        self._found: Mapping[type, dict[ClientKey, list[Any]]] = defaultdict(lambda: defaultdict(list))

    def add(self, entries: Iterable[LedgerEntry]) -> None:
        for entry in entries:
            self._found[type(entry)][entry.client].append(entry)
            self._pause()

    def clients(self) -> set[ClientKey]:
        return {client for entries in self._found.values() for client in entries}

    def of(self, client: ClientKey) -> ClientHistory:
        def mine(kind: type) -> list[Any]:
            return self._found[kind].get(client, [])

        return ClientHistory(
            tuple(mine(ContactEntry)),
            (),
            tuple(sorted(mine(ManualEntry), key=lambda entry: entry.time)),
            next(iter(mine(ProductEntry)), None),
            next(iter(mine(AskEntry)), None),
            next(iter(mine(NameEntry)), None),
        )
