"""What the pages draw, as shapes with their places: a client's clocks beside today, and a year of its contacts.

Pure: dates and numbers in, shapes out. The templates write them as SVG, without text: that stands beside it.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from msgspec import Struct

DAYS_BEFORE: Final = 90
DAYS_AFTER: Final = 180
"""What a bar of clocks shows: so many days around today, the same for every client, so that their bars compare."""

WEEKS: Final = 27
"""The weeks of half a calendar."""

_DAY: Final = timedelta(days=1)
_BUSY_FROM: Final = (1, 2, 4, 10)
"""The least answered contacts of a day for each of the four shades of the calendar."""

_PARTS: Final = {
    "contact": "renewal",
    "out_of_compliance_retry": "renewal",
    "report": "renewal",
    "synchronisation": "renewal",
    "authorization": "deadline",
    "acknowledgement": "deadline",
    "removal": "deadline",
    "access_token": "deadline",
    "evaluation": "deadline",
    "overage": "overage",
}
"""The part of each limit in a bar. The others, those of certificates, are far away and not drawn."""

_STRETCHES: Final = (("renewal", "calm"), ("deadline", "due"), ("overage", "over"))


class Span(Struct, frozen=True):
    """A stretch of a bar: where it begins and how long it is, in percent of the bar. `kind` says what it means."""

    kind: str
    start: float
    width: float


class Mark(Struct, frozen=True):
    """A point on a bar, in percent of it. `beyond` is -1 or 1 if its date lies outside, before or after."""

    kind: str
    at: float
    beyond: int = 0


class ClockBar(Struct, frozen=True):
    """A client's clocks: the time until a contact is due, the time until the deadline, and the overage after it."""

    today: float
    spans: tuple[Span, ...]
    marks: tuple[Mark, ...]


def clock_bar(now: datetime, contact: datetime | None, limits: Iterable[tuple[str, datetime]]) -> ClockBar:
    """Draw a client's last contact and the ends of its time limits, which have the names of `licensing.clocks`.

    Of several limits with the same part in the bar the earliest is drawn. A stretch runs from one date to the next:
    `calm` to the renewal, `due` to the deadline, `over` to the end of the overage. Dates in another order draw none.
    """
    ends = {} if contact is None else {"contact": contact}
    for name, when in sorted(limits, key=lambda limit: limit[1]):
        if name in _PARTS:
            ends.setdefault(_PARTS[name], when)
    begin, spans = contact or now, []
    for part, kind in _STRETCHES:
        if part not in ends:
            continue
        when = ends[part]
        start, end = _place(begin, now), _place(when, now)
        if end > start:
            spans.append(
                Span("calm" if part == "deadline" and "renewal" not in ends else kind, start, _width(start, end))
            )
        begin = max(begin, when)
    return ClockBar(_place(now, now), tuple(spans), tuple(_mark(part, when, now) for part, when in ends.items()))


def axis() -> tuple[tuple[int, float], ...]:
    """The days that a bar's scale names, counted from today, and their places in percent."""
    days = (-90, 0, 90, 180)
    return tuple((day, _percent(day)) for day in days)


def _mark(kind: str, when: datetime, now: datetime) -> Mark:
    days = (when - now) / _DAY
    return Mark(kind, _place(when, now), (days > DAYS_AFTER) - (days < -DAYS_BEFORE))


def _place(when: datetime, now: datetime) -> float:
    return _percent((when - now) / _DAY)


def _width(start: float, end: float) -> float:
    return round(end - start, 2)


def _percent(days: float) -> float:
    inside = min(max(days, -DAYS_BEFORE), DAYS_AFTER)
    return round((inside + DAYS_BEFORE) * 100 / (DAYS_BEFORE + DAYS_AFTER), 2)


class DayCounts(Struct, frozen=True):
    """The connections of one day: all, those that were answered, those that failed."""

    connections: int = 0
    answered: int = 0
    failed: int = 0


class DayCell(Struct, frozen=True):
    """A day of the calendar: its column (a week) and row (Monday is 0). `busy` is 0 to 4 by its answered contacts."""

    day: date
    column: int
    row: int
    busy: int
    counts: DayCounts

    @property
    def has_failed(self) -> bool:
        """Whether a contact failed on this day and none was answered."""
        return bool(self.counts.failed) and not self.counts.answered


class MonthName(Struct, frozen=True):
    """The first column of a month in the calendar."""

    column: int
    month: date


class HalfYear(Struct, frozen=True):
    """27 weeks of the calendar, a column for each. A narrow screen shows the halves below each other."""

    cells: tuple[DayCell, ...]
    months: tuple[MonthName, ...]


def calendar(days: Mapping[date, DayCounts], today: date) -> tuple[HalfYear, HalfYear]:
    """A year and a few days, today in the last week. A day without an entry had no connection."""
    monday = today - timedelta(days=today.weekday())
    middle = monday - timedelta(weeks=WEEKS - 1)
    return _half(days, middle - timedelta(weeks=WEEKS), middle - _DAY), _half(days, middle, today)


def _half(days: Mapping[date, DayCounts], first: date, last: date) -> HalfYear:
    cells = tuple(_cell(day, first, days.get(day, DayCounts())) for day in _each(first, last))
    return HalfYear(cells, tuple(_months(cells)))


def _each(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _cell(day: date, first: date, counts: DayCounts) -> DayCell:
    column, row = divmod((day - first).days, 7)
    return DayCell(day, column, row, sum(counts.answered >= least for least in _BUSY_FROM), counts)


def _months(cells: Iterable[DayCell]) -> Iterable[MonthName]:
    """Name a month above the week that has its first day."""
    return (MonthName(cell.column, cell.day) for cell in cells if cell.day.day == 1)
