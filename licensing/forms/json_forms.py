"""Reads the JSON of REST APIs: FMC, Catalyst Center and CML.

A time stamp of 0 means never. FMC tells what is left of the evaluation in whole days.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from licensegate.records.json_errors import JSON_ERRORS

from ..report import Attempt, ConfiguredProxy, Entitlement, LicenseReport, Reading
from ..text.decode import UnreadableTextError
from ..times import printed
from ..words import AUTHORIZATION, ENTITLEMENT, REGISTRATION, RESULTS, Vocabulary, value_of

_REGISTRATION: Final = Vocabulary(REGISTRATION)
_AUTHORIZATION: Final = Vocabulary(AUTHORIZATION)
_ENTITLEMENT: Final = Vocabulary(ENTITLEMENT)
_RESULTS: Final = Vocabulary(RESULTS)
_MILLISECONDS: Final = 100_000_000_000  # above it a time stamp is in milliseconds: in seconds it would be the year 5138
_DEEPEST: Final = 6
_LEAST_LINES: Final = 3
_BRACKETS: Final = {"{": "}", "[": "]"}
_MARK: Final = re.compile(r'\\.?|[",{}\[\]]', re.DOTALL)
_DEEPEST_CUT: Final = 32
_NO_FAILURE: Final = ("ok", "successful", "success")

Object = Mapping[str, Any]


def is_json(start: str) -> bool:
    """Whether a text that begins like this is JSON."""
    return start.startswith("{") or (start.startswith("[") and start[1:].lstrip()[:1] in ("{", "]"))


def read_json(text: str) -> Reading:
    """Read the JSON of FMC, Catalyst Center or CML; of a text that was cut, what is whole.

    Raises UnreadableTextError for other JSON, and for what is not JSON.
    """
    try:
        content = msgspec.json.decode(whole_part(text))
    except JSON_ERRORS as error:
        raise UnreadableTextError(f"it begins like JSON and is not: {error}") from None
    for found in _objects(content, _DEEPEST):
        for form, keys, reader in _FORMS:
            if keys <= found.keys():
                return Reading(reader(found), form=form)
    raise UnreadableTextError("it is JSON, but not that of FMC, Catalyst Center or CML about their licences")


def printed_in(text: str) -> list[str]:
    """The whole outputs that the JSON of an automation holds: strings of several lines, or else lists of lines.

    None in JSON that cannot be read.
    """
    try:
        content = msgspec.json.decode(whole_part(text))
    except JSON_ERRORS:
        return []
    values = list(_values(content, _DEEPEST))
    texts = [value for value in values if isinstance(value, str) and value.count("\n") >= _LEAST_LINES]
    lists = [value for value in values if isinstance(value, list) and all(isinstance(line, str) for line in value)]
    outputs = texts or ["\n".join(value) for value in lists if len(value) >= _LEAST_LINES]
    return [f"{output}\n" for output in outputs]


def _values(value: object, depth: int) -> Iterator[object]:
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in list(inner)[:100] if depth else ():
        yield from _values(each, depth - 1)


def whole_part(text: str) -> str:
    """Close the brackets of a JSON text that was cut, behind its last whole value; other texts stay as they are."""
    opened: list[str] = []
    whole, closing = 0, ""
    in_string = False
    position = -1
    while (found := _MARK.search(text, position + 1)) is not None:
        position, mark = found.start(), found[0]
        if mark[0] == "\\":
            position += len(mark) - 1
        elif mark == '"':
            in_string = not in_string
        elif in_string:
            continue
        elif mark in _BRACKETS and len(opened) < _DEEPEST_CUT:
            opened.append(_BRACKETS[mark])
            whole, closing = position + 1, "".join(reversed(opened))
        elif mark == "," and opened:
            whole, closing = position, "".join(reversed(opened))
        elif opened and mark == opened[-1]:
            opened.pop()
            whole, closing = position + 1, "".join(reversed(opened))
        else:
            return text
    return text[:whole] + closing if opened else text


def _objects(value: object, depth: int) -> Iterator[Object]:
    if depth and isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _objects(inner, depth - 1)
    elif depth and isinstance(value, list):
        for inner in value[:100]:
            yield from _objects(inner, depth - 1)


def _read_fmc(found: Object) -> LicenseReport:
    status = _object(found, "smartLicenseStatus") or found
    report = LicenseReport("classic")
    registered = _text(status, "registrationStatus") or ""
    report.registration.status = _REGISTRATION.find(registered)
    report.registration.virtual_account = _text(status, "virtualAccount")
    report.registration.export_controlled = _bool(status, "exportControl")
    report.registration.initial = _succeeded(_stamp(status, "registrationTimestamp"))
    report.authorization.status = _AUTHORIZATION.find(_text(status, "authorizationStatus") or "")
    report.authorization.at = _stamp(status, "authorizationTimeStamp")
    report.authorization.last_contact = _succeeded(_stamp(status, "syncTimeStamp"))
    if registered.upper().startswith("EVAL") and report.authorization.status is None:
        report.authorization.status = "evaluation"
    days = _count(status, "evaluationRemainingDays")
    if report.authorization.status == "evaluation" and days is not None:
        report.evaluation.in_use = True
        report.evaluation.remaining_seconds = days * 86400
    return report


def _read_catalyst_center(found: Object) -> LicenseReport:
    report = LicenseReport("classic")
    registration, authorization = _object(found, "registrationStatus"), _object(found, "authorizationStatus")
    report.registration.status = _REGISTRATION.find_state(_text(registration, "status") or "")
    report.registration.smart_account = _text(found, "smartAccountId")
    report.registration.virtual_account = _text(found, "virtualAccountId")
    report.registration.last_renewal = _last_attempt(registration)
    report.registration.next_renewal = _stamp(registration, "nextAttemptTimestamp")
    report.registration.expires = _stamp(registration, "expiryTimestamp")
    report.authorization.status = _AUTHORIZATION.find_state(_text(authorization, "status") or "")
    report.authorization.last_contact = _last_attempt(authorization)
    report.authorization.next_contact = _stamp(authorization, "nextAttemptTimestamp")
    report.authorization.deadline = _stamp(authorization, "expiryTimestamp")
    report.entitlements = [
        Entitlement(
            name=_text(each, "description"),
            tag=_text(each, "tag"),
            count=_count(each, "usageCount"),
            status=_status_of(_text(each, "status")),
        )
        for each in _list(found, "entitlements")
    ]
    report.failures = _reasons(report)
    return report


def _read_cml(found: Object) -> LicenseReport:
    report = LicenseReport("classic")
    registration, authorization = _object(found, "registration"), _object(found, "authorization")
    renewal, contact = _object(registration, "renew_time"), _object(authorization, "renew_time")
    report.registration.status = _REGISTRATION.find_state(_text(registration, "status") or "")
    report.registration.smart_account = _text(registration, "smart_account")
    report.registration.virtual_account = _text(registration, "virtual_account")
    report.registration.initial = _cml_attempt(_object(registration, "register_time"))
    report.registration.last_renewal = _cml_attempt(renewal)
    report.registration.next_renewal = _date(renewal, "scheduled")
    report.registration.expires = _date(registration, "expires")
    report.authorization.status = _AUTHORIZATION.find_state(_text(authorization, "status") or "")
    report.authorization.last_contact = _cml_attempt(contact)
    report.authorization.next_contact = _date(contact, "scheduled")
    report.authorization.deadline = _date(authorization, "expires")
    if report.authorization.status == "evaluation":
        report.evaluation.in_use = True
    report.entitlements = [
        Entitlement(_text(each, "name"), _text(each, "id"), _count(each, "in_use"), _status_of(_text(each, "status")))
        for each in _list(found, "features")
    ]
    transport = _object(found, "transport")
    proxy = _object(transport, "proxy")
    report.transport.url = _text(transport, "ssms")
    if server := _text(proxy, "server"):
        report.proxy = ConfiguredProxy(server, _count(proxy, "port"))
    report.product.uuid = _text(_object(found, "udi"), "product_uuid")
    report.failures = _reasons(report)
    return report


_FORMS: Final = (
    ("FMC", {"smartLicenseStatus"}, _read_fmc),
    ("FMC", {"registrationStatus", "evaluationRemainingDays"}, _read_fmc),
    ("Catalyst Center", {"registrationStatus", "authorizationStatus"}, _read_catalyst_center),
    ("CML", {"registration", "authorization", "transport"}, _read_cml),
)


def _reasons(report: LicenseReport) -> list[str]:
    attempts = (report.registration.initial, report.registration.last_renewal, report.authorization.last_contact)
    return list(dict.fromkeys(each.reason for each in attempts if each is not None and each.reason is not None))


def _last_attempt(found: Object) -> Attempt | None:
    result = _RESULTS.find(_text(found, "lastAttemptStatus") or "")
    if result is None:
        return None
    return Attempt(result, _stamp(found, "lastAttemptTimestamp"), _failure(_text(found, "lastAttemptFailReason")))


def _cml_attempt(found: Object) -> Attempt | None:
    result = _RESULTS.find(_text(found, "status") or "")
    if result is None or result == "none":
        return None
    at = _date(found, "succeeded") if result == "succeeded" else _date(found, "attempted")
    return Attempt(result, at, _failure(_text(found, "failure")))


def _failure(reason: str | None) -> str | None:
    return None if reason is None or reason.lower().rstrip(".") in _NO_FAILURE else reason


def _succeeded(at: str | None) -> Attempt | None:
    return None if at is None else Attempt("succeeded", at)


def _status_of(word: str | None) -> str | None:
    return None if word is None else _ENTITLEMENT.find(word)


def _object(found: Object, key: str) -> Object:
    value = found.get(key)
    return value if isinstance(value, dict) else {}


def _list(found: Object, key: str) -> list[Object]:
    value = found.get(key)
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, dict)]


def _text(found: Object, key: str) -> str | None:
    value = found.get(key)
    return value_of(value) if isinstance(value, str) else None


def _bool(found: Object, key: str) -> bool | None:
    value = found.get(key)
    return value if isinstance(value, bool) else None


def _count(found: Object, key: str) -> int | None:
    value = found.get(key)
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9
    return value if is_count else None


def _stamp(found: Object, key: str) -> str | None:
    """A time stamp in seconds or milliseconds, or a printed date; None for 0, which means never."""
    value = found.get(key)
    if isinstance(value, str):
        return _date(found, key)
    if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
        return None
    try:
        at = datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS else value, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return f"{at:%Y-%m-%dT%H:%M:%S} UTC"


def _date(found: Object, key: str) -> str | None:
    """A date; one without a zone is in UTC, as CML writes it."""
    text = _text(found, key)
    return None if text is None else printed(text) or printed(f"{text} UTC")
