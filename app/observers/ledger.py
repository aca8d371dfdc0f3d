"""Passes records to the ledger (`docs/ledger.md`), whose thread writes them. Without a place for it none is kept."""

from collections.abc import Sequence
from datetime import datetime

from licensegate.ledger.clients import ClientKey, ClientKind, ClientNames
from licensegate.ledger.desk import LedgerDesk
from licensegate.ledger.entries import AskEntry
from licensegate.ledger.intake import is_counted
from licensegate.ledger.place import LedgerSettings
from licensegate.ledger.product_words import product_entry
from licensegate.ledger.writer import LedgerWriter
from licensegate.licensing.report import Reading
from licensegate.products.memory import LastAsk
from licensegate.records.record import TunnelRecord

from .observer import Observer


def ask_entry(client: str, ask: LastAsk) -> AskEntry:
    """The last ask of a named client's product, as the ledger keeps it."""
    key = ClientKey(ClientKind.NAMED, client)
    return AskEntry(client=key, settings=ask.settings, again=ask.again, refused=ask.refused)


def last_ask_of(entry: AskEntry) -> LastAsk:
    """The last ask that the ledger kept."""
    return LastAsk(entry.settings, entry.again, entry.refused)


class Ledger(Observer):
    """Keeps the contacts of clients, if `is_kept`. `writer` is None until the settings have a place for a ledger.

    `names` finds the client of a record, `place` is where the ledger is. People read and write what is kept at the
    `desk`.
    """

    def __init__(self, settings: LedgerSettings, names: ClientNames) -> None:
        self.names = names
        self.place = settings.place
        self.is_kept = False
        self.writer: LedgerWriter | None = None
        self.desk = LedgerDesk(settings, names.named, self._refresh)
        self.adopt(settings, names)

    def adopt(self, settings: LedgerSettings, names: ClientNames) -> None:
        """Use other settings and names for the records from now on."""
        self.names = names
        self.place = settings.place
        self.is_kept = settings.place.is_kept
        self.desk.adopt(settings, names.named)
        if self.writer is not None:
            self.writer.adopt(settings, names)
        elif settings.place.is_kept:
            self.writer = LedgerWriter(settings, names)

    def observe(self, records: Sequence[TunnelRecord]) -> None:
        """Queue the records that say something about a client's contacts."""
        if self.writer is not None and (counted := [record for record in records if is_counted(record)]):
            self.writer.put(counted)

    def hear(self, client: str, reading: Reading, at: datetime) -> None:
        """Queue what the product of a named client said at this time (aware, UTC)."""
        if self.writer is not None:
            self.writer.hear(product_entry(ClientKey(ClientKind.NAMED, client), reading, at))

    @property
    def is_ready(self) -> bool:
        """Whether `last_ask` knows what there is to know: the ledger was read, or none is kept."""
        return not self.is_kept or (self.writer is not None and self.writer.is_working is True)

    def last_ask(self, client: str) -> LastAsk | None:
        """When the product of this client was last asked; None without a ledger, or if it was not."""
        found = self.writer.asks.get(client) if self.writer is not None and self.is_kept else None
        return None if found is None else last_ask_of(found)

    def keep_ask(self, client: str, ask: LastAsk) -> None:
        """Queue that the product of this client was asked."""
        if self.writer is not None:
            self.writer.hear(ask_entry(client, ask))

    def _refresh(self) -> None:
        if self.writer is not None:
            self.writer.refresh()

    def close(self) -> None:
        """Write what waits."""
        if self.writer is not None:
            self.writer.close()
