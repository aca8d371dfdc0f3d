"""The dates that follow from what is known of a product, how many days are left, and how urgent that is.

Where Cisco's documents disagree, the shorter clock warns. A date that the product printed replaces an estimate, and
`Due.printed` says which it is. Pure arithmetic on aware datetimes; a date beyond the year 9999 is None.
"""

from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final, Literal

from msgspec import Struct, structs

from .limits import Limit, family_named, limit

ClockModel = Literal["classic", "classic_on_prem", "policy", "on_prem", "reserved", "traditional"]

WARNING_DAYS: Final = 30
CRITICAL_DAYS: Final = 10
_SILENT_DAYS: Final = 60  # fewer days left: the contact of day 30 was missed
_EVALUATION_CRITICAL_DAYS: Final = 14
_OVERAGE_CRITICAL_DAYS: Final = 30
_AHEAD: Final = timedelta(days=1)  # what happened further in the future: one of the two clocks is wrong


class Level(IntEnum):
    """How urgent it is, in rising order. UNKNOWN is no alarm and not all right either."""

    OK = 0
    UNKNOWN = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def label(self) -> str:
        """The level in lower case."""
        return self.name.lower()


class KnownOfClient(Struct, frozen=True, kw_only=True):
    """What is known of a product. Fields named `printed_…` are its own words; None is unknown.

    `evaluation_left` counts from `evaluation_at`. `reports_nothing` is a push interval of 0. With `no_licences_in_use`
    there is nothing to authorize: only the registration has to be renewed.
    """

    model: ClockModel = "classic"
    family: str = ""
    last_contact: datetime | None = None
    registered: datetime | None = None
    out_of_compliance_since: datetime | None = None
    authorization_expired: datetime | None = None
    evaluation_at: datetime | None = None
    evaluation_left: timedelta | None = None
    evaluation_expired: datetime | None = None
    last_login: datetime | None = None
    reports_nothing: bool = False
    no_licences_in_use: bool = False
    contact_failed: bool = False
    printed_contact: datetime | None = None
    printed_deadline: datetime | None = None
    printed_certificate_renewal: datetime | None = None
    printed_certificate_expiry: datetime | None = None


class Due(Struct, frozen=True):
    """A date, whether the product printed it, and the limit that it follows."""

    at: datetime
    printed: bool
    rule: Limit


class Clocks(Struct, frozen=True, kw_only=True):
    """The dates of one product; None where such a clock does not run.

    `enforced` is the earliest date at which Cisco's texts let something be blocked. `days_left` counts to `deadline`,
    rounded down: -1 is a deadline passed less than a day ago.
    """

    contact: Due | None = None
    deadline: Due | None = None
    certificate_renewal: Due | None = None
    certificate_expiry: Due | None = None
    overage_end: Due | None = None
    evaluation_end: Due | None = None
    enforced: datetime | None = None
    days_left: int | None = None
    level: Level = Level.UNKNOWN


def days_until(due: datetime, now: datetime) -> int:
    """Whole days from now to a date, rounded down; negative once it has passed."""
    return (due - now) // timedelta(days=1)


def clocks(known: KnownOfClient, now: datetime) -> Clocks:
    """The clocks of a product at this time."""
    if known.model == "reserved":
        return Clocks(level=Level.OK)
    if known.model == "traditional":
        return Clocks()
    if known.model == "on_prem":
        running = _on_prem(known)
    elif known.model == "policy":
        running = _policy(known)
    else:
        running = _classic(known)
    days = None if running.deadline is None else days_until(running.deadline.at, now)
    return structs.replace(running, days_left=days, level=_level(known, running, now))


def _after(start: datetime | None, rule: Limit) -> Due | None:
    """An estimate: the rule's time after its start."""
    if start is None:
        return None
    try:
        return Due(start + rule.length, False, rule)
    except OverflowError:
        return None


def _printed(at: datetime | None, rule: Limit) -> Due | None:
    return None if at is None else Due(at, True, rule)


def _latest(*times: datetime | None) -> datetime | None:
    return max((time for time in times if time is not None), default=None)


def _earliest(*times: datetime | None) -> datetime | None:
    return min((time for time in times if time is not None), default=None)


def _at(due: Due | None) -> datetime | None:
    return None if due is None else due.at


def _on_prem(known: KnownOfClient) -> Clocks:
    return Clocks(
        contact=_after(known.last_contact, limit("synchronisation", "on_prem")),
        deadline=min(
            filter(
                None,
                (
                    _after(known.last_contact, limit("removal", "on_prem")),
                    _after(known.last_login, limit("access_token", "on_prem")),
                ),
            ),
            key=lambda due: due.at,
            default=None,
        ),
    )


def _policy(known: KnownOfClient) -> Clocks:
    deadline = _printed(known.printed_deadline, limit("acknowledgement", "policy"))
    stops = known.family.lower() == "cube"
    return Clocks(
        contact=None if known.reports_nothing else _printed(known.printed_contact, limit("report", "policy")),
        deadline=deadline,
        enforced=_at(deadline) if stops else None,
    )


