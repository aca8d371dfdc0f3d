"""What a client of the ledger is called: by the settings, by a name given by hand, else by its key.

Pure. A client of the settings keeps its name there. Names given by hand are for pages and commands: only clients of
the settings become labels of metrics.
"""

import enum
from collections.abc import Mapping

from msgspec import Struct

from .clients import ClientKey, ClientKind, NamedClient
from .entries import NameEntry


class NamedBy(enum.StrEnum):
    """Where a client has its name from."""

    SETTINGS = "settings"
    HAND = "hand"
    KEY = "key"


class LedgerClient(Struct, frozen=True):
    """A client of the ledger: its key, its name, and the product that decides its clocks, as in a `[[client]]`.

    `settings` is its entry in the settings, `given` the name that it was given by hand; at most one of them is there.
    """

    key: ClientKey
    name: str
    product: str = ""
    on_prem: bool = False
    reserved: bool = False
    settings: NamedClient | None = None
    given: NameEntry | None = None

    @property
    def named_by(self) -> NamedBy:
        """Where its name comes from."""
        if self.settings is not None:
            return NamedBy.SETTINGS
        return NamedBy.KEY if self.given is None else NamedBy.HAND


def ledger_client(key: ClientKey, named: Mapping[str, NamedClient], given: NameEntry | None) -> LedgerClient:
    """The client of this key. `named` are the clients of the settings by their names."""
    settings = named.get(key.name) if key.kind is ClientKind.NAMED else None
    if settings is not None:
        return LedgerClient(key, key.name, settings.product, settings.on_prem, settings.reserved, settings=settings)
    if given is None or not given.name:
        return LedgerClient(key, key.name)
    return LedgerClient(key, given.name, given.product, given.on_prem, given.reserved, given=given)
