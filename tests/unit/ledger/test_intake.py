"""Summing records up: what is a success, what a failure, and what says nothing."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.ledger.clients import ClientKey, ClientKind, ClientNames
from licensegate.ledger.entries import ContactEntry, DayEntry, HourEntry
from licensegate.ledger.intake import NO_TARGET, Intake, is_counted
from licensegate.records.contact import Contact
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord
from support.records import NOON, TARGETS, any_record, failure, tunnel

CLIENT = ClientKey(ClientKind.ADDRESS, "10.1.2.3")


def answered(after: float = 0, **fields: Any) -> TunnelRecord:
    usual: dict[str, Any] = {"contact": Contact.ANSWERED, "answered_ms": 500.0}
    return tunnel(after=after, **usual | fields)


def taken(*records: TunnelRecord, most: int = 100) -> Intake:
    intake = Intake(ClientNames(), most)
    intake.take(record for record in records if is_counted(record))
    return intake


def days(intake: Intake) -> list[DayEntry]:
    return [entry for entry in intake.entries() if isinstance(entry, DayEntry)]


def contacts(intake: Intake) -> list[ContactEntry]:
    return [entry for entry in intake.entries() if isinstance(entry, ContactEntry)]


def test_an_answer_is_a_success_at_its_moment() -> None:
    intake = taken(answered())

    at = NOON + timedelta(seconds=0.5)
    assert contacts(intake) == [ContactEntry(client=CLIENT, target=TARGETS[0], first_success=at, last_success=at)]
    assert [entry for entry in intake.entries() if isinstance(entry, HourEntry)] == [HourEntry(client=CLIENT, time=at)]
    (day,) = days(intake)
    assert (day.day, day.connections, day.answered, day.failed) == (date(2026, 3, 2), 1, 1, 0)
    assert (day.from_client, day.to_client) == (6122, 5539)


@pytest.mark.parametrize(
    "contact", [contact for contact in Contact if contact not in (Contact.ANSWERED, Contact.NOT_TLS)]
)
def test_a_tunnel_without_an_answer_is_a_failure(contact: Contact) -> None:
    (entry,) = contacts(taken(tunnel(Outcome.RESET_BY_UPSTREAM, contact=contact, finding="upstream_reset")))

    assert entry.last_success is None
    assert entry.last_failure == NOON + timedelta(milliseconds=2140)
    assert (entry.outcome, entry.finding) == ("reset_by_upstream", "upstream_reset")


@pytest.mark.parametrize("contact", [None, Contact.NOT_TLS])
def test_a_tunnel_without_tls_does_not_tell(contact: Contact | None) -> None:
    intake = taken(tunnel(contact=contact))

    assert contacts(intake) == []
    assert [(day.connections, day.answered, day.failed) for day in days(intake)] == [(1, 0, 0)]


def test_a_refusal_is_a_failure() -> None:
    (entry,) = contacts(taken(failure(Outcome.DNS_TIMEOUT)))

    assert (entry.target, entry.outcome) == (TARGETS[0], "dns_timeout")


def test_a_target_that_no_rule_allows_is_not_kept_by_name() -> None:
    refused = [
        tunnel(Outcome.TARGET_NOT_ALLOWED, rule="", target=f"host{number}.test:443", relay_ms=None)
        for number in range(9)
    ]

    (entry,) = contacts(taken(*refused))

    assert (entry.target, entry.outcome) == (NO_TARGET, "target_not_allowed")


def test_a_kept_connection_counts_at_its_answer_and_once() -> None:
    start = answered(event="start", outcome=None, id="long", after=0)
    end = answered(id="long", after=0)

    first = taken(start)
    both = taken(start, end)

    assert [(day.connections, day.answered) for day in days(first)] == [(0, 1)]
    assert [(day.connections, day.answered) for day in days(both)] == [(1, 1)]
    assert contacts(first) == contacts(both)


def test_an_answer_after_the_start_was_recorded_counts_at_the_end() -> None:
    start = tunnel(None, event="start", id="long")
    intake = taken(start, answered(id="long", answered_ms=90_000.0))

    assert [(day.connections, day.answered) for day in days(intake)] == [(1, 1)]


def test_a_cleared_intake_still_knows_which_tunnels_it_has_counted() -> None:
    intake = taken(answered(event="start", outcome=None, id="long"))
    intake.clear()

    intake.take([answered(id="long")])

    assert [(day.connections, day.answered) for day in days(intake)] == [(1, 0)]


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome.CLOSED_UNUSED,
        Outcome.HEALTH_ASKED,
        Outcome.CLOSED_AFTER_HANDSHAKE,
        Outcome.CLIENT_NOT_ALLOWED,
        Outcome.LOGIN_REQUIRED,
        Outcome.LOGIN_STALE,
    ],
)
def test_probes_strangers_and_first_halves_of_logins_are_left_out(outcome: Outcome) -> None:
    assert days(taken(tunnel(outcome, relay_ms=None))) == []


def test_the_gates_own_probe_is_left_out() -> None:
    assert days(taken(failure(Outcome.DNS_TIMEOUT, event="probe"))) == []


def test_the_last_failure_wins_whatever_the_order() -> None:
    late, early = failure(Outcome.DNS_TIMEOUT, after=60), failure(Outcome.CONNECTION_REFUSED)

    for records in ((early, late), (late, early)):
        (entry,) = contacts(taken(*records))
        assert entry.outcome == "dns_timeout"


def test_a_clock_that_jumps_back_moves_no_success() -> None:
    (entry,) = contacts(taken(answered(after=3600), answered(after=-3600)))

    assert entry.last_success == NOON + timedelta(seconds=3600.5)
    assert entry.first_success == NOON + timedelta(seconds=-3599.5)


def test_contacts_of_one_hour_are_one_of_the_rhythm() -> None:
    intake = taken(*(answered(after=minutes * 60) for minutes in (1, 5, 59, 61, 119)))

    times = [entry.time for entry in intake.entries() if isinstance(entry, HourEntry)]
    assert times == [NOON + timedelta(minutes=minutes, seconds=0.5) for minutes in (59, 119)]


def test_what_has_no_room_is_counted() -> None:
    intake = taken(*(answered(client=f"10.0.0.{number}") for number in range(5)), most=3)

    assert len(intake) == 3
    assert intake.dropped == 2


@given(st.lists(any_record, max_size=20))
def test_no_record_raises(records: list[TunnelRecord]) -> None:
    intake = taken(*records)

    assert sum(day.connections for day in days(intake)) == sum(
        is_counted(record) and record.event == "end" for record in records
    )
    assert all(isinstance(time, datetime) for entry in contacts(intake) for time in [entry.last_failure] if time)
