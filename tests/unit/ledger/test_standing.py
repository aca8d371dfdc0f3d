"""What a named client's contacts mean for its licences."""

from datetime import datetime, timedelta

import pytest

from licensegate.ledger.clients import NamedClient
from licensegate.ledger.entries import ClientHistory, ContactEntry, ManualKind
from licensegate.ledger.standing import ClientStanding, model_of, standing
from licensegate.licensing.clocks import Level
from support.ledger_entries import NOON, TARGET, at, by_hand

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
    return {name: (due - NOON) / timedelta(days=1) for name, due in found.deadlines.items()}


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
    assert found.rhythm_exceeded(NOON + timedelta(days=20)) == timedelta(days=6)
    assert found.rhythm_exceeded(NOON + timedelta(days=13)) == timedelta()


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
    dates = [standing(CUCM, seen(0, hours), now).deadlines["authorization"] for hours in range(0, 5000, 7)]

    assert dates == sorted(dates)
