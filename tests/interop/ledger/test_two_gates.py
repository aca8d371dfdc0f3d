"""Two gates behind one name: `max by (client)` over their metrics is right, with one ledger and with two."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from licensegate.ledger.clients import ClientKey, ClientKind
from licensegate.ledger.entries import ContactEntry, HourEntry, LedgerEntry
from licensegate.ledger.place import FILE_NAME, LedgerPlace
from licensegate.ledger.store import Store
from licensegate.records.secret import Secret
from support.admin_client import ANY_PORT, get_page_until, scrape, scrape_until
from support.gate import Gate, gate_settings
from support.postgresql import PostgreSql
from support.raw_client import ask

NAMED = """
[[client]]
name = "CUCM"
networks = ["10.0.0.0/8"]
product = "CUCM"
"""
CUCM = ClientKey(ClientKind.NAMED, "CUCM")
CONTACT = "licensegate_client_last_contact_timestamp_seconds"
DEADLINE = "licensegate_client_deadline_timestamp_seconds"
STANDING = "licensegate_client_standing"
LATE, EARLY = (datetime.now(UTC).replace(microsecond=0) - timedelta(days=days) for days in (1, 85))
AUTHORIZATION = {"client": "CUCM", "deadline": "authorization"}


def contact(time: datetime) -> list[LedgerEntry]:
    return [
        ContactEntry(client=CUCM, target="tools.cisco.com:443", first_success=time, last_success=time),
        HourEntry(client=CUCM, time=time),
    ]


def keep(place: LedgerPlace, *times: datetime) -> None:
    store = Store(place)
    store.open()
    for time in times:
        store.merge(contact(time))
    store.close()


def two_gates(folder: Path, *more: str) -> Iterator[tuple[Gate, Gate]]:
    with ExitStack() as stack:
        gates = []
        for number, settings in enumerate(more):
            place = folder / str(number)
            place.mkdir(exist_ok=True)
            gates.append(stack.enter_context(Gate(place, gate_settings(admin=ANY_PORT, more=NAMED + settings))))
        yield gates[0], gates[1]


@pytest.fixture
def sharing(tmp_path: Path, postgresql: PostgreSql) -> Iterator[tuple[Gate, Gate, str]]:
    """Two gates with one PostgreSQL that knows the client."""
    url = postgresql.new_database()
    keep(LedgerPlace(url=Secret(url.encode())), LATE)
    settings = f'[ledger]\nurl = "{url}"\n'
    for gates in two_gates(tmp_path, settings, settings):
        yield *gates, url


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[tuple[Gate, Gate]]:
    """Two gates with a ledger each: the client has moved from the first to the second."""
    for number, time in enumerate((EARLY, LATE)):
        (tmp_path / str(number) / "state").mkdir(parents=True)
        keep(LedgerPlace(tmp_path / str(number) / "state" / FILE_NAME), time)
    state = '[state]\ndirectory = "state"\n'
    yield from two_gates(tmp_path, state, state)


def value(gate: Gate, name: str, **labels: str) -> float:
    """A value of this gate, once its ledger has been read."""
    return scrape_until(gate, lambda series: series.value(name, **labels)).value(name, **labels)


def test_gates_that_share_a_ledger_say_the_same(sharing: tuple[Gate, Gate, str]) -> None:
    one, other, _ = sharing

    for gate in (one, other):
        assert value(gate, CONTACT, client="CUCM") == LATE.timestamp()
        assert value(gate, DEADLINE, **AUTHORIZATION) == (LATE + timedelta(days=90)).timestamp()
        assert value(gate, STANDING, client="CUCM") == 3


def test_both_gates_count_into_the_shared_ledger(sharing: tuple[Gate, Gate, str], postgresql: PostgreSql) -> None:
    one, other, url = sharing
    for gate in (one, other, other):
        assert ask(gate, b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n").status == 403
    one.stop()
    other.stop()

    assert postgresql.psql("SELECT sum(connections), sum(failed) FROM ledger_days", url.rpartition("/")[2]) == "3|3"
    assert not [line for gate in (one, other) for line in gate.stderr if "ledger-p" in line]


def test_a_reload_names_a_client_in_the_shared_ledger(sharing: tuple[Gate, Gate, str], postgresql: PostgreSql) -> None:
    one, _, url = sharing
    assert ask(one, b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n").status == 403
    one.settings.write_text(one.settings.read_text() + '[[client]]\nname = "Loopback"\nnetworks = ["127.0.0.0/8"]\n')

    one.send(signal.SIGHUP)
    assert "Loopback" in one.await_line("reload requested by SIGHUP")
    assert ask(one, b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n").status == 403

    assert value(one, "licensegate_client_last_failure_timestamp_seconds", client="Loopback") > LATE.timestamp()
    assert value(one, CONTACT, client="CUCM") == LATE.timestamp()
    clients = postgresql.psql("SELECT client FROM ledger_days ORDER BY client", url.rpartition("/")[2])
    assert clients.split() == ["127.0.0.1", "Loopback"]


def test_of_two_ledgers_the_later_contact_and_the_better_standing_count(apart: tuple[Gate, Gate]) -> None:
    assert [value(gate, STANDING, client="CUCM") for gate in apart] == [1, 3]
    assert max(value(gate, CONTACT, client="CUCM") for gate in apart) == LATE.timestamp()
    assert max(value(gate, DEADLINE, **AUTHORIZATION) for gate in apart) == (LATE + timedelta(days=90)).timestamp()


def test_the_metrics_of_clients_survive_a_restart(apart: tuple[Gate, Gate]) -> None:
    first, _ = apart
    before = value(first, CONTACT, client="CUCM")
    first.stop()

    with Gate(first.folder, first.settings.read_text()) as again:
        assert value(again, CONTACT, client="CUCM") == before
        assert scrape(again).value("licensegate_ledger_working") == 1


def test_no_client_without_a_name_is_in_the_metrics(apart: tuple[Gate, Gate]) -> None:
    first, _ = apart
    assert ask(first, b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n").status == 403

    page = get_page_until(first, "/metrics", lambda page: "licensegate_client_standing{" in page.body).body

    names = {line.partition('client="')[2].partition('"')[0] for line in page.splitlines() if 'client="' in line}
    assert names == {"CUCM"}
