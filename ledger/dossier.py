"""Everything that the ledger has of one client, and what of it belongs to one month, for an auditor. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct

from .entries import ClientHistory, ContactEntry, ManualEntry, ManualKind, ProductEntry, TextEntry
from .naming import LedgerClient
from .standing import ClientStanding, standing


class LedgerDay(Struct, frozen=True):
    """A client's connections that began on one day (UTC), with all targets together."""

    day: date
    connections: int = 0
    answered: int = 0
    failed: int = 0
    from_client: int = 0
    to_client: int = 0


class KeptText(Struct, frozen=True):
    """A text beside a client, without its content: when it was brought, by whom, and its size in bytes."""

    kept: datetime
    kept_by: str
    size: int


class ClientDossier(Struct, frozen=True):
    """Everything of one client: `days` with a connection, the oldest first, and `texts`, the newest first.

    `text` is the newest text with its content.
    """

    client: LedgerClient
    standing: ClientStanding
    history: ClientHistory
    days: tuple[LedgerDay, ...] = ()
    texts: tuple[KeptText, ...] = ()
    text: TextEntry | None = None


class MonthEvidence(Struct, frozen=True):
    """What is known of a client's contacts in one month, for an auditor. `month` is its first day; times are in UTC.

    `days` are all days of the month until `made`, also those without a connection. A day has a contact if a target
    answered on it or a contact was recorded by hand; `longest_gap_days` is the longest run of days without one.
    `manual` was done by hand in it, and `words` are what the product said in it, the oldest first. `failures` are the
    targets whose last failure is in it, with outcome and finding; `days` count the other failures. `standing` has the
    deadlines as they are at the time of `made`.
    """

    client: LedgerClient
    month: date
    made: datetime
    standing: ClientStanding
    days: tuple[LedgerDay, ...]
    days_with_contact: int
    longest_gap_days: int
    manual: tuple[ManualEntry, ...]
    words: tuple[ProductEntry, ...]
    failures: tuple[ContactEntry, ...]


def month_after(month: date) -> date:
    """The first day of the month after the one of this day. Raises OverflowError after the year 9999."""
    return (month.replace(day=1) + timedelta(days=31)).replace(day=1)


def month_evidence(
    client: LedgerClient,
    history: ClientHistory,
    days: Iterable[LedgerDay],
    words: Iterable[ProductEntry],
    month: date,
    now: datetime,
) -> MonthEvidence:
    """The evidence of the month of this day. `days` and `words` may have others, which are left out."""
    first = month.replace(day=1)
    after = month_after(first)
    known = {each.day: each for each in days}
    until = min(after, now.date() + timedelta(days=1))
    month_days = (first + timedelta(days=number) for number in range((max(until, first) - first).days))
    all_days = tuple(known.get(day) or LedgerDay(day) for day in month_days)
    manual = tuple(entry for entry in history.manual if first <= entry.time.date() < after)
    by_hand = {entry.time.date() for entry in manual if entry.what is ManualKind.CONTACT}
    had_contact = [each.answered > 0 or each.day in by_hand for each in all_days]
    said = {entry.said: entry for entry in words if first <= entry.said.date() < after}
    return MonthEvidence(
        client,
        first,
        now,
        standing(client, history, now),
        all_days,
        sum(had_contact),
        _longest_run(had_contact),
        manual,
        tuple(said[time] for time in sorted(said)),
        tuple(entry for entry in history.contacts if entry.last_failure and first <= entry.last_failure.date() < after),
    )


def _longest_run(had_contact: Sequence[bool]) -> int:
    """The longest run of days without a contact."""
    longest = run = 0
    for had in had_contact:
        run = 0 if had else run + 1
        longest = max(longest, run)
    return longest
