"""The metrics of named clients, from what the ledger has of them. Only `[[client]]`s of the settings become labels.

Each is such that `max by (client)` over several gates is right, whether they share a ledger or each has its own: the
gate that saw the latest contact has the latest dates and the best standing.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from licensegate.ledger.clients import NamedClient
from licensegate.ledger.standing import ClientStanding
from licensegate.licensing.clocks import Level

from .ledger import Ledger

STANDINGS: Final = {Level.OK: 3, Level.WARNING: 2, Level.CRITICAL: 1, Level.UNKNOWN: 0}
"""The better the greater, so that the best informed of several gates counts."""

Sample = tuple[tuple[str, ...], float]


class ClientStandings:
    """How each named client stands, as the samples of a scrape."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @property
    def is_kept(self) -> bool:
        """Whether a ledger is kept, so that it may have samples."""
        return self._ledger.is_kept

    @property
    def is_working(self) -> bool:
        """Whether the ledger can be written and read."""
        writer = self._ledger.writer
        return writer is not None and writer.is_working is not False

    @property
    def dropped(self) -> int:
        """The records that are in no ledger."""
        writer = self._ledger.writer
        return 0 if writer is None else writer.dropped

    @property
    def _all(self) -> Sequence[tuple[NamedClient, ClientStanding]]:
        writer = self._ledger.writer
        return () if writer is None else writer.standings

    def clients(self) -> Iterator[Sample]:
        """Each client with its product and its clocks."""
        for client, stands in self._all:
            yield (client.name, client.product or "other", stands.model), 1

    def standings(self) -> Iterator[Sample]:
        """Each client's standing."""
        for client, stands in self._all:
            yield (client.name,), STANDINGS[stands.level]

    def last_contacts(self) -> Iterator[Sample]:
        """When each client last made contact, on its own or by hand."""
        for client, stands in self._all:
            if stands.last_contact is not None:
                yield (client.name,), stands.last_contact.timestamp()

    def last_failures(self) -> Iterator[Sample]:
        """When a contact of each client last failed."""
        for client, stands in self._all:
            if stands.last_failure is not None:
                yield (client.name,), stands.last_failure.timestamp()

    def deadlines(self) -> Iterator[Sample]:
        """Each client's deadlines, and whether its product printed them."""
        for client, stands in self._all:
            for name, due in stands.deadlines.items():
                yield (client.name, name, "printed" if due.printed else "estimated"), due.at.timestamp()

    def answers(self) -> Iterator[Sample]:
        """When each client's product said what counts here."""
        for client, stands in self._all:
            if stands.said is not None:
                yield (client.name,), stands.said.timestamp()

    def enforcements(self) -> Iterator[Sample]:
        """When something is blocked at the earliest if no contact succeeds."""
        for client, stands in self._all:
            if stands.enforced is not None:
                yield (client.name,), stands.enforced.timestamp()

    def longest_silences(self) -> Iterator[Sample]:
        """How long each client is usually silent at most."""
        for client, stands in self._all:
            if stands.longest_silence is not None:
                yield (client.name,), stands.longest_silence.total_seconds()
