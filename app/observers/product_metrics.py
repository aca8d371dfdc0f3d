"""The metrics of products that the gate asks itself. Only the clients of `[[product]]` become labels."""

from collections.abc import Iterator
from typing import Final

from licensegate.products.poller import PolledProduct, ProductPoller

from .client_metrics import ClientStandings, Sample

_ANSWERED: Final = "answered"


class ProductAsks:
    """What came of asking each product, as the samples of a scrape.

    Counts begin with the gate; the last answer survives a restart if the ledger has it.
    """

    def __init__(self, poller: ProductPoller, clients: ClientStandings) -> None:
        self._poller = poller
        self._clients = clients

    @property
    def _all(self) -> list[tuple[str, PolledProduct]]:
        return list(self._poller.products.items())

    def intervals(self) -> Iterator[Sample]:
        """How often each product is asked."""
        for client, product in self._all:
            yield (client,), product.settings.every

    def last_answers(self) -> Iterator[Sample]:
        """When each product last answered."""
        kept = self._clients.answers()
        for client, product in self._all:
            at = kept.get(client) if product.answer is None else product.answer.at
            if at is not None:
                yield (client,), at.timestamp()

    def failing(self) -> Iterator[Sample]:
        """The products that did not answer when last asked, by reason."""
        for client, product in self._all:
            if product.failure is not None:
                yield (client, product.failure.label), 1

    def counts(self) -> Iterator[tuple[tuple[str, str], int]]:
        """How often each product was asked, by what came of it."""
        for client, product in self._all:
            if product.answered:
                yield (client, _ANSWERED), product.answered
            for reason, count in product.failed.items():
                if count:
                    yield (client, reason.label), count
