"""The metrics of named clients, from what the ledger has of them. Only `[[client]]`s of the settings become labels.

Each is such that `max by (client)` over several gates is right, whether they share a ledger or each has its own: the
gate that saw the latest contact has the latest dates and the best standing.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
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

    def answers(self) -> Mapping[str, datetime]:
        """When the product of a client said what counts here, by the client's name."""
        return {client.name: stands.said for client, stands in self._all if stands.said is not None}

    def series(self) -> Iterator[tuple[str, str, tuple[str, ...], Iterator[Sample]]]:
        """Each metric's name behind `licensegate_client_`, its help, its labels and its samples."""
        yield "info", "1: a named client, its product and its clocks.", ("client", "product", "model"), self._clients()
        yield (
            "standing",
            "How a named client stands: 3 ok, 2 warning, 1 critical, 0 unknown. Of several gates the best counts.",
            ("client",),
            self._standings(),
        )
        yield (
            "last_contact_timestamp_seconds",
            "When the target last answered the client, a contact by hand was recorded, or its product names one.",
            ("client",),
            self._last_contacts(),
        )
        yield (
            "last_failure_timestamp_seconds",
            "When a contact of the client last failed.",
            ("client",),
            self._last_failures(),
        )
        yield (
            "deadline_timestamp_seconds",
            "When a time limit of a client ends without another contact: printed by the product, or estimated.",
            ("client", "deadline", "origin"),
            self._deadlines(),
        )
        yield (
            "product_answer_timestamp_seconds",
            "When the client's product was last asked and named its dates.",
            ("client",),
            self._answers(),
        )
        yield (
            "enforcement_timestamp_seconds",
            "When something may be blocked at the earliest, if no contact comes before.",
            ("client",),
            self._enforcements(),
        )
        yield (
            "longest_silence_seconds",
            "How long the client is usually silent at most, learned from its own contacts.",
            ("client",),
            self._longest_silences(),
        )

    def _clients(self) -> Iterator[Sample]:
        """Each client with its product and its clocks."""
        for client, stands in self._all:
            yield (client.name, client.product or "other", stands.model), 1

    def _standings(self) -> Iterator[Sample]:
        """Each client's standing."""
        for client, stands in self._all:
            yield (client.name,), STANDINGS[stands.level]

    def _last_contacts(self) -> Iterator[Sample]:
        """When each client last made contact, on its own or by hand."""
        for client, stands in self._all:
            if stands.last_contact is not None:
                yield (client.name,), stands.last_contact.timestamp()

    def _last_failures(self) -> Iterator[Sample]:
        """When a contact of each client last failed."""
        for client, stands in self._all:
            if stands.last_failure is not None:
                yield (client.name,), stands.last_failure.timestamp()

    def _deadlines(self) -> Iterator[Sample]:
        """Each client's deadlines, and whether its product printed them."""
        for client, stands in self._all:
            for name, due in stands.deadlines.items():
                yield (client.name, name, "printed" if due.printed else "estimated"), due.at.timestamp()

    def _answers(self) -> Iterator[Sample]:
        """When each client's product said what counts here."""
        for name, said in self.answers().items():
            yield (name,), said.timestamp()

    def _enforcements(self) -> Iterator[Sample]:
        """When something is blocked at the earliest if no contact succeeds."""
        for client, stands in self._all:
            if stands.enforced is not None:
                yield (client.name,), stands.enforced.timestamp()

    def _longest_silences(self) -> Iterator[Sample]:
        """How long each client is usually silent at most."""
        for client, stands in self._all:
            if stands.longest_silence is not None:
                yield (client.name,), stands.longest_silence.total_seconds()
