"""Passes records to the ledger (`docs/ledger.md`), whose thread writes them. Without a place for it none is kept."""

from collections.abc import Sequence
from datetime import datetime

from licensegate.ledger.clients import ClientKey, ClientKind, ClientNames
from licensegate.ledger.intake import is_counted
from licensegate.ledger.place import LedgerSettings
from licensegate.ledger.product_words import product_entry
from licensegate.ledger.writer import LedgerWriter
from licensegate.licensing.report import Reading
from licensegate.records.record import TunnelRecord

from .observer import Observer


class Ledger(Observer):
    """Keeps the contacts of clients, if `is_kept`. `writer` is None until the settings have a place for a ledger."""

    def __init__(self, settings: LedgerSettings, names: ClientNames) -> None:
        self.names = names
        self.is_kept = False
        self.writer: LedgerWriter | None = None
        self.adopt(settings, names)

    def adopt(self, settings: LedgerSettings, names: ClientNames) -> None:
        """Use other settings and names for the records from now on."""
        self.names = names
        self.is_kept = settings.place.is_kept
        if self.writer is not None:
            self.writer.adopt(settings, names)
        elif settings.place.is_kept:
            self.writer = LedgerWriter(settings, names)

    def observe(self, records: Sequence[TunnelRecord]) -> None:
        """Queue the records that say something about a client's contacts."""
        writer = self.writer
        if writer is not None:
            for record in records:
                if is_counted(record):
                    writer.put(record)

    def hear(self, client: str, reading: Reading, at: datetime) -> None:
        """Queue what the product of a named client said at this time (aware, UTC)."""
        if self.writer is not None:
            self.writer.hear(product_entry(ClientKey(ClientKind.NAMED, client), reading, at))

    def close(self) -> None:
        """Write what waits."""
        if self.writer is not None:
            self.writer.close()
