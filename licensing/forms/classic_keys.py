"""Keys of the classic model: registration, authorization, evaluation, and the failures of attempts."""

import re
from collections.abc import Mapping
from typing import Final

from ..report import Attempt
from ..times import printed, seconds_in
from ..words import AUTHORIZATION, EVALUATION_MODE, EXPORT, REGISTRATION, RESULTS, Vocabulary, before_date, value_of
from .context import KeyReader, OutputContext, date_key

_REGISTRATION: Final = Vocabulary(REGISTRATION)
_AUTHORIZATION: Final = Vocabulary(AUTHORIZATION)
_RESULTS: Final = Vocabulary(RESULTS)
_EXPORT: Final = Vocabulary(EXPORT)
_EVALUATION_MODE: Final = Vocabulary(EVALUATION_MODE)
_EXPIRES: Final = re.compile(r"\b(?:Registration|Authori[sz]ation) Expires on ?:? ?", re.IGNORECASE)


def registration_status(context: OutputContext, value: str, unfinished: bool) -> bool:
    """Read the `Status` below `Registration`."""
    registration = context.reading.report.registration
    if registration.status is None:
        registration.status = _REGISTRATION.find_state(value, unfinished)
    return registration.status is not None


def authorization_status(context: OutputContext, value: str, unfinished: bool) -> bool:
    """Read the `Status` below `License Authorization`, or its repetition below `License Usage`."""
    report = context.reading.report
    if report.authorization.status is None:
        report.authorization.status = _AUTHORIZATION.find_state(value, unfinished)
        report.authorization.at = printed(value, unfinished)
        if report.authorization.status == "evaluation_expired" and report.evaluation.expired_at is None:
            report.evaluation.expired_at = report.authorization.at
    return report.authorization.status is not None and _has_its_date(value, unfinished)


def _smart_account(context: OutputContext, value: str, unfinished: bool) -> bool:
    account, as_of = before_date(value)
    if context.reading.report.registration.smart_account is None and (as_of or not unfinished):
        context.reading.report.registration.smart_account = value_of(account)
    return True


def _virtual_account(context: OutputContext, value: str, unfinished: bool) -> bool:
    account, as_of = before_date(value)
    if context.reading.report.registration.virtual_account is None and (as_of or not unfinished):
        context.reading.report.registration.virtual_account = value_of(account)
    return True


def _export(context: OutputContext, value: str, unfinished: bool) -> bool:
    registration = context.reading.report.registration
    if registration.export_controlled is None:
        registration.export_controlled = _EXPORT.find(value, unfinished)
    return True


def _initial(context: OutputContext, value: str, unfinished: bool) -> bool:
    registration = context.reading.report.registration
    attempt = _begin_attempt(context, value, unfinished)
    registration.initial = registration.initial or attempt
    return attempt is not None and _has_its_date(value, unfinished)


def _last_renewal(context: OutputContext, value: str, unfinished: bool) -> bool:
    registration = context.reading.report.registration
    attempt = _begin_attempt(context, value, unfinished)
    registration.last_renewal = registration.last_renewal or attempt
    return attempt is not None and _has_its_date(value, unfinished)


def _last_contact(context: OutputContext, value: str, unfinished: bool) -> bool:
    authorization = context.reading.report.authorization
    attempt = _begin_attempt(context, value, unfinished)
    authorization.last_contact = authorization.last_contact or attempt
    return attempt is not None and _has_its_date(value, unfinished)


def _has_its_date(value: str, unfinished: bool) -> bool:
    """Whether nothing is lost of `… on DATE`: a date in a form that no product is known to print cannot be placed."""
    return unfinished or not before_date(value)[1] or printed(value) is not None


def _begin_attempt(context: OutputContext, value: str, unfinished: bool) -> Attempt | None:
    word, _ = before_date(value)
    result = _RESULTS.find(word, unfinished)
    context.attempt = None if result is None else Attempt(result, printed(value, unfinished))
    return context.attempt


def _failure(context: OutputContext, value: str, unfinished: bool) -> bool:
    reason = None if unfinished else value_of(value)
    if reason is None:
        return True
    if context.attempt is not None and context.attempt.reason is None:
        context.attempt.reason = reason
    if reason not in context.reading.report.failures:
        context.reading.report.failures.append(reason)
    return True


def _evaluation_mode(context: OutputContext, value: str, unfinished: bool) -> bool:
    context.reading.report.evaluation.in_use = _EVALUATION_MODE.find(value, unfinished)
    return True


def _remaining(context: OutputContext, value: str, unfinished: bool) -> bool:
    evaluation = context.reading.report.evaluation
    seconds = seconds_in(value, unfinished)
    if seconds is not None:
        evaluation.remaining_seconds = seconds
        evaluation.in_use = True if evaluation.in_use is None else evaluation.in_use
    return seconds is not None or unfinished


def _page_registration(context: OutputContext, value: str, unfinished: bool) -> bool:
    """Read `Registered ( 22 Aug 2018 07:10 ) Registration Expires on : 22 Aug 2019 07:05` of AsyncOS' pages."""
    state, _, expires = _EXPIRES.sub("\n", value, count=1).partition("\n")
    registration = context.reading.report.registration
    word, dated, _ = state.partition("(")
    registration.status = registration.status or _REGISTRATION.find_state(word, unfinished and not (dated or expires))
    registration.expires = registration.expires or printed(expires, unfinished)
    return registration.status is not None


def _page_authorization(context: OutputContext, value: str, unfinished: bool) -> bool:
    """Read a status such as `Authorized ( 22 Aug 2018 07:21 ) Authorization Expires on : 20 Nov 2018 07:15`.

    The command line has `AUTHORIZED as of Mar 3 10:22:06 2026 IST` under the same key.
    """
    state, _, expires = _EXPIRES.sub("\n", value, count=1).partition("\n")
    word, dated, _ = state.partition("(")
    context.licence = None
    authorization = context.reading.report.authorization
    if not dated and not expires:
        return authorization_status(context, value, unfinished)
    authorization.status = authorization.status or _AUTHORIZATION.find_state(word)
    authorization.at = authorization.at or printed(state, unfinished and not expires)
    authorization.deadline = authorization.deadline or printed(expires, unfinished)
    return authorization.status is not None


def _page_transport(context: OutputContext, value: str, unfinished: bool) -> bool:
    """Read `Direct (https://…)`: a gateway has the address of another server."""
    _, found, url = value.partition("(")
    if found and not unfinished:
        context.reading.report.transport.url = value_of(url.strip(" )"))
    return True


CLASSIC_KEYS: Final[Mapping[str, KeyReader]] = {
    "smart account": _smart_account,
    "virtual account": _virtual_account,
    "export-controlled functionality": _export,
    "initial registration": _initial,
    "last renewal attempt": _last_renewal,
    "next renewal attempt": date_key("registration", "next_renewal"),
    "registration expires": date_key("registration", "expires"),
    "last communication attempt": _last_contact,
    "next communication attempt": date_key("authorization", "next_contact"),
    "communication deadline": date_key("authorization", "deadline"),
    "failure reason": _failure,
    "evaluation mode": _evaluation_mode,
    "evaluation period remaining": _remaining,
    "license authorization status": _page_authorization,
    "registration status": _page_registration,
    "last registration renewal attempt status": _last_renewal,
    "last authorization renewal attempt status": _last_contact,
    "authorization expires on": date_key("authorization", "deadline"),
    "transport settings": _page_transport,
}
