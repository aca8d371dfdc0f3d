"""Keys of the classic model: registration, authorization, evaluation, and the failures of attempts."""

from collections.abc import Mapping
from typing import Final

from ..report import Attempt
from ..times import printed, seconds_in
from ..words import AUTHORIZATION, EVALUATION_MODE, EXPORT, REGISTRATION, RESULTS, Vocabulary, value_of
from .context import KeyReader, OutputContext, date_key

_REGISTRATION: Final = Vocabulary(REGISTRATION)
_AUTHORIZATION: Final = Vocabulary(AUTHORIZATION)
_RESULTS: Final = Vocabulary(RESULTS)
_EXPORT: Final = Vocabulary(EXPORT)
_EVALUATION_MODE: Final = Vocabulary(EVALUATION_MODE)


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
    return report.authorization.status is not None


def _usage_status(context: OutputContext, value: str, unfinished: bool) -> bool:
    context.licence = None
    return authorization_status(context, value, unfinished)


def _smart_account(context: OutputContext, value: str, unfinished: bool) -> bool:
    account, as_of, _ = value.partition(" As of ")
    if context.reading.report.registration.smart_account is None and (as_of or not unfinished):
        context.reading.report.registration.smart_account = value_of(account)
    return True


def _virtual_account(context: OutputContext, value: str, unfinished: bool) -> bool:
    account, as_of, _ = value.partition(" As of ")
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
    registration.initial = registration.initial or _begin_attempt(context, value, unfinished)
    return registration.initial is not None


def _last_renewal(context: OutputContext, value: str, unfinished: bool) -> bool:
    registration = context.reading.report.registration
    registration.last_renewal = registration.last_renewal or _begin_attempt(context, value, unfinished)
    return registration.last_renewal is not None


def _last_contact(context: OutputContext, value: str, unfinished: bool) -> bool:
    authorization = context.reading.report.authorization
    authorization.last_contact = authorization.last_contact or _begin_attempt(context, value, unfinished)
    return authorization.last_contact is not None


def _begin_attempt(context: OutputContext, value: str, unfinished: bool) -> Attempt | None:
    word, _, _ = value.partition(" on ")
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
    "license authorization status": _usage_status,
}
