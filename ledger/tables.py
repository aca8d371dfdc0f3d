"""The ledger's tables, and how an entry is merged into them. `migrations` creates the tables.

Times are microseconds since 1970 in UTC. A merge never moves a last contact back nor a first one forward.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    Dialect,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    case,
    func,
    or_,
    true,
    type_coerce,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1) // _MICROSECOND


def time_of(microseconds: int) -> datetime:
    """The time so many microseconds after 1970. Raises ValueError, TypeError or OverflowError for what is no time."""
    return _EPOCH + timedelta(microseconds=microseconds)


class Microseconds(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """To the database."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """From the database. Raises ValueError, TypeError or OverflowError for what is no time."""
        return None if value is None else time_of(value)


_metadata: Final = MetaData()

schema_table: Final = Table("ledger_schema", _metadata, Column("number", Integer, nullable=False))

contacts: Final = Table(
    "ledger_contacts",
    _metadata,
    Column("client_kind", Text, primary_key=True),
    Column("client", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("first_success", Microseconds),
    Column("last_success", Microseconds),
    Column("last_failure", Microseconds),
    Column("outcome", Text),
    Column("finding", Text),
)

days: Final = Table(
    "ledger_days",
    _metadata,
    Column("client_kind", Text, primary_key=True),
    Column("client", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("connections", BigInteger),
    Column("answered", BigInteger),
    Column("failed", BigInteger),
    Column("from_client", BigInteger),
    Column("to_client", BigInteger),
)
SUMS: Final = ("connections", "answered", "failed", "from_client", "to_client")

hours: Final = Table(
    "ledger_hours",
    _metadata,
    Column("client_kind", Text, primary_key=True),
    Column("client", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True),  # hours since 1970
    Column("time", Microseconds),
)

manual: Final = Table(
    "ledger_manual",
    _metadata,
    Column("client_kind", Text, primary_key=True),
    Column("client", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    Column("time", Microseconds, primary_key=True),
    Column("recorded", Microseconds, primary_key=True),
    Column("recorded_by", Text, primary_key=True),
    Column("note", Text),
)

products: Final = Table(
    "ledger_products",
    _metadata,
    Column("client_kind", Text, primary_key=True),
    Column("client", Text, primary_key=True),
    Column("said", Microseconds),
    Column("registration_status", Text),
    Column("authorization_status", Text),
    Column("last_contact", Microseconds),
    Column("contact_failed", Boolean),
    Column("registered", Microseconds),
    Column("out_of_compliance_since", Microseconds),
    Column("authorization_expired", Microseconds),
    Column("contact_due", Microseconds),
    Column("authorization_ends", Microseconds),
    Column("renewal_due", Microseconds),
    Column("registration_ends", Microseconds),
    Column("evaluation_ends", Microseconds),
)

asks: Final = Table(
    "ledger_asks",
    _metadata,
    Column("client_kind", Text, primary_key=True),
    Column("client", Text, primary_key=True),
    Column("settings", Text),
    Column("again", Microseconds),
    Column("refused", Text),
)

names: Final = Table(
    "ledger_names",
    _metadata,
    Column("client_kind", Text, primary_key=True),
    Column("client", Text, primary_key=True),
    Column("name", Text),
    Column("product", Text),
    Column("on_prem", Boolean),
    Column("reserved", Boolean),
    Column("named", Microseconds),
    Column("named_by", Text),
)

texts: Final = Table(
    "ledger_texts",
    _metadata,
    Column("client_kind", Text, primary_key=True),
    Column("client", Text, primary_key=True),
    Column("kept", Microseconds, primary_key=True),
    Column("kept_by", Text, primary_key=True),
    Column("printed", Microseconds),
    Column("size", BigInteger),  # bytes
    Column("text", Text),
)

ALL: Final = (contacts, days, hours, manual, products, asks, names, texts)


def hour_of(time: datetime) -> int:
    """The number of the hour of a time."""
    return (time - _EPOCH) // HOUR


@cache  # building one takes longer than running it
def merge(table: Table, dialect: str, *, adding: bool) -> Any:
    """The statement that inserts a row of this table, or merges it into the one with its key.

    With `adding`, counts are added; otherwise the greater one stays, so that merging twice changes nothing.
    """
    insert = import_module(f"sqlalchemy.dialects.{dialect}").insert(table)  # both take 2 MB more than one
    keys = [column for column in table.columns if column.primary_key]
    new = insert.excluded
    changes: dict[str, Any] = {}
    if table is contacts:
        newer = or_(
            table.c.last_failure.is_(None) & new.last_failure.is_not(None), new.last_failure >= table.c.last_failure
        )
        changes = {
            "first_success": _pick(new.first_success < table.c.first_success, new, table, "first_success"),
            "last_success": _pick(new.last_success > table.c.last_success, new, table, "last_success"),
            "last_failure": _pick(new.last_failure > table.c.last_failure, new, table, "last_failure"),
            **{name: case((newer, new[name]), else_=table.c[name]) for name in ("outcome", "finding")},
        }
    elif table is days:
        changes = {
            name: table.c[name] + new[name]
            if adding
            else case((new[name] > table.c[name], new[name]), else_=table.c[name])
            for name in SUMS
        }
    elif table is hours:
        changes = {"time": _pick(new.time > table.c.time, new, table, "time")}
    elif table is products:
        newer = new.said > table.c.said
        if adding:  # the product was heard just now: one from the future was written while a clock was wrong
            newer = or_(newer, type_coerce(table.c.said, BigInteger) - type_coerce(new.said, BigInteger) > _DAY)
        changes = _whole(table, new, newer)
    elif table is asks:
        changes = _whole(table, new, true() if adding else new.again > table.c.again)
    elif table is names:
        changes = _whole(table, new, true() if adding else new.named > table.c.named)
    if not changes:
        return insert.on_conflict_do_nothing(index_elements=keys)
    return insert.on_conflict_do_update(index_elements=keys, set_=changes)


def later(one: ColumnElement[Any], other: ColumnElement[Any]) -> ColumnElement[Any]:
    """The later of two times, each of which may be unknown."""
    return case((one > other, one), else_=func.coalesce(other, one))


def _whole(table: Table, new: Any, better: ColumnElement[bool]) -> dict[str, Any]:
    """The new row if it is better."""
    return {
        column.name: case((better, new[column.name]), else_=column)
        for column in table.columns
        if not column.primary_key
    }


def _pick(better: ColumnElement[bool], new: Any, table: Table, name: str) -> ColumnElement[Any]:
    """The new value if it is better, or the only one."""
    old = table.c[name]
    return case((better, new[name]), else_=func.coalesce(old, new[name]))
