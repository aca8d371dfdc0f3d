"""A PostgreSQL that stops and comes back."""

import logging
import time
from collections.abc import Callable

import pytest

from licensegate.ledger import writer as writer_module
from licensegate.ledger.clients import ClientNames
from licensegate.ledger.place import LedgerPlace, LedgerSettings
from licensegate.ledger.writer import LedgerWriter
from licensegate.records.contact import Contact
from licensegate.records.record import TunnelRecord
from licensegate.records.secret import Secret
from support.postgresql import PostgreSql
from support.records import tunnel
from support.upstream import SECONDS


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the ledger did not get there"
        time.sleep(0.05)


def answered() -> TunnelRecord:
    return tunnel(contact=Contact.ANSWERED, answered_ms=1.0)


def test_contacts_wait_while_postgresql_is_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer_module, "_LAST_RETRY_SECONDS", 1.0)
    caplog.set_level(logging.INFO)
    with PostgreSql() as server:
        url = server.new_database()
        running = LedgerWriter(LedgerSettings(LedgerPlace(url=Secret(url.encode()))), ClientNames())
        running.put([answered()])
        wait_for(lambda: running.is_working)
        server.stop()
        running.put([answered()])
        wait_for(lambda: running.is_working is False)

        running.put([answered()])
        server.start()

        wait_for(lambda: running.is_working)
        running.close()
        assert server.psql("SELECT sum(answered) FROM ledger_days", url.rpartition("/")[2]) == "3"
    assert running.dropped == 0
    assert len(caplog.messages) == 2
    assert all("postgresql://gate:***@127.0.0.1" in message for message in caplog.messages)


def test_a_wrong_password_is_said_and_not_shown(postgresql: PostgreSql, caplog: pytest.LogCaptureFixture) -> None:
    url = postgresql.new_database().replace("ledger-p", "another-p")
    running = LedgerWriter(LedgerSettings(LedgerPlace(url=Secret(url.encode()))), ClientNames())
    wait_for(lambda: running.is_working is False)
    running.close()

    (message,) = caplog.messages
    assert 'password authentication failed for user "gate"' in message
    assert "another-p" not in message
