"""A client's own rhythm."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.licensing.clocks import Level
from licensegate.licensing.rhythm import longest_silence, silence

START = datetime(2026, 1, 1, tzinfo=UTC)


def every(hours: float, count: int) -> list[datetime]:
    return [START + timedelta(hours=hours * number) for number in range(count)]


@pytest.mark.parametrize(
    ("contacts", "longest"),
    [
        pytest.param(every(24, 5), timedelta(hours=72), id="three times the gap"),
        pytest.param(every(6, 9), timedelta(hours=24), id="at least a day"),
        pytest.param(every(24, 4), None, id="too few contacts"),
        pytest.param(every(24, 4) * 3, None, id="one moment counts once"),
        pytest.param([*every(24, 9), START + timedelta(days=60)], timedelta(hours=72), id="one gap is no rhythm"),
    ],
)
def test_the_longest_silence_is_learned(contacts: list[datetime], longest: timedelta | None) -> None:
    assert longest_silence(contacts) == longest


@pytest.mark.parametrize(
    ("hours", "level"),
    [(71, Level.OK), (73, Level.WARNING), (24 * 79, Level.WARNING), (24 * 80, Level.CRITICAL), (-49, Level.UNKNOWN)],
)
def test_silence_is_judged_by_rhythm_and_days(hours: int, level: Level) -> None:
    contacts = every(24, 5)

    assert silence(contacts, contacts[-1] + timedelta(hours=hours)) is level


def test_a_client_never_seen_is_unknown() -> None:
    assert silence([], START) is Level.UNKNOWN


@given(st.lists(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)), max_size=20))
def test_the_order_of_contacts_does_not_matter(contacts: list[datetime]) -> None:
    assert longest_silence(contacts) == longest_silence(contacts[::-1])
