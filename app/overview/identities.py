"""Which client of the ledger a record or a recent address belongs to, and how a client is written in URLs."""

from msgspec import Struct

from licensegate.ledger.clients import ClientKey, ClientKind, ClientNames
from licensegate.records.record import TunnelRecord


class ClientIdentity(Struct, frozen=True):
    """A client as rows name it: the key for requests, and the name for people."""

    key: str
    name: str


def key_text(key: ClientKey) -> str:
    """A client's key as one word: `named:cucm-pub`."""
    return f"{key.kind}:{key.name}"


def key_of(text: str) -> ClientKey | None:
    """The key that this text stands for; None if it is not one."""
    kind, colon, name = text.partition(":")
    if not colon or not name or kind not in set(ClientKind):
        return None
    return ClientKey(ClientKind(kind), name)


def identity_of(record: TunnelRecord, names: ClientNames) -> ClientIdentity:
    """The client of this record, by the names in force now."""
    key = names.key(record)
    return ClientIdentity(key_text(key), key.name)
