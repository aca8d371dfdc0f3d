"""What the ledger forgets, so that its size is bounded: old days and contacts, and texts beyond the newest."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, func, select

from . import tables
from .clients import ClientKey

MOST_HOURS: Final = 64
"""The contacts of a client from which its rhythm is learned."""

MOST_TEXTS: Final = 5
"""The texts of one client."""

MOST_TEXT_BYTES: Final = 256_000_000
"""The texts of all clients together."""


def forget(connection: Connection, now: datetime, days: int) -> None:
    """Forget the oldest day, if it is older than `days`, and what clients no longer need for their rhythm.

    One day at a call: a clock that is wrong for an hour must not cost the whole ledger.
    """
    before = now - timedelta(days=days)
    oldest = connection.execute(select(func.min(tables.days.c.day))).scalar()
    if oldest is not None and oldest < before.date():
        connection.execute(tables.days.delete().where(tables.days.c.day == oldest))
    names = tables.names
    is_known = [_has(table) for table in (tables.contacts, tables.manual, tables.products, tables.texts)]
    for table, time, is_free in (
        (tables.contacts, tables.later(tables.contacts.c.last_success, tables.contacts.c.last_failure), []),
        (tables.hours, tables.hours.c.time, []),
        (tables.manual, tables.manual.c.time, []),
        (tables.products, tables.products.c.said, []),
        (tables.asks, tables.asks.c.again, []),
        (tables.texts, tables.texts.c.kept, []),
        (names, names.c.named, [~each for each in is_known]),  # a name stays as long as its client is known
    ):
        first = connection.execute(select(func.min(time)).where(*is_free)).scalar()
        if first is not None and first < before:
            until = min(before, first + timedelta(days=1))
            connection.execute(table.delete().where(time < until, *is_free))
    _forget_hours(connection)


def forget_texts(connection: Connection, clients: Iterable[ClientKey]) -> None:
    """Forget all but the newest texts of these clients, and the oldest of all if they are too large together."""
    texts = tables.texts
    for client in clients:
        mine = (texts.c.client_kind == client.kind.value) & (texts.c.client == client.name)
        kept = select(texts.c.kept).where(mine).order_by(texts.c.kept.desc())
        oldest_kept = connection.execute(kept.offset(MOST_TEXTS - 1).limit(1)).scalar()
        if oldest_kept is not None:
            connection.execute(texts.delete().where(mine, texts.c.kept < oldest_kept))
    sizes = select(texts.c.kept, func.sum(texts.c.size).over(order_by=texts.c.kept.desc()).label("sum")).subquery()
    newest_lost = connection.execute(select(func.max(sizes.c.kept)).where(sizes.c.sum > MOST_TEXT_BYTES)).scalar()
    if newest_lost is not None:
        connection.execute(texts.delete().where(texts.c.kept <= newest_lost))


def _has(table: Table) -> ColumnElement[bool]:
    """Whether the client of a name stands in this table."""
    names = tables.names
    return (
        select(table.c.client)
        .where(table.c.client_kind == names.c.client_kind, table.c.client == names.c.client)
        .correlate(names)
        .exists()
    )


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
