"""The places of clocks and days in what the pages draw."""

from datetime import UTC, date, datetime, timedelta

import pytest

from licensegate.app.admin.drawing import WEEKS, DayCounts, Mark, Span, axis, calendar, clock_bar

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def at(days: float) -> datetime:
    return NOW + timedelta(days=days)


def test_a_bar_goes_from_contact_to_renewal_deadline_and_overage() -> None:
    bar = clock_bar(NOW, at(-90), [("overage", at(90)), ("contact", at(-60)), ("authorization", at(0))])
    assert bar.today == 33.33
    assert bar.spans == (Span("calm", 0, 11.11), Span("due", 11.11, 22.22), Span("over", 33.33, 33.34))
    assert bar.marks == (
        Mark("contact", 0),
        Mark("renewal", 11.11),
        Mark("deadline", 33.33),
        Mark("overage", 66.67),
    )


def test_without_a_renewal_the_time_to_the_deadline_is_calm() -> None:
    bar = clock_bar(NOW, None, [("acknowledgement", at(90))])
    assert bar.spans == (Span("calm", 33.33, 33.34),)
    assert bar.marks == (Mark("deadline", 66.67),)


@pytest.mark.parametrize(("days", "place", "beyond"), [(-400, 0, -1), (-90, 0, 0), (180, 100, 0), (400, 100, 1)])
def test_dates_outside_the_scale_stand_at_its_ends(days: float, place: float, beyond: int) -> None:
    assert clock_bar(NOW, None, [("authorization", at(days))]).marks == (Mark("deadline", place, beyond),)


def test_the_earliest_of_several_deadlines_is_drawn() -> None:
    bar = clock_bar(NOW, None, [("access_token", at(90)), ("removal", at(0))])
    assert bar.marks == (Mark("deadline", 33.33),)


def test_dates_in_another_order_draw_no_backward_stretch() -> None:
    bar = clock_bar(NOW, at(-30), [("authorization", at(60)), ("overage", at(30))])
    assert [span.kind for span in bar.spans] == ["calm"]


def test_limits_of_certificates_and_unknown_ones_are_not_drawn() -> None:
    assert clock_bar(NOW, None, [("certificate_expiry", at(10)), ("new", at(20))]).marks == ()


def test_the_scale_names_its_ends_and_today() -> None:
    assert axis() == ((-90, 0), (0, 33.33), (90, 66.67), (180, 100))


@pytest.mark.parametrize("today", [date(2026, 11, 30), date(2026, 12, 6), date(2028, 2, 29)])
def test_a_calendar_has_every_day_of_a_year_once_and_ends_today(today: date) -> None:
    halves = calendar({}, today)
    days = [cell.day for half in halves for cell in half.cells]
    assert days == [days[0] + timedelta(days=number) for number in range(len(days))]
    assert days[-1] == today
    assert len(days) > 366
    for half in halves:
        assert {cell.column for cell in half.cells} == set(range(WEEKS))
        assert {cell.row for cell in half.cells} <= set(range(7))
        assert half.cells[0].day.weekday() == 0


@pytest.mark.parametrize(("answered", "busy"), [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (9, 3), (10, 4), (5000, 4)])
def test_a_day_is_darker_the_more_was_answered(answered: int, busy: int) -> None:
    today = date(2026, 11, 30)
    cell = calendar({today: DayCounts(answered, answered, 0)}, today)[1].cells[-1]
    assert (cell.busy, cell.has_failed) == (busy, False)


def test_a_day_has_failed_only_if_nothing_was_answered() -> None:
    today = date(2026, 11, 30)
    counts = {today: DayCounts(2, 0, 2), today - timedelta(days=1): DayCounts(2, 1, 1)}
    cells = calendar(counts, today)[1].cells
    assert [cell.has_failed for cell in (*calendar(counts, today)[0].cells, *cells)].count(True) == 1
    assert cells[-1].has_failed


def test_a_month_is_named_over_the_week_with_its_first_day() -> None:
    later = calendar({}, date(2026, 11, 30))[1]
    assert [(each.month.month, each.column) for each in later.months][-1] == (11, 21)
