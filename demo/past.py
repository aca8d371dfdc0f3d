"""What the ledger knows before the demo begins: a year of contacts, a client that fell silent, one out of compliance.

Pure. Every date is relative to now, so the demo tells the same stories on any day.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from licensegate.ledger.clients import ClientKey, ClientKind
from licensegate.ledger.entries import ContactEntry, DayEntry, HourEntry, LedgerEntry, TextEntry
from licensegate.ledger.product_words import entry_of_text
from licensegate.licensing.read import read

from .printed import show_license_all

Past: TypeAlias = Callable[[str, datetime], Iterator[LedgerEntry]]
"""The entries of a client of this name, at this time."""

_DAY: Final = timedelta(days=1)
_YEAR: Final = 364
_OUTAGE: Final = range(201, 204)
_KEPT_HOURS: Final = 60
"""Contacts that the client's rhythm is learned from; the ledger keeps 64."""


def nothing(client: str, now: datetime) -> Iterator[LedgerEntry]:
    """No entry: it never called."""
    yield from ()


def daily_contacts(host: str, *, first: int = _YEAR, last: int = 1) -> Past:
    """Contacts with a host on each day from `first` to `last` days ago. For three days it did not answer."""
    target = f"{host}:443"

    def past(client: str, now: datetime) -> Iterator[LedgerEntry]:
        key = ClientKey(ClientKind.NAMED, client)
        yield ContactEntry(client=key, target=target, first_success=now - first * _DAY, last_success=now - last * _DAY)
        for ago in range(first, last - 1, -1):
            time, answered = now - ago * _DAY, ago not in _OUTAGE
            yield DayEntry(
                client=key,
                target=target,
                day=time.date(),
                connections=1 if answered else 4,
                answered=int(answered),
                failed=0 if answered else 4,
                from_client=2900 + 37 * (ago % 11),
                to_client=5200 + 91 * (ago % 7) if answered else 0,
            )
            if answered and ago < last + _KEPT_HOURS:
                yield HourEntry(client=key, time=time)

    return past


def out_of_compliance(host: str) -> Past:
    """Daily contacts, and an output that somebody kept an hour ago: it uses more licences than its account has."""

    def past(client: str, now: datetime) -> Iterator[LedgerEntry]:
        yield from daily_contacts(host)(client, now)
        key, kept = ClientKey(ClientKind.NAMED, client), now - timedelta(hours=1)
        text = show_license_all(kept)
        yield TextEntry(client=key, kept=kept, kept_by="the demo", text=text)
        said = entry_of_text(key, read(text.encode()), kept)
        if said is not None:
            yield said

    return past
