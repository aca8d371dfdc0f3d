"""What a report tells the clocks: its dates as instants, the last contact that succeeded, the clocks that run."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import to_builtins

from .clocks import ClockModel, KnownOfClient
from .limits import limit
from .report import Attempt, LicenseReport, Reading
from .times import ZoneRule


def said_by(reading: Reading, now: datetime) -> KnownOfClient:
    """What a report says of its product, for the clocks; `now` is when it said so."""
    return known_of(reading.report, ZoneRule(dates_in(to_builtins(reading.report)), None), "", now)


def printed_at(reading: Reading) -> datetime | None:
    """When the product printed the text, by its own synchronised clock; None if the text does not tell."""
    return ZoneRule(dates_in(to_builtins(reading.report)), None).instant(reading.captured_at)


def dates_in(value: object) -> Iterator[str]:
    """Every date of a report: they decide together what an abbreviation such as IST means."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from dates_in(inner)
    elif isinstance(value, str) and len(value) > 20 and value[10:11] == "T" and value[19:20] == " ":
        yield value


def known_of(report: LicenseReport, rule: ZoneRule, family: str, now: datetime) -> KnownOfClient:
    """What a report says of its product, for the clocks; `rule` reads its dates, `family` replaces its own."""
    registration, authorization, policy = report.registration, report.authorization, report.policy
    at = rule.instant(authorization.at)
    state = authorization.status
    is_policy = report.model == "policy"
    is_over = registration.status in ("unregistered", "registration_expired")  # what began with it has ended with it
    left = report.evaluation.remaining_seconds
    in_evaluation = state in (None, "evaluation") and report.evaluation.in_use is not False
    return KnownOfClient(
        model=_clock_model(report),
        family=family,
        last_contact=None if is_over else _last_success(report, rule),
        registered=None
        if is_over
        else rule.instant(_success(registration.last_renewal) or _success(registration.initial)),
        out_of_compliance_since=at if state == "out_of_compliance" else None,
        authorization_expired=at if state == "authorization_expired" else None,
        evaluation_at=now,
        evaluation_left=timedelta(seconds=left) if left is not None and in_evaluation else None,
        evaluation_expired=rule.instant(report.evaluation.expired_at) if state == "evaluation_expired" else None,
        reports_nothing=is_policy and policy.push_interval_days == 0,
        no_licences_in_use=state == "no_licenses_in_use",
        contact_failed=any(
            each is not None and each.result == "failed"
            for each in (registration.last_renewal, authorization.last_contact)
        ),
        printed_contact=rule.instant(policy.next_push if is_policy else authorization.next_contact),
        printed_deadline=rule.instant(policy.next_ack_deadline if is_policy else authorization.deadline),
        printed_certificate_renewal=rule.instant(registration.next_renewal),
        printed_certificate_expiry=rule.instant(registration.expires),
    )


def _clock_model(report: LicenseReport) -> ClockModel:
    if report.registration.status == "reserved":
        return "reserved"
    if report.model == "traditional" or report.model == "policy":
        return report.model
    return "classic"


def _success(attempt: Attempt | None) -> str | None:
    return attempt.at if attempt is not None and attempt.result == "succeeded" else None


def _last_success(report: LicenseReport, rule: ZoneRule) -> datetime | None:
    """The last contact that succeeded: the attempt's date, or after a failure 90 days before the printed deadline."""
    if report.model == "policy":
        return rule.instant(report.policy.last_ack)
    attempt = report.authorization.last_contact
    if attempt is not None and attempt.result == "failed":
        deadline = rule.instant(report.authorization.deadline)
        return None if deadline is None else deadline - limit("authorization").length
    is_answer = report.authorization.status in ("authorized", "out_of_compliance")
    return rule.instant(_success(attempt)) or (rule.instant(report.authorization.at) if is_answer else None)
