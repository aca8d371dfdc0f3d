"""What a report means, as a table for people."""

from collections.abc import Iterable, Iterator
from typing import Final

from licensegate.language.columns import columns, padded
from licensegate.language.language import ENGLISH, N_, Language
from licensegate.language.phrases import reworded
from licensegate.licensing.meaning import Explained, LicenseDeadline, Meaning
from licensegate.licensing.report import Attempt, LicenseReport, Reading
from licensegate.licensing.state_words import state_word

from .layout import sections

_MOST_UNREAD: Final = 20
_MODELS: Final = {
    "classic": N_("Smart Licensing, classic: the product registers and renews"),
    "policy": N_("Smart Licensing Using Policy: the product reports, Cisco acknowledges"),
    "traditional": N_("not Smart Licensing: licence files or activation keys"),
    None: N_("not told by the text"),
}
_BLOCKED: Final = {
    "no": N_("no"),
    "now": N_("YES, now"),
    "after": N_("not yet"),
    "unknown": N_("the text does not tell"),
}
_LEVELS: Final = {
    "ok": N_("OK"),
    "warning": N_("WARNING"),
    "critical": N_("CRITICAL"),
    "unknown": N_("UNKNOWN"),
}
NAMES: Final = {
    "contact": N_("contact"),
    "authorization": N_("authorization"),
    "certificate_renewal": N_("certificate renewal"),
    "certificate_expiry": N_("certificate expiry"),
    "overage": N_("overage"),
    "evaluation": N_("evaluation"),
    "acknowledgement": N_("acknowledgement"),
    "report": N_("report"),
    "synchronisation": N_("synchronisation"),
    "removal": N_("removal"),
    "out_of_compliance_retry": N_("out of compliance retry"),
    "access_token": N_("access token"),
}
_CONFIDENCE: Final = {"high": N_("high"), "medium": N_("medium"), "low": N_("low")}


def table(name: str, reading: Reading, explained: Explained, language: Language = ENGLISH) -> str:
    """The table of one file, with a final line feed."""
    report, meaning = reading.report, explained.meaning
    state, do, _ = meaning.words(language)
    lines: dict[str, Iterable[str]] = {
        language.gettext("text"): [name],
        language.gettext("product"): _product(report, language),
        language.gettext("model"): [language.gettext(_MODELS[report.model])],
        language.gettext("level"): [_level(meaning, language)],
        language.gettext("state"): [*_states(report, language), state],
        language.gettext("blocked"): _blocked(meaning, language),
        language.gettext("to do"): [do],
        language.gettext("deadlines"): [_deadline(each, language) for each in explained.deadlines],
        language.gettext("contacts"): _contacts(report, meaning, language),
        language.gettext("licences"): _licences(report, language),
        language.gettext("transport"): _transport(report, language),
        language.gettext("failures"): report.failures,
        language.gettext("notes"): [reworded(note, language) for note in meaning.notes],
        language.gettext("unread"): _unread(reading.unread, language),
    }
    return sections({title: list(beside) for title, beside in lines.items()}, language) + "\n"


def _level(meaning: Meaning, language: Language) -> str:
    time = f"{meaning.now:%Y-%m-%d %H:%M} {meaning.now.tzname() or ''}".rstrip()
    level = language.gettext(_LEVELS[meaning.level])
    return language.gettext("{level}, as of {time}").format(level=level, time=time)


def _product(report: LicenseReport, language: Language) -> Iterator[str]:
    product = report.product
    if product.pid is not None:
        parts = [product.pid, _serial(product.serial, language) if product.serial else "", product.uuid or ""]
        yield ", ".join(filter(None, parts))
    for member in report.members:
        yield f"{member.role}: {member.pid}, {_serial(member.serial, language)}"
    if report.agent_version is not None:
        yield language.gettext("agent {version}").format(version=report.agent_version)


