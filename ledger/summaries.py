"""All clients in short, for people: how each stands, the most urgent first. Pure."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from .clients import ClientKey
from .entries import ContactEntry
from .naming import LedgerClient
from .standing import ClientStanding


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


def by_urgency(clients: Iterable[ClientSummary]) -> list[ClientSummary]:
    """The most urgent first, then by name."""
    return sorted(clients, key=_urgency)


def _urgency(summary: ClientSummary) -> tuple[int, str, ClientKey]:
    client = summary.client
    return -summary.standing.level, client.name.casefold(), client.key
