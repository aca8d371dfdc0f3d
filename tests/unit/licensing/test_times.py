"""Printed dates, zones and lengths of time."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.licensing.times import ZoneRule, printed, seconds_in


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("SUCCEEDED on Jan 26 15:11:23 2018 IST", "2018-01-26T15:11:23 IST"),
        ("EXPIRED on Nov 9 23:46:35 2017 IST", "2017-11-09T23:46:35 IST"),
        ("Jun 10 2020 07:57:22 UTC", "2020-06-10T07:57:22 UTC"),
        ("Aug 03 09:03:25 2024 est", "2024-08-03T09:03:25 est"),
        ("Wed Jan 01 14:00:19 EST 2025", "2025-01-01T14:00:19 EST"),
        ("Time source is NTP, .05:30:30.132 UTC Fri Oct 22 2021", "2021-10-22T05:30:30 UTC"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05 Z"),
        ("2026-01-02 03:04:05 +09:00", "2026-01-02T03:04:05 +09:00"),
        ("2026 Mar 06 04:09:56 UTC", "2026-03-06T04:09:56 UTC"),
        ("SUCCEEDED on Mar 1, 2026 1:05:09 PM CET", "2026-03-01T13:05:09 CET"),
        ("Mar 1 12:05:09 am 2026 CET", "2026-03-01T00:05:09 CET"),
        ("Mar 1, 2026 1:05:09 PM", None),
        ("Mar 1 13:05:09 PM 2026 CET", None),
        ("30 May 2026 10:54 GMT+1", "2026-05-30T10:54:00 GMT+1"),
        ("Feb 29 10:00:00 2028 UTC", "2028-02-29T10:00:00 UTC"),
        ("Feb 29 10:00:00 2026 UTC", None),
        ("Foo 12 10:00:00 2026 UTC", None),
        ("Jan 12 25:00:00 2026 UTC", None),
        ("Jan 12 10:00:00 2026", None),
        ("<none>", None),
    ],
)
def test_a_date_is_found_in_a_value(text: str, date: str | None) -> None:
    assert printed(text) == date


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("71 days, 22 hours, 1 minutes, 59 seconds", 6213719),
        ("87 days 1 hr 41 min 0 sec", 7522860),
        ("1 day", 86400),
        ("5 weeks", None),
        ("soon", None),
    ],
)
def test_a_length_of_time_is_read_in_seconds(text: str, seconds: int | None) -> None:
    assert seconds_in(text) == seconds


def test_a_cut_length_of_time_is_none() -> None:
    assert seconds_in("71 days, 22 hours", unfinished=True) is None


@pytest.mark.parametrize(
    ("dates", "instant", "notes"),
    [
        pytest.param(["2018-01-26T15:12:59 IST", "2018-07-25T15:11:23 IST"], "09:42:59", 0, id="both seasons: India"),
        pytest.param(["2018-01-26T15:12:59 IST"], "09:42:59", 1, id="winter alone: India or Israel"),
        pytest.param(["2018-07-26T15:12:59 IST"], "09:42:59", 1, id="summer alone: India or Ireland"),
        pytest.param(["2018-07-26T15:12:59 BST", "2018-12-01T00:00:00 GMT"], "14:12:59", 0, id="BST and GMT: Britain"),
        pytest.param(["2018-01-26T15:12:59 IST", "2018-06-01T00:00:00 IDT"], "13:12:59", 0, id="IST and IDT: Israel"),
        pytest.param(["2018-07-26T15:12:59 CST"], "07:12:59", 0, id="CST in July: China"),
        pytest.param(["2018-01-26T15:12:59 BST"], "09:12:59", 0, id="BST in January: Bangladesh"),
        pytest.param(["2018-01-26T15:12:59 EDT"], "19:12:59", 0, id="EDT in winter is what it says"),
        pytest.param(["2018-01-26T15:12:59 est"], "20:12:59", 0, id="lower case"),
        pytest.param(["2018-01-26T15:12:59 UTC+9"], "06:12:59", 0, id="number"),
        pytest.param(["2018-01-26T15:12:59 QQQ"], "15:12:59", 1, id="unknown: UTC"),
    ],
)
def test_a_zone_is_told_by_the_season_of_its_dates(dates: list[str], instant: str, notes: int) -> None:
    rule = ZoneRule(dates)
    found = rule.instant(dates[0])

    assert found is not None
    assert (f"{found:%H:%M:%S}", found.tzinfo, len(rule.notes)) == (instant, UTC, notes)


def test_an_hour_that_comes_twice_is_the_first_one() -> None:
    """Clocks are set back at 2:00 on 1 November 2026: the earlier of two deadlines counts."""
    rule = ZoneRule([], ZoneInfo("America/New_York"))

    assert rule.instant("2026-11-01T01:30:00 EST") == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert rule.instant("2026-03-08T02:30:00 EST") == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)


def test_a_named_zone_counts_more_than_the_abbreviation() -> None:
    rule = ZoneRule(["2024-08-03T09:03:25 est"], ZoneInfo("America/New_York"))

    assert rule.instant("2024-08-03T09:03:25 est") == datetime(2024, 8, 3, 13, 3, 25, tzinfo=UTC)


@given(st.text(max_size=60))
def test_no_text_breaks_the_search_for_a_date(text: str) -> None:
    date = printed(text)

    assert date is None or ZoneRule([date]).instant(date) is None or "T" in date


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)), st.sampled_from(["UTC", "PDT", "JST", "IST", "+05:45"])
)
def test_a_printed_date_is_read_back(at: datetime, zone: str) -> None:
    text = f"{at:%b} {at.day} {at:%H:%M:%S} {at.year} {zone}"

    assert printed(text) == f"{at.replace(microsecond=0).isoformat()} {zone}"