def _serial(number: str | None, language: Language) -> str:
    return language.gettext("serial {number}").format(number=number)


def _states(report: LicenseReport, language: Language) -> Iterator[str]:
    registration, authorization = report.registration, report.authorization
    words = (
        (language.gettext("registration {state}"), registration.status),
        (language.gettext("authorization {state}"), authorization.status),
    )
    if any(state for _, state in words):
        yield ", ".join(word.format(state=state_word(state, language)) for word, state in words if state)
    accounts = [each for each in (registration.smart_account, registration.virtual_account) if each]
    if accounts:
        yield language.gettext("account {names}").format(names=" / ".join(accounts))


def _blocked(meaning: Meaning, language: Language) -> Iterator[str]:
    blocked = language.gettext(_BLOCKED[meaning.enforced])
    if meaning.enforced_at is not None:
        earliest = language.gettext("{blocked}; {time} UTC at the earliest")
        blocked = earliest.format(blocked=blocked, time=f"{meaning.enforced_at:%Y-%m-%d %H:%M}")
    yield blocked
    _, _, effect = meaning.words(language)
    if effect is not None:
        yield language.gettext("what is blocked: {effect}").format(effect=effect)
    if meaning.alerts:
        yield language.gettext("alerts in RTMT: {alerts}").format(alerts=", ".join(meaning.alerts))


def _deadline(deadline: LicenseDeadline, language: Language) -> str:
    origin = language.gettext("printed")
    if not deadline.printed:
        confidence = language.gettext(_CONFIDENCE[deadline.confidence])
        origin = language.gettext("estimated, confidence {confidence}").format(confidence=confidence)
    name = language.gettext(NAMES[deadline.name])
    days = _days(deadline.days_left, language)
    named = language.gettext("{name} ({origin})").format(name=name, origin=origin)
    return f"{deadline.due:%Y-%m-%d %H:%M} UTC  {' ' * (14 - columns(days))}{days}  {named}"


def _days(days: int, language: Language) -> str:
    if days >= 0:
        return language.ngettext("{n} day left", "{n} days left", days).format(n=days)
    return language.ngettext("{n} day over", "{n} days over", -days).format(n=-days)


def _contacts(report: LicenseReport, meaning: Meaning, language: Language) -> Iterator[str]:
    if meaning.last_success is not None:
        last = language.gettext("last success {time} UTC")
        yield last.format(time=f"{meaning.last_success:%Y-%m-%d %H:%M}")
    for title, attempt in (
        (language.gettext("last contact {attempt}"), report.authorization.last_contact),
        (language.gettext("last renewal {attempt}"), report.registration.last_renewal),
    ):
        if attempt is not None:
            yield title.format(attempt=_attempt(attempt))


def _attempt(attempt: Attempt) -> str:
    at = f" {attempt.at}" if attempt.at else ""
    return f"{attempt.result}{at}" + (f": {attempt.reason}" if attempt.reason else "")


def _licences(report: LicenseReport, language: Language) -> Iterator[str]:
    for each in report.entitlements:
        count = "?" if each.count is None else str(each.count)
        yield f"{count:>5}  {padded(state_word(each.status or '?', language), 20)}  {each.name or each.tag or '?'}"


def _transport(report: LicenseReport, language: Language) -> Iterator[str]:
    transport, proxy = report.transport, report.proxy
    if transport.type or transport.url:
        yield " ".join(filter(None, (transport.type, transport.url)))
    if proxy is not None:
        through = language.gettext("through the proxy {address} port {port}")
        if proxy.port is None:
            through = language.gettext("through the proxy {address}")
        yield through.format(address=proxy.address, port=proxy.port)


def _unread(lines: list[str], language: Language) -> list[str]:
    more = len(lines) - _MOST_UNREAD
    if more <= 0:
        return lines
    return [*lines[:_MOST_UNREAD], language.gettext("and {n} more; --json lists them").format(n=more)]
