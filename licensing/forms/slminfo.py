"""Reads CUCM's table `slminfo`, from `run sql select … from slminfo` on its command line or from AXL's executeSQLQuery.

It has what no other output has: the days of overage, and whether users and devices can still be added.
"""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Final

from licensegate.language.language import N_

from ..report import Attempt, LicenseReport, Reading
from .axl import date_of, free_text

_COLUMNS: Final = {
    "overagedays", "isprovisionallowed", "isregistrationfailed", "registrationfailedreason",
    "authorizationfailedreason", "transportgatewayurl", "nextauthattempt", "authorizationexpires",
}  # fmt: skip
_RULER: Final = re.compile(r"=+(?: +=+)*")
_ELEMENT: Final = re.compile(r"<([a-z]{4,40})>([^<]{0,2000})</([a-z]{4,40})>")
_MOST_PARTS: Final = 30
_NO_FAILURE: Final = ("successful", "success", "succeeded")


def columns_of(lines: Sequence[str], unfinished: bool) -> dict[str, str] | None:
    """Return the first row of such a table by column, or None if there is none.

    A terminal may have wrapped header, ruler and row alike, into as many lines each. An unfinished row lacks its last
    value.
    """
    for number, line in enumerate(lines):
        if "=" not in line or _RULER.fullmatch(line.strip()) is None:
            continue
        rulers = _run_of_rulers(lines, number)
        count = len(rulers)
        header, row = lines[max(0, number - count) : number], lines[number + count : number + 2 * count]
        if len(header) == count and row:
            found = _cells(_padded(header, rulers), "".join(rulers), _padded(row, rulers))
            if found.keys() & _COLUMNS:
                is_cut = len(row) < count or (unfinished and number + 2 * count >= len(lines))
                return _without_last(found) if is_cut else found
    return None


def _run_of_rulers(lines: Sequence[str], start: int) -> list[str]:
    rulers: list[str] = []
    for line in lines[start : start + _MOST_PARTS]:
        if _RULER.fullmatch(line.strip()) is None:
            break
        rulers.append(line)
    return rulers


def _padded(parts: Sequence[str], rulers: Sequence[str]) -> str:
    return "".join(part.ljust(len(ruler)) for part, ruler in zip(parts, rulers, strict=False))


def _cells(header: str, ruler: str, row: str) -> dict[str, str]:
    """The values below the names. A name or a value that does not keep to its column is not trusted, nor are others."""
    columns: dict[str, str] = {}
    for column in re.finditer("=+", ruler):
        start, end = column.span()
        name = header[start:end].strip()
        gaps = header[end : end + 1] + row[end : end + 1] + (header[start - 1 : start] + row[start - 1 : start])
        if gaps.strip() or not name.isidentifier() or name in columns:
            return {}
        columns[name] = row[start:end].strip()
    return columns


def _without_last(columns: Mapping[str, str]) -> dict[str, str]:
    """The columns without the last value, which may have been cut, and without those that are missing behind it."""
    names = list(columns)
    while names and not columns[names[-1]]:
        names.pop()
    return {name: columns[name] for name in names[:-1]}


def is_rows(text: str) -> bool:
    """Whether a text is an answer of AXL to a query."""
    return "<" in text and "executeSQLQueryResponse" in text


def columns_of_rows(text: str) -> dict[str, str] | None:
    """Return the first row of AXL's answer to such a query, or None if it is none."""
    if not is_rows(text):
        return None
    columns: dict[str, str] = {}
    for name, value, closed in _ELEMENT.findall(text.partition("</row>")[0]):
        if name == closed:
            columns.setdefault(name, html.unescape(value).strip())
    return columns if columns.keys() & _COLUMNS else None


def read_columns(columns: Mapping[str, str]) -> Reading:
    """Read one row of slminfo."""
    report = LicenseReport("classic")
    reading = Reading(report, form="slminfo")
    report.registration.last_renewal = _attempt(
        columns.get("isregistrationfailed", ""), columns.get("registrationfailedreason", "")
    )
    report.authorization.last_contact = _attempt("", columns.get("authorizationfailedreason", ""))
    report.authorization.next_contact = date_of(columns, "nextauthattempt")
    report.authorization.deadline = date_of(columns, "authorizationexpires")
    report.transport.url = free_text(columns.get("transportgatewayurl", ""))
    attempts = (report.registration.last_renewal, report.authorization.last_contact)
    report.failures = list(dict.fromkeys(each.reason for each in attempts if each is not None and each.reason))
    if columns.get("isprovisionallowed", "").lower() in ("f", "false"):
        reading.notes.append(N_("The product says that users and devices cannot be added now."))
    days = columns.get("overagedays", "")
    if days.isdecimal() and len(days) < 5 and int(days):
        reading.notes.append(N_("The product counts {n} days of overage.").format(n=int(days)))
    reading.unread = [f"{name}: {value}" for name, value in columns.items() if name not in _COLUMNS and value]
    return reading


def _attempt(failed: str, reason: str) -> Attempt | None:
    """An attempt: its flag counts, else its reason, which is `Successful.` after a success."""
    said = free_text(reason)
    succeeded = said is not None and said.lower().rstrip(".") in _NO_FAILURE
    if failed.lower() in ("t", "true") or (said is not None and not succeeded and failed.lower() not in ("f", "false")):
        return Attempt("failed", None, None if succeeded else said)
    return Attempt("succeeded") if succeeded or failed.lower() in ("f", "false") else None
