"""What a report means, as a table for people."""

from collections.abc import Iterable, Iterator
from typing import Final

from licensegate.licensing.meaning import Explained, LicenseDeadline, Meaning
from licensegate.licensing.report import Attempt, LicenseReport, Reading

from .layout import sections

_MOST_UNREAD: Final = 20
_MODELS: Final = {
    "classic": "Smart Licensing, classic: the product registers and renews",
    "policy": "Smart Licensing Using Policy: the product reports, Cisco acknowledges",
    "traditional": "not Smart Licensing: licence files or activation keys",
    None: "not told by the text",
}
_BLOCKED: Final = {
    "no": "no",
    "now": "YES, now",
    "after": "not yet",
    "unknown": "the text does not tell",
}


def table(name: str, reading: Reading, explained: Explained) -> str:
    """The table of one file, with a final line feed."""
    report, meaning = reading.report, explained.meaning
    lines: dict[str, Iterable[str]] = {
        "text": [name],
        "product": _product(report),
        "model": [_MODELS[report.model]],
        "level": [f"{meaning.level.upper()}, as of {meaning.now:%Y-%m-%d %H:%M} {meaning.now.tzname() or ''}".rstrip()],
        "state": [*_states(report), meaning.text],
        "blocked": _blocked(meaning),
        "to do": [meaning.do],
        "deadlines": [_deadline(each) for each in explained.deadlines],
        "contacts": _contacts(report, meaning),
        "licences": _licences(report),
        "transport": _transport(report),
        "failures": report.failures,
        "notes": meaning.notes,
        "unread": _unread(reading.unread),
    }
    return sections({title: list(beside) for title, beside in lines.items()}) + "\n"


def _product(report: LicenseReport) -> Iterator[str]:
    product = report.product
    if product.pid is not None:
        parts = [product.pid, f"serial {product.serial}" if product.serial else "", product.uuid or ""]
        yield ", ".join(filter(None, parts))
    for member in report.members:
        yield f"{member.role}: {member.pid}, serial {member.serial}"
    if report.agent_version is not None:
        yield f"agent {report.agent_version}"


def _states(report: LicenseReport) -> Iterator[str]:
    registration, authorization = report.registration, report.authorization
    words = [
        f"registration {registration.status}" if registration.status else "",
        f"authorization {authorization.status}" if authorization.status else "",
    ]
    if any(words):
        yield ", ".join(filter(None, words)).replace("_", " ")
    accounts = (registration.smart_account, registration.virtual_account)
    if any(accounts):
        yield "account " + " / ".join(each for each in accounts if each)


def _blocked(meaning: Meaning) -> Iterator[str]:
    when = "" if meaning.enforced_at is None else f"; {meaning.enforced_at:%Y-%m-%d %H:%M} UTC at the earliest"
    yield _BLOCKED[meaning.enforced] + when
    if meaning.effect is not None:
        yield f"what is blocked: {meaning.effect}"
    if meaning.alerts:
        yield f"alerts in RTMT: {', '.join(meaning.alerts)}"


def _deadline(deadline: LicenseDeadline) -> str:
    origin = "printed" if deadline.printed else f"estimated, confidence {deadline.confidence}"
    name = deadline.name.replace("_", " ")
    return f"{deadline.due:%Y-%m-%d %H:%M} UTC  {_days(deadline.days_left):>14}  {name} ({origin})"


def _days(days: int) -> str:
    unit = "day" if abs(days) == 1 else "days"
    return f"{days} {unit} left" if days >= 0 else f"{-days} {unit} over"


def _contacts(report: LicenseReport, meaning: Meaning) -> Iterator[str]:
    if meaning.last_success is not None:
        yield f"last success {meaning.last_success:%Y-%m-%d %H:%M} UTC"
    for title, attempt in (
        ("last contact", report.authorization.last_contact),
        ("last renewal", report.registration.last_renewal),
    ):
        if attempt is not None:
            yield f"{title} {_attempt(attempt)}"


def _attempt(attempt: Attempt) -> str:
    at = f" {attempt.at}" if attempt.at else ""
    return f"{attempt.result}{at}" + (f": {attempt.reason}" if attempt.reason else "")


def _licences(report: LicenseReport) -> Iterator[str]:
    for each in report.entitlements:
        count = "?" if each.count is None else str(each.count)
        yield f"{count:>5}  {(each.status or '?').replace('_', ' '):20}  {each.name or each.tag or '?'}"


def _transport(report: LicenseReport) -> Iterator[str]:
    transport, proxy = report.transport, report.proxy
    if transport.type or transport.url:
        yield " ".join(filter(None, (transport.type, transport.url)))
    if proxy is not None:
        yield f"through the proxy {proxy.address}" + ("" if proxy.port is None else f" port {proxy.port}")


def _unread(lines: list[str]) -> list[str]:
    more = len(lines) - _MOST_UNREAD
    return lines[:_MOST_UNREAD] + ([f"and {more} more; --json lists them"] if more > 0 else [])
