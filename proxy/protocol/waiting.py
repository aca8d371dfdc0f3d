"""The connections that wait for their client's request, and which of them must go when places run short. Pure.

A connection that says nothing costs its client little, and the gate a descriptor. So each client has a share of them,
and when the gate runs out of places, the client that holds most loses its oldest. Age counts from the accept: a byte
now and then does not keep a place.

A client is an IPv4 address or the /64 of an IPv6 address (`client_block`).
"""

from typing import Final, Generic, TypeVar

from licensegate.allowlist.client_block import client_block
from licensegate.allowlist.client_networks import REMEMBERED_CLIENTS
from licensegate.records.bounded import BoundedDict
from licensegate.records.outcome import Outcome

from ..settings import Limits
from .by_size import BySize

_STRANGERS: Final = 16
_STRANGERS_PER_CLIENT: Final = 4

C = TypeVar("C")


class _Client(Generic[C]):
    """The waiting connections of one client, oldest first. `proven`: it has had a tunnel."""

    __slots__ = ("block", "connections", "proven")

    def __init__(self, block: str, *, proven: bool) -> None:
        self.block = block
        self.proven = proven
        self.connections: dict[C, None] = {}


class _Kind(Generic[C]):
    """Clients by the number of their connections. A client must not change while it is in here."""

    __slots__ = ("_by_size", "connections")

    def __init__(self) -> None:
        self._by_size: BySize[_Client[C]] = BySize()
        self.connections = 0

    def put(self, client: _Client[C]) -> None:
        """Add a client."""
        size = len(client.connections)
        self.connections += size
        self._by_size.put(client, size)

    def take(self, client: _Client[C]) -> None:
        """Remove a client."""
        size = len(client.connections)
        self.connections -= size
        self._by_size.take(client, size)

    @property
    def most(self) -> int:
        """The number of connections of the client that has most."""
        return self._by_size.largest_size

    def oldest_of_largest(self) -> C:
        """The oldest connection of the client that has most. There must be one."""
        return next(iter(self._by_size.largest().connections))


class WaitingConnections(Generic[C]):
    """Every connection from its accept until the gate serves it, or closes it."""

    def __init__(self) -> None:
        self._client_of: dict[C, _Client[C]] = {}
        self._clients: dict[str, _Client[C]] = {}
        self._newcomers = _Kind[C]()
        self._proven = _Kind[C]()
        self._had_tunnel: BoundedDict[str, None] = BoundedDict(REMEMBERED_CLIENTS)

    def __len__(self) -> int:
        return len(self._client_of)

    def add(self, connection: C, address: str) -> None:
        """Add a connection of the client with this address, as its newest."""
        block = client_block(address)
        client = self._clients.get(block)
        if client is None:
            client = self._clients[block] = _Client(block, proven=block in self._had_tunnel)
        else:
            self._kind(client).take(client)
        client.connections[connection] = None
        self._client_of[connection] = client
        self._kind(client).put(client)

    def remove(self, connection: C) -> None:
        """Remove a connection, if it is here."""
        client = self._client_of.pop(connection, None)
        if client is None:
            return
        self._kind(client).take(client)
        del client.connections[connection]
        if client.connections:
            self._kind(client).put(client)
        else:
            del self._clients[client.block]

    def note_tunnel(self, address: str) -> None:
        """The client with this address has a tunnel. Its waiting connections go after those of others."""
        block = client_block(address)
        self._had_tunnel.put(block, None)
        client = self._clients.get(block)
        if client is not None and not client.proven:
            self._newcomers.take(client)
            client.proven = True
            self._proven.put(client)

    def excess(self, newest: C, limits: Limits, places: int) -> tuple[C, Outcome] | None:
        """The connection that must go, now that `newest` was added, and why; None while there is room.

        `places` are those for all waiting connections. An eighth of `limits.tunnels` stays for clients that have had
        a tunnel: while they hold no more than that, others go first.
        """
        client = self._client_of[newest]
        if len(client.connections) > limits.waiting_per_client:
            return next(iter(client.connections)), Outcome.CLIENT_CROWDED_OUT
        if len(self._client_of) <= places:
            return None
        victim = self._fullest(limits.spare).oldest_of_largest()
        return victim, Outcome.CONNECTIONS_EXHAUSTED if victim is newest else Outcome.CROWDED_OUT

    def _fullest(self, reserve: int) -> _Kind[C]:
        newcomers, proven = self._newcomers, self._proven
        if not newcomers.connections:
            return proven
        return proven if proven.connections > reserve and proven.most > newcomers.most else newcomers

    def _kind(self, client: _Client[C]) -> _Kind[C]:
        return self._proven if client.proven else self._newcomers


class Strangers(Generic[C]):
    """The connections from outside `clients.networks` that may send their first bytes and read why they are refused.

    Only a few at a time: the others are closed at once.
    """

    def __init__(self) -> None:
        self._connections: dict[C, str] = {}

    def __len__(self) -> int:
        return len(self._connections)

    def add(self, connection: C, address: str) -> bool:
        """Let a stranger with this address stay. Returns whether there was a place."""
        block = client_block(address)
        blocks = list(self._connections.values())
        if len(blocks) >= _STRANGERS or blocks.count(block) >= _STRANGERS_PER_CLIENT:
            return False
        self._connections[connection] = block
        return True

    def remove(self, connection: C) -> None:
        """Give the place of a connection back, if it has one."""
        self._connections.pop(connection, None)
