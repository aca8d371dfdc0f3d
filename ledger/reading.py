"""Reads the ledger for people, in one transaction: all clients in short, or everything of one."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, func, select

from licensegate.licensing.read import read

from . import tables
from .clients import ClientKey, ClientKind, NamedClient, TakenOver
from .dossier import ClientDossier, KeptText, LedgerDay
from .entries import ClientHistory, ProductEntry, TextEntry
from .naming import LedgerClient, ledger_client
from .pauses import Pauses
from .product_words import entry_of_text
from .rows import all_histories, contact_hours, entries_of, histories
from .standing import needs_rhythm, standing, standing_without_rhythm, with_rhythm
from .summaries import ClientSummary, by_urgency

_SHORT: Final = (tables.contacts, tables.manual, tables.products, tables.names)
"""What all clients are judged by first: their hours are by far the most rows, and few need them."""


def read_summaries(connection: Connection, named: Sequence[NamedClient], now: datetime) -> list[ClientSummary]:
    """All clients in short: those of the settings, and those that the ledger has a contact, a name or a word of."""
    pauses, taken_over = Pauses(), TakenOver(named)
    by_name = {client.name: client for client in named}
    found: dict[ClientKey, tuple[LedgerClient, ClientHistory]] = {
        client.key: (ledger_client(client.key, by_name, None), ClientHistory()) for client in named
    }
    for key, history in all_histories(connection, _SHORT, pauses.pause):
        if not taken_over.has(key):
            found[key] = ledger_client(key, by_name, history.name), history
    summaries = {}
    for key, (client, history) in found.items():
        summaries[key] = ClientSummary(client, standing_without_rhythm(client, history, now), history.contacts)
        pauses.pause()
    unsure = [key for key, summary in summaries.items() if needs_rhythm(summary.standing, now)]
    for key, hours in contact_hours(connection, unsure, pauses.pause):
        client, history = found[key]
        stands = with_rhythm(summaries[key].standing, (hour / 1e6 for hour in hours), history, now)
        summaries[key] = ClientSummary(client, stands, history.contacts)
    return by_urgency(summaries.values())


def read_clients(connection: Connection, named: Sequence[NamedClient]) -> list[LedgerClient]:
    """All clients that `read_summaries` has, those of the settings first, then those with a name."""
    by_name = {client.name: client for client in named}
    found = {client.key: ledger_client(client.key, by_name, None) for client in named}
    for key, history in all_histories(connection, (tables.names,)):
        found[key] = ledger_client(key, by_name, history.name)
    for table in (tables.contacts, tables.manual, tables.products):
        for kind, name in connection.execute(select(table.c.client_kind, table.c.client).distinct()):
            key = ClientKey(ClientKind(kind), name)
            found.setdefault(key, ledger_client(key, by_name, None))
    taken_over = TakenOver(named)
    return [client for key, client in found.items() if not taken_over.has(key)]


def read_dossier(
    connection: Connection, key: ClientKey, named: Sequence[NamedClient], since: date, now: datetime
) -> ClientDossier | None:
    """Everything of one client, with its days from `since` on; None if neither ledger nor settings know it."""
    client, history = _client(connection, key, named)
    days = _days(connection, key, since)
    if client.settings is None and not days and history == ClientHistory():
        return None
    texts = tables.texts
    heads = connection.execute(
        select(texts.c.kept, texts.c.kept_by, texts.c.size).where(_is_of(texts, key)).order_by(texts.c.kept.desc())
    )
    kept = tuple(KeptText(*head) for head in heads)
    newest = read_text(connection, key, kept[0].kept) if kept else None
    return ClientDossier(client, standing(client, history, now), history, days, kept, newest)


def read_month(
    connection: Connection, key: ClientKey, named: Sequence[NamedClient], first: date, until: date
) -> tuple[LedgerClient, ClientHistory, tuple[LedgerDay, ...], list[ProductEntry]]:
    """What the evidence of a month needs: client, history, days, and the product's words."""
    client, history = _client(connection, key, named)
    texts = tables.texts
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
    brought = select(texts).where(_is_of(texts, key), texts.c.kept >= begin)  # perhaps later than it was printed
    words = [] if history.product is None else [history.product]
    for entry in entries_of(connection, texts, brought):
        if isinstance(entry, TextEntry):
            word = entry_of_text(key, read(entry.text.encode()), entry.kept, entry.printed)
            words += [] if word is None else [word]
    return client, history, _days(connection, key, first, until), words


def read_text(connection: Connection, key: ClientKey, kept: datetime) -> TextEntry | None:
    """The text of this client that was brought at this time."""
    texts = tables.texts
    chosen = select(texts).where(_is_of(texts, key), texts.c.kept == kept).limit(1)
    return next((entry for entry in entries_of(connection, texts, chosen) if isinstance(entry, TextEntry)), None)


def read_text_heads(connection: Connection) -> list[tuple[ClientKey, KeptText]]:
    """The texts of all clients, without their content, by client and then the newest first."""
    texts = tables.texts
    columns = texts.c.client_kind, texts.c.client, texts.c.kept, texts.c.kept_by, texts.c.size
    rows = connection.execute(select(*columns).order_by(texts.c.client_kind, texts.c.client, texts.c.kept.desc()))
    return [(ClientKey(ClientKind(kind), client), KeptText(*head)) for kind, client, *head in rows]


def _client(connection: Connection, key: ClientKey, named: Sequence[NamedClient]) -> tuple[LedgerClient, ClientHistory]:
    history = histories(connection, [key])[key]
    return ledger_client(key, {client.name: client for client in named}, history.name), history


def _days(connection: Connection, key: ClientKey, since: date, until: date = date.max) -> tuple[LedgerDay, ...]:
    days = tables.days
    sums = [func.sum(days.c[name]) for name in tables.SUMS]
    mine = _is_of(days, key), days.c.day >= since, days.c.day < until
    rows = connection.execute(select(days.c.day, *sums).where(*mine).group_by(days.c.day).order_by(days.c.day))
    return tuple(LedgerDay(day, *map(int, counts)) for day, *counts in rows)


def _is_of(table: Table, key: ClientKey) -> ColumnElement[bool]:
    return (table.c.client_kind == key.kind.value) & (table.c.client == key.name)
