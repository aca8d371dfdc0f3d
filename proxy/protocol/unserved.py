"""Connections that are refused whatever they ask for. A few at a time may send their first bytes and read why. Pure.

The others are closed at once, so that a flood of them costs an accept each.
"""

from typing import Final, Generic, TypeVar

from msgspec import Struct

from licensegate.allowlist.client_block import client_block

C = TypeVar("C")


class Places(Struct, frozen=True):
    """How many such connections there may be at a time, in total and of one client."""

    total: int
    per_client: int


STRANGERS: Final = Places(16, 4)
"""Clients from outside `clients.networks`: they have no business here."""

TOO_FAST: Final = Places(64, 16)
"""Clients over their rate: more of them, since they are served otherwise and have to see the 429."""


class Unserved(Generic[C]):
    """The connections that have a place to read why they are refused."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._connections: dict[C, str] = {}

    def __len__(self) -> int:
        return len(self._connections)

    def add(self, connection: C, address: str) -> bool:
        """Give a connection of the client with this address a place. Returns False if all are taken."""
        block = client_block(address)
        blocks = list(self._connections.values())
        if len(blocks) >= self._places.total or blocks.count(block) >= self._places.per_client:
            return False
        self._connections[connection] = block
        return True

    def remove(self, connection: C) -> None:
        """Free the place of a connection, if it has one."""
        self._connections.pop(connection, None)
