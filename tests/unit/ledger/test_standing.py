"""What a named client's contacts mean for its licences."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from licensegate.ledger.clients import NamedClient
from licensegate.ledger.entries import ClientHistory, ContactEntry, ManualKind
from licensegate.ledger.standing import ClientStanding, model_of, standing
from licensegate.licensing.clocks import Level
from support.ledger_entries import NOON, TARGET, answer_of_product, at, by_hand

CUCM = NamedClient("CUCM-PUB Tokyo", product="CUCM")
SATELLITE = NamedClient("SSM", product="SSM")
DAY = 24


def seen(*hours: float, failure: float | None = None) -> ClientHistory:
    times = tuple(at(each) for each in hours)
    last_failure = None if failure is None else at(failure)
    contact = ContactEntry(
        client=CUCM.key, target=TARGET, last_success=max(times, default=None), last_failure=last_failure
    )
    return ClientHistory((contact,), times)


def after(days: float, history: ClientHistory, client: NamedClient = CUCM) -> ClientStanding:
    return standing(client, history, NOON + timedelta(days=days))


def deadlines(found: ClientStanding) -> dict[str, float]:
    return {name: (due.at - NOON) / timedelta(days=1) for name, due in found.deadlines.items()}


@pytest.mark.parametrize(
    ("days", "level"),
    [(1, Level.OK), (29.9, Level.OK), (30.1, Level.WARNING), (79, Level.WARNING), (81, Level.CRITICAL)],
)
def test_the_level_follows_the_last_contact(days: float, level: Level) -> None:
    assert after(days, seen(0)).level is level


def test_a_contact_starts_both_clocks() -> None:
    found = after(1, seen(0, failure=2))

    assert deadlines(found) == {"contact": 30, "authorization": 90}
    assert (found.last_contact, found.last_failure, found.by_hand) == (NOON, at(2), False)
    assert found.enforced == NOON + timedelta(days=90)


def test_a_contact_by_hand_counts_and_is_said() -> None:
    history = ClientHistory(manual=(by_hand(hours=-DAY),))

    found = after(1, history)

    assert (found.last_contact, found.by_hand) == (at(-DAY), True)
    assert deadlines(found) == {"contact": 29, "authorization": 89}


def test_a_later_contact_replaces_one_by_hand() -> None:
    found = after(1, ClientHistory(seen(0).contacts, seen(0).times, (by_hand(hours=-DAY),)))

    assert (found.last_contact, found.by_hand) == (NOON, False)


def test_a_satellite_has_its_synchronisation_and_its_token() -> None:
    history = ClientHistory(manual=(by_hand(hours=0), by_hand(ManualKind.LOGIN, hours=-100 * DAY)))

    found = after(10, history, SATELLITE)

    assert deadlines(found) == {"synchronisation": 30, "removal": 90, "access_token": 80}
    assert found.level is Level.OK


def test_a_satellite_whose_token_ends_soon_warns() -> None:
    history = ClientHistory(manual=(by_hand(hours=0), by_hand(ManualKind.LOGIN, hours=-155 * DAY)))

    assert after(10, history, SATELLITE).level is Level.WARNING


def test_a_login_is_no_contact() -> None:
    found = after(1, ClientHistory(manual=(by_hand(ManualKind.LOGIN),)), SATELLITE)

    assert found.last_contact is None
    assert deadlines(found) == {"access_token": 180}


def test_a_reserved_client_never_alarms() -> None:
    reserved = NamedClient("SLR", product="CUCM", reserved=True)

    found = after(400, seen(*range(0, 24 * 9, 24)), reserved)

    assert (found.level, found.deadlines, found.longest_silence) == (Level.OK, {}, None)


def test_an_unknown_client_has_no_dates() -> None:
    found = after(0, ClientHistory())

    assert (found.level, found.deadlines, found.last_contact) == (Level.UNKNOWN, {}, None)


@pytest.mark.parametrize(
    ("client", "model"),
    [
        (CUCM, "classic"),
        (NamedClient("A", product="ASA"), "classic"),
        (NamedClient("A", on_prem=True), "classic_on_prem"),
        (NamedClient("A", product="CUBE"), "policy"),
        (SATELLITE, "on_prem"),
        (NamedClient("A", product="SSM", reserved=True), "reserved"),
    ],
)
def test_the_product_decides_the_clocks(client: NamedClient, model: str) -> None:
    assert model_of(client) == model


def test_the_rhythm_is_learned_from_five_contacts() -> None:
    found = after(20, seen(*(day * DAY for day in range(0, 10, 2))))

    assert found.longest_silence == timedelta(days=6)
    assert found.level is Level.WARNING
    assert found.last_contact == NOON + timedelta(days=8)


def test_several_connections_of_one_contact_count_once() -> None:
    bursts = [day * DAY + minutes / 60 for day in range(0, 50, 10) for minutes in (58, 59, 61, 63)]

    assert after(41, seen(*bursts)).longest_silence == timedelta(days=30)


def test_a_contact_written_by_a_wrong_clock_is_passed_over() -> None:
    wrong = 10 * 365 * DAY
    found = after(1, seen(0, wrong))

    assert found.last_contact == NOON
    assert found.level is Level.OK


def test_no_clock_moves_backwards_by_a_later_contact() -> None:
    now = datetime.max.replace(tzinfo=NOON.tzinfo)
    dates = [standing(CUCM, seen(0, hours), now).deadlines["authorization"].at for hours in range(0, 5000, 7)]

    assert dates == sorted(dates)


def asked(*contacts: float, **more: Any) -> ClientHistory:
    """The contacts at these hours, and what the product said."""
    history = seen(*contacts)
    return ClientHistory(history.contacts, history.times, product=answer_of_product(**more))


def origins(found: ClientStanding) -> dict[str, bool]:
    return {name: due.printed for name, due in found.deadlines.items()}


def test_a_printed_date_replaces_an_estimate() -> None:
    found = after(3, asked(0))

    assert deadlines(found) == {"contact": 20, "authorization": 80, "certificate_expiry": 200}
    assert set(origins(found).values()) == {True}
    assert (found.said, found.enforced, found.level) == (NOON, NOON + timedelta(days=80), Level.OK)


def test_what_the_product_did_not_print_is_estimated() -> None:
    found = after(1, asked(0, contact_due=None, authorization_ends=None))

    assert origins(found) == {"contact": False, "authorization": False, "certificate_expiry": True}
    assert deadlines(found)["authorization"] == 90


def test_a_contact_that_only_the_product_knows_counts() -> None:
    found = after(1, asked())

    assert (found.last_contact, found.by_hand) == (at(-10 * DAY), False)


def test_a_contact_does_not_move_a_date_just_printed() -> None:
    found = after(6, asked(6 * DAY))

    assert (found.last_contact, deadlines(found)["authorization"]) == (at(6 * DAY), 80)


def test_a_contact_long_after_the_answer_is_estimated_from() -> None:
    found = after(20, asked(20 * DAY, renewal_due=at(19 * DAY)))

    assert deadlines(found) == {"contact": 50, "authorization": 110, "certificate_expiry": 200}
    assert origins(found) == {"contact": False, "authorization": False, "certificate_expiry": True}
    assert found.said == NOON


def test_nothing_is_left_of_an_answer_that_is_over() -> None:
    found = after(300, asked(300 * DAY))

    assert (origins(found), found.said) == ({"contact": False, "authorization": False}, None)


def test_a_renewal_that_came_since_the_answer_is_not_overdue() -> None:
    due: dict[str, Any] = {"contact_due": at(2), "renewal_due": at(2)}

    assert after(0.25, asked(**due)).level is Level.WARNING
    assert after(0.25, asked(3, **due)).level is Level.OK


def test_a_failed_contact_of_the_product_warns() -> None:
    assert after(1, asked(0, contact_failed=True)).level is Level.WARNING


@pytest.mark.parametrize(
    ("said", "level", "names"),
    [
        ({"registration_status": "unregistered", "authorization_status": "evaluation"}, Level.WARNING, set()),
        (
            {"authorization_status": "out_of_compliance", "out_of_compliance_since": NOON},
            Level.WARNING,
            {"overage"},
        ),
        (
            {"authorization_status": "authorization_expired", "authorization_expired": at(-1)},
            Level.CRITICAL,
            {"contact", "authorization", "overage"},
        ),
        (
            {
                "registration_status": "unregistered",
                "authorization_status": "evaluation",
                "evaluation_ends": at(5 * DAY),
            },
            Level.CRITICAL,
            {"evaluation"},
        ),
        (
            {
                "registration_status": "unregistered",
                "authorization_status": "evaluation_expired",
                "evaluation_ends": at(-DAY),
            },
            Level.CRITICAL,
            {"evaluation"},
        ),
        ({"registration_status": "reserved", "authorization_status": "reserved"}, Level.OK, set()),
    ],
)
def test_the_state_that_the_product_names_counts(said: dict[str, Any], level: Level, names: set[str]) -> None:
    dates: dict[str, Any] = dict.fromkeys(("last_contact", "contact_due", "authorization_ends", "registration_ends"))

    found = after(1, asked(0, **dates | said))

    assert found.level is level
    assert names <= set(found.deadlines)
    assert bool(names) or not found.deadlines


def test_a_state_that_blocks_has_a_date_even_without_one_of_its_own() -> None:
    states = {"registration_status": "unregistered", "authorization_status": "evaluation_expired"}
    dates = dict.fromkeys(("last_contact", "contact_due", "authorization_ends", "registration_ends"))
    answer = asked(0, **dates, **states)

    assert answer.product is not None
    assert after(1, answer).enforced == answer.product.said


def test_an_answer_from_the_future_is_passed_over() -> None:
    found = after(1, asked(0, hours=400 * DAY))

    assert (set(origins(found).values()), found.said) == ({False}, None)
