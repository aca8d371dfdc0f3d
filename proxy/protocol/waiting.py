"""The connections that wait for their client's request, and which of them is closed when places run short. Pure.

A connection that says nothing costs its client little, and the gate a descriptor. So each client has a share of them,
and when the gate runs out of places, the client that holds most loses its oldest. Age counts from the accept: a byte
now and then does not keep a place.

A client is an IPv4 address or the /64 of an IPv6 address (`client_block`).
"""

from typing import Generic, TypeVar

from licensegate.allowlist.client_block import client_block
from licensegate.allowlist.client_networks import REMEMBERED_CLIENTS
from licensegate.records.bounded import BoundedDict

from .by_size import BySize

C = TypeVar("C")


class _Client(Generic[C]):
    """The waiting connections of one client, oldest first, and the group that the client is in."""

    __slots__ = ("block", "connections", "group")

    def __init__(self, block: str, group: "_Group[C]") -> None:
        self.block = block
        self.group = group
        self.connections: dict[C, None] = {}


class _Group(BySize[_Client[C]], Generic[C]):
    """Clients by the number of their waiting connections, and these connections in total."""

    __slots__ = ("connections",)

    def __init__(self) -> None:
        super().__init__()
        self.connections = 0

    def oldest_of_largest(self) -> C:
        """The oldest connection of the client that has most. Raises StopIteration without a client."""
        return next(iter(self.largest().connections))


class WaitingConnections(Generic[C]):
    """The connections that wait for their client's request, until the gate serves or closes them; `total` many."""

    def __init__(self) -> None:
        self.total = 0
        self._client_of: dict[C, _Client[C]] = {}
        self._clients: dict[str, _Client[C]] = {}
        self._newcomers = _Group[C]()
        self._proven = _Group[C]()  # clients that have had a tunnel
        self._had_tunnel: BoundedDict[str, None] = BoundedDict(REMEMBERED_CLIENTS)

    def add(self, connection: C, address: str) -> None:
        """Add a connection of the client with this address, as its newest."""
        block = client_block(address)
        client = self._clients.get(block)
        if client is None:
            group = self._proven if block in self._had_tunnel else self._newcomers
            client = self._clients[block] = _Client(block, group)
        else:
            client.group.take(client, len(client.connections))
        client.connections[connection] = None
        client.group.put(client, len(client.connections))
        client.group.connections += 1
        self._client_of[connection] = client
        self.total += 1

    def remove(self, connection: C) -> None:
        """Remove a connection, if it is here."""
        client = self._client_of.pop(connection, None)
        if client is None:
            return
        client.group.take(client, len(client.connections))
        client.group.connections -= 1
        self.total -= 1
        del client.connections[connection]
        if client.connections:
            client.group.put(client, len(client.connections))
        else:
            del self._clients[client.block]

    def note_tunnel(self, address: str) -> None:
        """Note that the client with this address has a tunnel: its waiting connections are closed last."""
        block = client_block(address)
        if block in self._had_tunnel:
            return
        self._had_tunnel.put(block, None)
        client = self._clients.get(block)
        if client is not None and client.group is self._newcomers:
            size = len(client.connections)
            self._newcomers.take(client, size)
            self._newcomers.connections -= size
            client.group = self._proven
            self._proven.put(client, size)
            self._proven.connections += size

    def excess_of_client(self, connection: C, share: int) -> C | None:
        """The oldest connection of this one's client if it has more than `share` of them, else None."""
        connections = self._client_of[connection].connections
        return next(iter(connections)) if len(connections) > share else None

    def excess(self, places: int, reserve: int) -> C | None:
        """The connection to close if there are more than `places`, else None.

        Clients that have had a tunnel lose theirs after all others, as long as they hold no more than `reserve`.
        """
        if self.total <= places:
            return None
        return self._fullest(reserve).oldest_of_largest()

    def _fullest(self, reserve: int) -> _Group[C]:
        newcomers, proven = self._newcomers, self._proven
        if not newcomers.connections:
            return proven
        return proven if proven.connections > reserve and proven.largest_size > newcomers.largest_size else newcomers
