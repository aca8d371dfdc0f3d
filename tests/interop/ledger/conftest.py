"""A PostgreSQL for the tests of this folder, and a ledger's place of each kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from licensegate.ledger.place import FILE_NAME, LedgerPlace
from licensegate.records.secret import Secret
from support.postgresql import PostgreSql


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSql]:
    """A server for all tests of the run."""
    with PostgreSql() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> LedgerPlace:
    """An empty place for a ledger."""
    if request.param == "sqlite":
        return LedgerPlace(tmp_path / FILE_NAME)
    server: PostgreSql = request.getfixturevalue("postgresql")
    return LedgerPlace(url=Secret(server.new_database().encode()))
