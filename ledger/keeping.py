"""Writes into a store what people add on the pages: a contact by hand, a name, a text; `licensegate contact name` too.

`named` are the clients of the settings; `by` is who writes it down: a page's admin, or the user of a command. What
cannot be kept raises EntryRefusedError (`by_hand`).
"""

from collections.abc import Sequence
from datetime import datetime

from .by_hand import EntryRefusedError, TextWithWord, manual_entry, name_entry, text_entry
from .clients import ClientKey, NamedClient
from .entries import ManualEntry, ManualKind, NameEntry
from .naming import LedgerClient
from .reading import read_clients
from .store import Store


def keep_contact(
    store: Store,
    named: Sequence[NamedClient],
    key: ClientKey,
    what: ManualKind,
    *,
    at: datetime | None,
    note: str,
    by: str,
    now: datetime,
) -> ManualEntry:
    """Keep that somebody did something by hand for a client, by default now."""
    entry = manual_entry(_client(store, named, key), what, at=at, note=note, by=by, now=now)
    store.merge([entry])
    return entry


def keep_name(
    store: Store,
    named: Sequence[NamedClient],
    key: ClientKey,
    name: str,
    *,
    product: str,
    on_prem: bool,
    reserved: bool,
    by: str,
    now: datetime,
) -> NameEntry:
    """Keep a name for a client that the settings do not name; an empty name takes it away."""
    clients = known_clients(store, named)
    entry = name_entry(
        _found(clients, key),
        name,
        product=product,
        on_prem=on_prem,
        reserved=reserved,
        by=by,
        now=now,
        others=clients,
    )
    store.add([entry])
    return entry


def keep_text(
    store: Store,
    named: Sequence[NamedClient],
    key: ClientKey,
    data: bytes,
    *,
    printed: datetime | None,
    by: str,
    now: datetime,
) -> TextWithWord:
    """Keep what the product of a client printed, and what it says about its licences."""
    kept = text_entry(_client(store, named, key), data, printed=printed, by=by, now=now)
    store.merge(kept.entries)
    return kept


def known_clients(store: Store, named: Sequence[NamedClient]) -> list[LedgerClient]:
    """All clients: those of the settings first, then those with a name given by hand, then the others."""
    return store.read(lambda connection: read_clients(connection, named))


def _client(store: Store, named: Sequence[NamedClient], key: ClientKey) -> LedgerClient:
    return _found(known_clients(store, named), key)


def _found(clients: Sequence[LedgerClient], key: ClientKey) -> LedgerClient:
    for client in clients:
        if client.key == key:
            return client
    raise EntryRefusedError(f"neither the settings nor the ledger know a client {key.name}")
