"""The metrics of named clients, and what the ledger's observer passes on."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from licensegate.app.observers.client_metrics import STANDINGS, ClientStandings
from licensegate.app.observers.counters import Counters
from licensegate.app.observers.ledger import Ledger
from licensegate.app.observers.metrics import Metrics
from licensegate.app.observers.target_health import TargetHealth
from licensegate.app.observers.target_names import TargetNames
from licensegate.app.observers.target_reports import TargetReports
from licensegate.ledger.clients import ClientNames, NamedClient
from licensegate.ledger.place import FILE_NAME, LedgerPlace, LedgerSettings
from licensegate.licensing.clocks import Level
from licensegate.records.contact import Contact
from licensegate.records.outcome import Outcome
from licensegate.records.record import LoginResult
from support.conversation_harness import make_snapshot
from support.records import failure, tunnel
from support.upstream import SECONDS

TOKYO = NamedClient("CUCM Tokyo", users=("pub",), product="CUCM")
SHIP = NamedClient("A ship", reserved=True)


class StillGate:
    """A gate without connections."""

    snapshot = make_snapshot()
    connections = ()
    waiting = 0
    draining = False
    look_ups: dict[Outcome | None, int] = {}  # noqa: RUF012  never written


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the ledger did not get there"
        time.sleep(0.01)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / FILE_NAME


def samples(ledger: Ledger) -> dict[str, list[dict[str, str]]]:
    """The labels of every series about the ledger and its clients, by name."""
    targets = TargetNames(lambda: StillGate.snapshot.policy)
    metrics = Metrics(
        "1", "a", StillGate(), Counters(targets), TargetHealth(targets), {}, TargetReports(), ClientStandings(ledger)
    )
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(b"".join(metrics.pieces()).decode()):
        for sample in family.samples:
            if sample.name.startswith(("licensegate_client_", "licensegate_ledger_")):
                found.setdefault(sample.name, []).append(sample.labels)
    return found


def test_without_a_ledger_there_are_no_such_metrics() -> None:
    assert samples(Ledger(LedgerSettings(), ClientNames([TOKYO]))) == {}


def test_a_client_that_was_never_seen_has_no_dates(file: Path) -> None:
    ledger = Ledger(LedgerSettings(LedgerPlace(file)), ClientNames([TOKYO, SHIP]))
    wait_for(lambda: ledger.writer is not None and ledger.writer.standings)

    found = samples(ledger)
    ledger.close()

    assert found == {
        "licensegate_ledger_working": [{}],
        "licensegate_ledger_records_dropped_total": [{}],
        "licensegate_client_info": [
            {"client": "CUCM Tokyo", "product": "CUCM", "model": "classic"},
            {"client": "A ship", "product": "other", "model": "reserved"},
        ],
        "licensegate_client_standing": [{"client": "CUCM Tokyo"}, {"client": "A ship"}],
    }


def test_a_contact_gives_a_client_its_dates(file: Path) -> None:
    named = NamedClient("CUCM", networks=(), users=("pub",), product="CUCM")
    ledger = Ledger(LedgerSettings(LedgerPlace(file)), ClientNames([named]))
    login: dict[str, Any] = {"user": "pub", "login": "basic", "login_result": LoginResult.ACCEPTED}
    ledger.observe([tunnel(contact=Contact.ANSWERED, answered_ms=1.0, **login), failure(Outcome.DNS_TIMEOUT, **login)])
    wait_for(lambda: "licensegate_client_last_failure_timestamp_seconds" in samples(ledger))

    found = samples(ledger)
    ledger.close()

    assert found["licensegate_client_last_contact_timestamp_seconds"] == [{"client": "CUCM"}]
    assert [labels["deadline"] for labels in found["licensegate_client_deadline_timestamp_seconds"]] == [
        "contact",
        "authorization",
    ]
    assert found["licensegate_client_enforcement_timestamp_seconds"] == [{"client": "CUCM"}]


def test_the_better_standing_is_the_greater_number() -> None:
    assert sorted(Level, key=lambda level: STANDINGS[level]) == [
        Level.UNKNOWN,
        Level.CRITICAL,
        Level.WARNING,
        Level.OK,
    ]


def test_a_reload_may_begin_and_end_the_ledger(file: Path) -> None:
    ledger = Ledger(LedgerSettings(), ClientNames())
    ledger.observe([tunnel()])
    assert ledger.writer is None

    ledger.adopt(LedgerSettings(LedgerPlace(file)), ClientNames([TOKYO]))
    wait_for(lambda: ledger.writer is not None and ledger.writer.standings)
    assert "licensegate_client_info" in samples(ledger)

    ledger.adopt(LedgerSettings(), ClientNames([TOKYO]))
    assert samples(ledger) == {}
    ledger.close()
