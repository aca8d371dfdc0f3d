"""The memory that connections take before they have a tunnel, and which is closed when it is too much. Pure.

It is what the gate has received and cannot pass on yet, and the state of TLS with the client. A client, which is an
IPv4 address or the /64 of an IPv6 address, may take half of it: enough for hundreds of clients behind one address.
"""

from typing import Final, Generic, TypeVar

from licensegate.allowlist.client_block import client_block

from .by_size import BySize

_LARGE: Final = 2 << 20

C = TypeVar("C")


class _Holder(Generic[C]):
    """A client, and the bytes that each of its connections holds."""

    __slots__ = ("block", "bytes", "connections")

    def __init__(self, block: str) -> None:
        self.block = block
        self.bytes = 0
        self.connections: dict[C, int] = {}


class HeldBytes(Generic[C]):
    """Bytes by connection and client."""

    def __init__(self) -> None:
        self._holder_of: dict[C, _Holder[C]] = {}
        self._holders: dict[str, _Holder[C]] = {}
        self._by_magnitude: BySize[_Holder[C]] = BySize()  # powers of two
        self._peak = 0  # of the total, since it last shrank
        self.total = 0

    def __len__(self) -> int:
        return len(self._holder_of)

    def put(self, connection: C, address: str, size: int) -> None:
        """The connection of the client with this address holds `size` bytes now."""
        self.remove(connection)
        if not size:
            return
        block = client_block(address)
        holder = self._holders.get(block)
        if holder is None:
            holder = self._holders[block] = _Holder(block)
        else:
            self._by_magnitude.take(holder, holder.bytes.bit_length())
        holder.connections[connection] = size
        holder.bytes += size
        self._holder_of[connection] = holder
        self._by_magnitude.put(holder, holder.bytes.bit_length())
        self.total += size
        if self.total > self._peak:
            self._peak = self.total

    def remove(self, connection: C) -> None:
        """The connection holds nothing more."""
        holder = self._holder_of.pop(connection, None)
        if holder is None:
            return
        self._by_magnitude.take(holder, holder.bytes.bit_length())
        size = holder.connections.pop(connection)
        holder.bytes -= size
        self.total -= size
        if holder.connections:
            self._by_magnitude.put(holder, holder.bytes.bit_length())
        else:
            del self._holders[holder.block]

    def has_shrunk(self) -> bool:
        """Whether a large total has shrunk to a quarter or less since its peak. Asking again returns False."""
        if self._peak < _LARGE or self.total > self._peak // 4:
            return False
        self._peak = self.total
        return True

    def excess(self, address: str, limit: int) -> C | None:
        """The connection to close now that the client with this address holds more; None within the limit.

        It is the largest of the client that holds most; clients within a factor of two count as equal.
        """
        holder = self._holders.get(client_block(address))
        if holder is not None and holder.bytes > limit // 2:
            return max(holder.connections, key=holder.connections.__getitem__)
        if self.total > limit:
            holder = self._by_magnitude.largest()
            return max(holder.connections, key=holder.connections.__getitem__)
        return None