def _classic(known: KnownOfClient) -> Clocks:
    contact = _latest(known.last_contact, known.registered, known.out_of_compliance_since) or _before_printed(known)
    if known.no_licences_in_use:
        contact = None
    deadline = _printed(known.printed_deadline, limit("authorization")) or _deadline(known, contact)
    evaluation = _evaluation(known)
    overage = _overage(known, deadline)
    renewal = limit("contact") if known.out_of_compliance_since is None else limit("out_of_compliance_retry")
    return Clocks(
        contact=_printed(known.printed_contact, renewal) or _after(contact, renewal),
        deadline=deadline,
        certificate_renewal=_printed(known.printed_certificate_renewal, limit("certificate_renewal", known.model))
        or _after(known.registered, limit("certificate_renewal", known.model)),
        certificate_expiry=_printed(known.printed_certificate_expiry, limit("certificate_expiry", known.model))
        or _after(known.registered, limit("certificate_expiry", known.model)),
        overage_end=overage,
        evaluation_end=evaluation,
        enforced=None
        if known.no_licences_in_use
        else _earliest(_at(deadline), _at(evaluation), None if known.out_of_compliance_since is None else _at(overage)),
    )


def _before_printed(known: KnownOfClient) -> datetime | None:
    """The last contact by the next one that the product printed, after a success: summaries have no other date."""
    if known.printed_contact is None or known.contact_failed or known.authorization_expired is not None:
        return None
    try:
        return known.printed_contact - limit("contact").length
    except OverflowError:
        return None


def _deadline(known: KnownOfClient, contact: datetime | None) -> Due | None:
    """The end of the authorization: 90 days after the last contact, or when the product says that it expired."""
    rule = limit("authorization")
    if known.authorization_expired is not None:
        return Due(known.authorization_expired, True, rule)
    return _after(contact, rule)


def _overage(known: KnownOfClient, deadline: Due | None) -> Due | None:
    """The end of the overage. It is not estimated on top of a date that lies ahead in the product's own words."""
    rule = limit("overage")
    if known.out_of_compliance_since is not None:
        return _after(known.out_of_compliance_since, rule)
    if known.authorization_expired is not None:
        return _after(known.authorization_expired, rule) if _has_overage(known) else None
    if deadline is None or deadline.printed or not _has_overage(known):
        return None
    return _after(deadline.at, rule)


def _has_overage(known: KnownOfClient) -> bool:
    family = family_named(known.family)
    return family is None or family.overage


def _evaluation(known: KnownOfClient) -> Due | None:
    rule = limit("evaluation")
    if known.evaluation_expired is not None:
        return Due(known.evaluation_expired, True, rule)
    if known.evaluation_at is None or known.evaluation_left is None:
        return None
    try:
        return Due(known.evaluation_at + known.evaluation_left, True, rule)
    except OverflowError:
        return None


def _level(known: KnownOfClient, running: Clocks, now: datetime) -> Level:
    """The worst of what the clocks say. A product that reports nothing has nothing due and never alarms."""
    if known.reports_nothing:
        return Level.OK
    happened = _latest(
        known.last_contact,
        known.registered,
        known.out_of_compliance_since,
        known.authorization_expired,
        known.evaluation_expired,
        known.last_login,
    )
    if happened is not None and happened - now > _AHEAD:
        return Level.UNKNOWN
    levels = [
        *_deadline_levels(known, running, now),
        *(_by_days(due, now, WARNING_DAYS, CRITICAL_DAYS) for due in (running.certificate_expiry,) if due is not None),
    ]
    if known.contact_failed:
        levels.append(Level.WARNING)
    if any(due is not None and due.at < now for due in (running.contact, running.certificate_renewal)):
        levels.append(Level.WARNING)
    if running.evaluation_end is not None:
        levels.append(max(Level.WARNING, _by_days(running.evaluation_end, now, 0, _EVALUATION_CRITICAL_DAYS)))
    if known.out_of_compliance_since is not None and running.overage_end is not None:
        levels.append(max(Level.WARNING, _by_days(running.overage_end, now, 0, _OVERAGE_CRITICAL_DAYS + 1)))
    return max(levels, default=Level.UNKNOWN)


def _deadline_levels(known: KnownOfClient, running: Clocks, now: datetime) -> list[Level]:
    """The level of the deadline. In the policy model it is near by nature, and warns if no report comes before it."""
    if running.deadline is None or known.no_licences_in_use:
        return []
    soon = WARNING_DAYS
    if known.model in ("classic", "classic_on_prem"):
        soon = _SILENT_DAYS
    elif running.contact is not None and now <= running.contact.at < running.deadline.at:
        soon = CRITICAL_DAYS
    return [_by_days(running.deadline, now, soon, CRITICAL_DAYS)]


def _by_days(due: Due, now: datetime, warning: int, critical: int) -> Level:
    days = days_until(due.at, now)
    if days < critical:
        return Level.CRITICAL
    return Level.WARNING if days < warning else Level.OK
