"""The ledger's schema, as the steps from each number to the next. A ledger of any earlier number is brought up to date.

A step never changes once it is released; a new schema is a new step at the end. Written in SQL that SQLite and
PostgreSQL share.
"""

from typing import Final

from sqlalchemy import Connection, inspect, select

from .tables import schema_table

_CLIENT: Final = "client_kind TEXT NOT NULL, client TEXT NOT NULL"

STEPS: Final = (
    (
        f"""CREATE TABLE ledger_contacts ({_CLIENT}, target TEXT NOT NULL, first_success BIGINT, last_success BIGINT,
            last_failure BIGINT, outcome TEXT NOT NULL, finding TEXT NOT NULL,
            PRIMARY KEY (client_kind, client, target))""",
        f"""CREATE TABLE ledger_days ({_CLIENT}, target TEXT NOT NULL, day DATE NOT NULL, connections BIGINT NOT NULL,
            answered BIGINT NOT NULL, failed BIGINT NOT NULL, from_client BIGINT NOT NULL, to_client BIGINT NOT NULL,
            PRIMARY KEY (client_kind, client, target, day))""",
        "CREATE INDEX ledger_days_by_day ON ledger_days (day)",
    ),
    (
        f"""CREATE TABLE ledger_hours ({_CLIENT}, hour BIGINT NOT NULL, time BIGINT NOT NULL,
            PRIMARY KEY (client_kind, client, hour))""",
        """INSERT INTO ledger_hours SELECT client_kind, client, last_success / 3600000000, max(last_success)
            FROM ledger_contacts WHERE last_success IS NOT NULL
            GROUP BY client_kind, client, last_success / 3600000000""",
    ),
    (
        f"""CREATE TABLE ledger_manual ({_CLIENT}, what TEXT NOT NULL, time BIGINT NOT NULL, recorded BIGINT NOT NULL,
            recorded_by TEXT NOT NULL, note TEXT NOT NULL,
            PRIMARY KEY (client_kind, client, what, time, recorded, recorded_by))""",
    ),
    (
        f"""CREATE TABLE ledger_products ({_CLIENT}, said BIGINT NOT NULL, registration_status TEXT NOT NULL,
            authorization_status TEXT NOT NULL, last_contact BIGINT, contact_failed BOOLEAN NOT NULL,
            registered BIGINT, out_of_compliance_since BIGINT, authorization_expired BIGINT, contact_due BIGINT,
            authorization_ends BIGINT, renewal_due BIGINT, registration_ends BIGINT, evaluation_ends BIGINT,
            PRIMARY KEY (client_kind, client))""",
        f"""CREATE TABLE ledger_asks ({_CLIENT}, settings TEXT NOT NULL, again BIGINT NOT NULL, refused TEXT NOT NULL,
            PRIMARY KEY (client_kind, client))""",
    ),
    (
        f"""CREATE TABLE ledger_names ({_CLIENT}, name TEXT NOT NULL, product TEXT NOT NULL, on_prem BOOLEAN NOT NULL,
            reserved BOOLEAN NOT NULL, named BIGINT NOT NULL, named_by TEXT NOT NULL,
            PRIMARY KEY (client_kind, client))""",
        f"""CREATE TABLE ledger_texts ({_CLIENT}, kept BIGINT NOT NULL, kept_by TEXT NOT NULL, printed BIGINT,
            size BIGINT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (client_kind, client, kept, kept_by))""",
    ),
)
"""STEPS[0] makes schema 1 out of an empty database, STEPS[1] makes schema 2 of that, and so on."""

SCHEMA: Final = len(STEPS)

_LOCK: Final = 0x4C47_4C45  # gates that start at the same time migrate one after the other


class NewerSchemaError(Exception):
    """A newer release wrote this ledger. It is left as it is."""


class OlderSchemaError(Exception):
    """An earlier release wrote this ledger, and nobody has brought it up to date yet."""


def check(connection: Connection) -> None:
    """See that the database has the schema of this release. Raises NewerSchemaError or OlderSchemaError."""
    number = 0
    if inspect(connection).has_table(schema_table.name):
        number = connection.execute(select(schema_table.c.number)).scalar() or 0
    _refuse_newer(number)
    if number < SCHEMA:
        raise OlderSchemaError(f"it has schema {number}; a gate of this release brings it up to date when it starts")


def migrate(connection: Connection, until: int = SCHEMA) -> None:
    """Bring the database up to a schema, within the connection's transaction. Raises NewerSchemaError."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    number = _schema_of(connection)
    _refuse_newer(number)
    for step in STEPS[number:until]:
        for statement in step:
            connection.exec_driver_sql(_for(statement, connection.dialect.name))
    if number < until:
        connection.execute(schema_table.delete())
        connection.execute(schema_table.insert(), {"number": until})


def _refuse_newer(number: int) -> None:
    if number > SCHEMA:
        raise NewerSchemaError(
            f"it has schema {number}, and this release knows none above {SCHEMA}: use the newer release"
        )


def _schema_of(connection: Connection) -> int:
    if not inspect(connection).has_table(schema_table.name):
        schema_table.create(connection)
    return connection.execute(select(schema_table.c.number)).scalar() or 0


def _for(statement: str, dialect: str) -> str:
    """The statement as this database takes it. SQLite keeps rows in the order of their key, without a second tree."""
    return f"{statement} WITHOUT ROWID" if dialect == "sqlite" and statement.startswith("CREATE TABLE") else statement
