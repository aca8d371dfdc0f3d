"""A client's dates in words: which is the most urgent, what it means for the client, and what to change before it."""

from datetime import datetime
from typing import Final

from licensegate.language.language import N_
from licensegate.ledger.standing import ClientStanding
from licensegate.licensing.clocks import CRITICAL_DAYS, WARNING_DAYS, Due, Level, days_until

_APPOINTMENTS: Final = frozenset(
    {"contact", "certificate_renewal", "report", "synchronisation", "out_of_compliance_retry"}
)
"""Dates at which a product does something by itself: late is a warning, near is not."""

_SILENT_WARNING_DAYS: Final = 60

FIND_OUT: Final = N_(
    "Check the proxy's address in the product and the path to the gate, then renew the authorization on the product."
)
_USE_FEWER: Final = N_(
    "Buy the missing licences, move them to the product's virtual account, or use fewer; then renew the authorization "
    "on the product."
)
_DATES: Final = {
    "authorization": (
        N_("{client} has made no contact since {since}: its authorization ends on {date}."),
        FIND_OUT,
    ),
    "overage": (
        N_("The overage of {client} ends on {date}: no users or devices can be added any more."),
        _USE_FEWER,
    ),
    "certificate_expiry": (
        N_("The registration of {client} ends on {date}."),
        N_("Check the path from the product to the gate, then renew the registration on the product."),
    ),
    "evaluation": (
        N_("The evaluation of {client} ends on {date}."),
        N_("Register the product with a token from its virtual account."),
    ),
    "acknowledgement": (
        N_("Cisco must have acknowledged a usage report of {client} by {date}."),
        N_("Check the path from the product to the gate, then have the product send its usage report."),
    ),
    "removal": (
        N_("{client} has not synchronised since {since}: Cisco removes it from the account on {date}."),
        N_("Check the path from it to the gate, then synchronise it by hand."),
    ),
    "access_token": (
        N_("The access token of {client} ends on {date}: log in there by hand before."),
        N_("Log in to its administration page with a Cisco account."),
    ),
}
"""What to say of each date, and what to change before it."""

OTHER_THAN_SILENCE: Final = frozenset(_DATES) - {"authorization", "removal"}
"""Dates that may come near although the client makes contact."""

LATE: Final = N_("{client} should have made contact by {date}, and has not.")
_OTHER_DATE: Final = N_("A time limit of {client} ends on {date}.")


def deadline_level(name: str, due: Due, now: datetime) -> Level:
    """How urgent one date is."""
    days = days_until(due.at, now)
    if name in _APPOINTMENTS:
        return Level.WARNING if days < 0 else Level.OK
    if days < CRITICAL_DAYS:
        return Level.CRITICAL
    soon = _SILENT_WARNING_DAYS if name == "authorization" else WARNING_DAYS
    return Level.WARNING if days < soon else Level.OK


def most_urgent(standing: ClientStanding, now: datetime) -> tuple[str, Due] | None:
    """The name and the date of the highest level, of several the earliest; None if none is urgent.

    What a product does by itself comes last: that it is late is why another date is near.
    """
    ranked = [(deadline_level(name, due, now), name, due) for name, due in standing.deadlines.items()]
    urgent = [each for each in ranked if each[0] > Level.UNKNOWN]
    if not urgent:
        return None
    _, name, due = min(urgent, key=lambda each: (-each[0], each[1] in _APPOINTMENTS, each[2].at))
    return name, due


def date_words(standing: ClientStanding, now: datetime) -> tuple[str, str] | None:
    """The sentence and the remedy of the most urgent date; None if none is urgent."""
    due = most_urgent(standing, now)
    if due is None:
        return None
    name = due[0]
    if name in _APPOINTMENTS:
        return LATE, FIND_OUT
    return _DATES.get(name, (_OTHER_DATE, FIND_OUT))
