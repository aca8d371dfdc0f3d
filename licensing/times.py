"""Dates as products print them, and the instants that they mean.

`printed` finds a date in a text and writes it in one form, `2018-01-26T15:11:23 IST`, without a zone if it has none.
`instant` turns that form into an aware datetime. An abbreviation such as IST stands for several zones; `ZoneRule`
decides by the dates of the whole text:

- A zone that changes its abbreviation in summer cannot print the same one in January and July. IST in both seasons is
  India, since Israel would print IDT and Ireland GMT. CST in July is China, BST in January is Bangladesh.
- A text that prints the other season's abbreviation as well names its zone: BST beside GMT is Britain.
- Otherwise the easternmost zone counts, since its deadline comes first, and the answer says so.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

from msgspec import Struct

_MONTHS: Final = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_DAY: Final = r"(?P<day>\d{1,2})"
_MONTH: Final = r"(?P<month>[A-Za-z]{3})"
_YEAR: Final = r"(?P<year>\d{4})"
_HALF: Final = r"(?: ?(?P<half>[AaPp])[Mm]\b)?"
_TIME: Final = rf"(?P<time>\d{{1,2}}:\d\d:\d\d)(?:\.\d{{1,6}})?{_HALF}"
_ZONE: Final = r"(?P<zone>(?![AaPp][Mm]\b)[A-Za-z]{1,7}(?:[+-]\d{1,2}(?::?\d\d)?)?|[+-]\d\d:?\d\d)"
_ISO_ZONE: Final = r"(?P<zone>(?![AP]M\b)[A-Z]{1,5}|[+-]\d\d:?\d\d)(?![\w:])"
_PAGE_ZONE: Final = r"(?P<zone>[A-Z]{3,4}(?:[+-]\d{1,2}(?::?\d\d)?)?|[+-]\d\d:?\d\d)(?![\w:])"
_PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_MONTH} {_DAY} {_TIME} {_YEAR} {_ZONE}(?![\w:])",
        rf"{_MONTH} {_DAY},? {_YEAR} {_TIME} {_ZONE}(?![\w:])",
        rf"{_MONTH} {_DAY} {_TIME} {_ZONE} {_YEAR}(?!\d)",  # Java's Date.toString
        rf"{_YEAR} {_MONTH} {_DAY} {_TIME} {_ZONE}(?![\w:])",  # NX-OS
        rf"{_TIME} {_ZONE} [A-Za-z]{{3}} {_MONTH} {_DAY} {_YEAR}(?!\d)",  # IOS: Time source is NTP
        # ISO 8601, and as Japanese pages write it
        rf"{_YEAR}[-/年](?P<number>\d{{1,2}})[-/月]{_DAY}日?[T ]{_TIME} ?{_ISO_ZONE}",
        # AsyncOS' pages
        rf"(?<!\d){_DAY} {_MONTH} {_YEAR} (?P<time>\d{{1,2}}:\d\d(?::\d\d)?){_HALF}(?: {_PAGE_ZONE})?(?![\d:])",
    )
)
ISO_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")

# Hours east of Greenwich. Abbreviations of more than one zone are in _AMBIGUOUS.
_ZONES: Final = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "CET": 1, "MET": 1, "CEST": 2, "MEST": 2, "EET": 2, "EEST": 3,
    "SAST": 2, "IDT": 3, "MSK": 3, "TRT": 3, "GST": 4, "PKT": 5, "WIB": 7, "ICT": 7, "HKT": 8, "SGT": 8, "AWST": 8,
    "PHT": 8, "MYT": 8, "JST": 9, "KST": 9, "ACST": 9.5, "ACDT": 10.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
    "NST": -3.5, "NDT": -2.5, "ADT": -3, "BRT": -3, "ART": -3, "CLT": -4, "EDT": -4, "EST": -5, "CDT": -5, "COT": -5,
    "PET": -5, "MST": -7, "MDT": -6, "PDT": -7, "PST": -8, "AKDT": -8, "AKST": -9, "HST": -10,
}  # fmt: skip


class _Candidate(Struct, frozen=True):
    """A zone that an abbreviation may stand for, and the season in which it prints it: a year-round zone has both.

    `other` is what the zone prints in the other season.
    """

    place: str
    hours: float
    winter: bool
    summer: bool
    other: str = ""


_AMBIGUOUS: Final = {
    "IST": (
        _Candidate("India", 5.5, True, True),
        _Candidate("Israel", 2, True, False, "IDT"),
        _Candidate("Ireland", 1, False, True, "GMT"),
    ),
    "CST": (
        _Candidate("China", 8, True, True),
        _Candidate("North America", -6, True, False, "CDT"),
    ),
    "BST": (
        _Candidate("Bangladesh", 6, True, True),
        _Candidate("Britain", 1, False, True, "GMT"),
    ),
    "AST": (
        _Candidate("Arabia", 3, True, True),
        _Candidate("Atlantic Canada", -4, True, False, "ADT"),
    ),
    "SST": (
        _Candidate("Singapore", 8, True, True),
        _Candidate("Samoa", -11, True, True),
    ),
}
_WINTER: Final = (11, 12, 1, 2)  # no summer time anywhere north of the equator
_SUMMER: Final = (5, 6, 7, 8, 9)


def printed(text: str, unfinished: bool = False) -> str | None:
    """Return the first date in a text as `YYYY-MM-DDTHH:MM:SS ZONE`, or None if there is no whole and valid one.

    An unfinished text may have been cut in the middle of its last word: a zone at its end must be a known one.
    """
    for pattern in _PATTERNS:
        if found := pattern.search(text):
            zone = found["zone"] or ""
            if unfinished and found.end() == len(text) and zone.upper() not in ZONES:
                return None  # also without a zone: the minutes may be those of a cut text
            return _written(found)
    return None


def _written(found: re.Match[str]) -> str | None:
    parts = found.groupdict()
    month = int(parts["number"]) if parts.get("number") else _MONTHS.get(parts["month"].lower(), 0)
    hour, minute, second = map(int, f"{parts['time']}:00".split(":")[:3])
    if half := parts["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "Pp" else 0)
    try:
        local = datetime(int(parts["year"]), month, int(parts["day"]), hour, minute, second)
    except ValueError:
        return None
    return f"{local.isoformat()} {parts['zone'] or ''}".rstrip()


ZONES: Final = frozenset(_ZONES) | frozenset(_AMBIGUOUS)
"""The abbreviations of zones that are known."""


class ZoneRule:
    """Turns the printed dates of one text into instants; `notes` say what had to be assumed.

    `zone` is the product's zone if somebody named it: then the abbreviations do not matter.
    """

    def __init__(self, dates: Iterable[str], zone: tzinfo | None = None) -> None:
        self.notes: list[str] = []
        self._zone = zone
        self._months: dict[str, set[int]] = {}
        for date in dates:
            local, _, name = date.partition(" ")
            self._months.setdefault(name.upper(), set()).add(int(local[5:7]))

    def instant(self, date: str | None) -> datetime | None:
        """Return the instant of a date as `printed` writes it, in UTC; None for None and for times before year 1."""
        if date is None:
            return None
        local, _, name = date.partition(" ")
        try:
            naive = datetime.fromisoformat(local)
            return naive.replace(tzinfo=self._zone or self._offset(name)).astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    def _offset(self, name: str) -> tzinfo:
        upper = name.upper()
        if not upper:
            self._note("dates without a zone are taken as UTC; --timezone decides")
            return UTC
        if (fixed := _numeric(upper)) is not None:
            return fixed
        if upper in _ZONES:
            return timezone(timedelta(hours=_ZONES[upper]))
        if upper not in _AMBIGUOUS:
            self._note(f"the zone {name} is not known and is taken as UTC; name it with --timezone")
            return UTC
        months = self._months.get(upper, set())
        left = [
            each
            for each in _AMBIGUOUS[upper]
            if (each.winter or not months & set(_WINTER)) and (each.summer or not months & set(_SUMMER))
        ]
        left = [each for each in left if each.other in self._months] or left
        if len(left) > 1:
            places = " or ".join(each.place for each in left)
            self._note(f"{name} may be {places}: {left[0].place} is assumed, --timezone decides")
        return timezone(timedelta(hours=left[0].hours))

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


_NUMERIC: Final = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d\d))?")


def _numeric(name: str) -> tzinfo | None:
    """The zone of `+09:00`, `UTC+2` and the like."""
    found = _NUMERIC.fullmatch(name)
    if found is None:
        return None
    hours, minutes = int(found[2]), int(found[3] or 0)
    if hours > 14 or minutes > 59:
        return None
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if found[1] == "-" else offset)


_UNITS: Final = {"day": 86400, "hour": 3600, "hr": 3600, "minute": 60, "min": 60, "second": 1, "sec": 1}
_AMOUNT: Final = re.compile(r"(\d{1,6})\s*([A-Za-z]{3,7}|hr)\b", re.IGNORECASE)


def seconds_in(text: str, unfinished: bool = False) -> int | None:
    """Return the length of `71 days, 22 hours, 1 minutes, 59 seconds` or `87 days 1 hr 41 min 0 sec` in seconds.

    None if anything else is there, or if a comma says that more was. An unfinished text must end with its seconds.
    """
    if text.rstrip().endswith(","):
        return None
    if _AMOUNT.sub("", text).strip(" ,."):
        return None
    found = [(int(number), unit.lower().removesuffix("s")) for number, unit in _AMOUNT.findall(text)]
    if not found or any(unit not in _UNITS for _, unit in found):
        return None
    if unfinished and _UNITS[found[-1][1]] != 1:
        return None
    return sum(number * _UNITS[unit] for number, unit in found)
