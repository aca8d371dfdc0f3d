"""Opens the database of a ledger, and says in one line why it cannot be used."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from .place import LedgerPlace

_BUSY_SECONDS: Final = 1.0
"""How long to wait for another program's transaction. Then the gate tries again later; a command gives up."""

_CONNECT_SECONDS: Final = 5
_STATEMENT_MS: Final = 10_000
_CORRUPT: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",  # readers and the writer do not wait for each other
    "PRAGMA synchronous = FULL",  # a commit survives a power failure; one fsync a second at most
    "PRAGMA cache_size = -512",  # KB
    "PRAGMA journal_size_limit = 1048576",
)


class LedgerUnavailableError(Exception):
    """The ledger cannot be used now: locked, full, read-only, not reachable. `str()` says why."""


class LedgerCorruptError(LedgerUnavailableError):
    """The ledger's file is no database, or a damaged one."""


def open_engine(place: LedgerPlace, *, wait_seconds: float = _BUSY_SECONDS, reads_only: bool = False) -> Engine:
    """The engine of a place, without connecting to it. With `reads_only`, its transactions hold up no writer."""
    if place.url is not None:
        return _postgresql(place.url.raw.decode(), reads_only=reads_only)
    engine = create_engine(
        f"sqlite+pysqlite:///{place.file}",
        connect_args={"timeout": wait_seconds, "isolation_level": None, "check_same_thread": False},
        poolclass=StaticPool,
    )
    event.listen(engine, "connect", _prepare)
    # The driver would begin a transaction at the first write only, and SQLite then refuses to wait for another one.
    begin = "BEGIN" if reads_only else "BEGIN IMMEDIATE"
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _postgresql(url: str, *, reads_only: bool) -> Engine:
    def connect() -> Any:
        import psycopg

        limits: dict[str, Any] = {} if "connect_timeout=" in url else {"connect_timeout": _CONNECT_SECONDS}
        connection = psycopg.connect(url, fallback_application_name="licensegate", **limits)
        connection.execute(f"SET statement_timeout = {_STATEMENT_MS}")
        connection.commit()
        return connection

    isolation = "REPEATABLE READ" if reads_only else "READ COMMITTED"
    return create_engine("postgresql+psycopg://", creator=connect, poolclass=StaticPool, isolation_level=isolation)


def _prepare(connection: sqlite3.Connection, record: object) -> None:
    for pragma in _PRAGMAS:
        connection.execute(pragma)


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that is committed at the end of the block.

    Raises LedgerCorruptError if the file is damaged, LedgerUnavailableError if the database cannot be used now.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise _explained(error) from error
    except (ValueError, TypeError, OverflowError) as error:  # a row holds what was never written
        raise LedgerCorruptError(f"a row cannot be read ({error})") from error


def _explained(error: Exception) -> LedgerUnavailableError:
    """The error with the database's own words: SQLAlchemy's would add the statement and its values."""
    cause = getattr(error, "orig", None) or error
    words = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    code = getattr(cause, "sqlite_errorcode", None)
    if (code is not None and code & 0xFF in _CORRUPT) or "Could not decode to UTF-8" in words:
        return LedgerCorruptError(words)
    return LedgerUnavailableError(words)


def make_file(file: Path) -> None:
    """Make the ledger's file, if it is missing, for the owner of its folder alone. Raises LedgerUnavailableError.

    A command that root types must not make a file that the gate's own user cannot write to.
    """
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise LedgerUnavailableError(f"it cannot be made: {error.strerror}") from None
    try:
        if os.geteuid() == 0:
            folder = os.stat(file.parent)
            os.fchown(descriptor, folder.st_uid, folder.st_gid)
    finally:
        os.close(descriptor)
