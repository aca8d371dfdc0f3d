"""The prepared ledger: it can be imported, and its clients stand as their stories say."""

import io
from datetime import UTC, datetime, timedelta

import pytest

from licensegate.demo.past import daily_contacts
from licensegate.demo.printed import show_license_all
from licensegate.demo.stories import STORIES, Story
from licensegate.ledger.clients import NamedClient
from licensegate.ledger.entries import ClientHistory, ContactEntry, DayEntry, HourEntry, LedgerEntry, ProductEntry
from licensegate.ledger.standing import ClientStanding, standing
from licensegate.ledger.transfer import export_lines, imported_entries
from licensegate.licensing.clocks import days_until
from licensegate.licensing.read import read

NOW = datetime(2028, 2, 29, 23, 30, tzinfo=UTC)


def stands(story: Story) -> ClientStanding:
    """How the client of a story stands by its past alone."""
    entries = list(story.past(story.client.name, NOW))
    history = ClientHistory(
        contacts=tuple(entry for entry in entries if isinstance(entry, ContactEntry)),
        times=tuple(entry.time for entry in entries if isinstance(entry, HourEntry)),
        product=next((entry for entry in entries if isinstance(entry, ProductEntry)), None),
    )
    return standing(NamedClient(story.client.name, product=story.client.product), history, NOW)


def of(name: str) -> Story:
    return next(story for story in STORIES if story.client.name == name)


def test_the_past_is_an_export_that_every_ledger_imports() -> None:
    entries: list[LedgerEntry] = [entry for story in STORIES for entry in story.past(story.client.name, NOW)]

    assert list(imported_entries(io.BytesIO(b"".join(export_lines(entries))))) == entries


def test_a_year_of_daily_contacts_has_every_day_once() -> None:
    found = list(daily_contacts("tools.cisco.com")("CUCM", NOW))
    recorded = [entry for entry in found if isinstance(entry, DayEntry)]

    assert [entry.day for entry in recorded] == [(NOW - timedelta(days=ago)).date() for ago in range(364, 0, -1)]
    assert sum(entry.answered == 0 for entry in recorded) == 3


@pytest.mark.parametrize(
    "story", [of("CUCM Tokyo"), of("CUCM Osaka"), of("CUCM Nagoya")], ids=lambda one: one.client.name
)
def test_a_client_of_the_past_stands_as_its_story_says(story: Story) -> None:
    assert stands(story).level.label == story.level


def test_the_silent_client_has_two_weeks_left() -> None:
    silent = stands(of("CUCM Osaka"))

    assert silent.last_contact == NOW - timedelta(days=75)
    assert days_until(silent.deadlines["authorization"].at, NOW) == 15


def test_the_output_that_is_kept_is_read_without_a_doubt() -> None:
    reading = read(show_license_all(NOW).encode())

    assert not reading.notes
    assert [(each.count, each.status) for each in reading.report.entitlements] == [
        (310, "out_of_compliance"),
        (45, "in_compliance"),
    ]


def test_the_client_out_of_compliance_has_printed_dates_and_three_weeks() -> None:
    dates = stands(of("CUCM Nagoya")).deadlines

    assert dates["authorization"].printed
    assert days_until(dates["overage"].at, NOW) in (23, 24)
