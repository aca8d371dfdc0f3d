"""All clients in short, for people: how each stands, the most urgent first, searched and paged.

Pure.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from licensegate.allowlist.clients import network_of
from licensegate.licensing.clocks import Level

from .clients import ClientKey
from .entries import ContactEntry
from .naming import LedgerClient
from .standing import ClientStanding

MOST_ON_A_PAGE: Final = 500


class ClientSummary(Struct, frozen=True):
    """One client in short. `contacts` has its last success and its last failure for each target."""

    client: LedgerClient
    standing: ClientStanding
    contacts: tuple[ContactEntry, ...] = ()

    @property
    def failure(self) -> ContactEntry | None:
        """Its contacts with the target that failed last; None if none failed."""
        failed = [entry for entry in self.contacts if entry.last_failure is not None]
        return max(failed, key=lambda entry: entry.last_failure or datetime.min, default=None)


class SummaryPage(Struct, frozen=True):
    """Some clients of those that were searched for, of which there are `total`; `by_level` counts all clients."""

    clients: tuple[ClientSummary, ...]
    total: int
    by_level: dict[Level, int]
    made: datetime


class ClientSummaries:
    """All clients, the most urgent first, then by name, as of the time when this was `made`."""

    def __init__(self, clients: Iterable[ClientSummary], made: datetime) -> None:
        self.made = made
        self.clients: Sequence[ClientSummary] = sorted(clients, key=_urgency)
        self._by_level = dict.fromkeys(Level, 0)
        for each in self.clients:
            self._by_level[each.standing.level] += 1

    def page(self, query: str = "", offset: int = 0, limit: int = 50) -> SummaryPage:
        """At most `limit` clients from `offset` on, of those whose name, address or login has the query in it.

        An address also finds the clients of the settings whose networks hold it.
        """
        found = self.clients
        if wanted := query.strip().casefold():
            found = [each for each in found if _is_found(each.client, wanted)]
        offset, limit = max(0, offset), max(0, min(limit, MOST_ON_A_PAGE))
        return SummaryPage(tuple(found[offset : offset + limit]), len(found), self._by_level, self.made)


def _urgency(summary: ClientSummary) -> tuple[int, str, ClientKey]:
    client = summary.client
    return -summary.standing.level, client.name.casefold(), client.key


def _is_found(client: LedgerClient, wanted: str) -> bool:
    if wanted in client.name.casefold() or wanted in client.key.name.casefold():
        return True
    settings = client.settings
    if settings is None:
        return False
    if any(wanted in text.casefold() for text in (*settings.users, *settings.certificates)):
        return True
    return network_of(wanted, settings.networks) is not None
