"""Counts who is connected, for the limits. Pure: no I/O, no clock."""

from typing import Final

from licensegate.records.outcome import Outcome

from ..settings import Limits

_REFUSED_AT_LEAST: Final = 8


class ConnectionCounter:
    """The open client connections, in all and by client address."""

    def __init__(self) -> None:
        self.connections = 0
        self.by_client: dict[str, int] = {}
        self.draining = False

    def add(self, client: str) -> None:
        """Count a connection that was accepted."""
        self.connections += 1
        self.by_client[client] = self.by_client.get(client, 0) + 1

    def remove(self, client: str) -> None:
        """Count it out again, exactly once."""
        self.connections -= 1
        left = self.by_client[client] - 1
        if left:
            self.by_client[client] = left
        else:
            del self.by_client[client]

    def why_refused(self, client: str, limits: Limits) -> Outcome | None:
        """Why one more tunnel for this client, already counted in, may not be; None if it may."""
        if self.draining:
            return Outcome.DRAINING
        if self.connections > limits.tunnels:
            return Outcome.TUNNELS_EXHAUSTED
        if self.by_client.get(client, 0) > limits.tunnels_per_client:
            return Outcome.CLIENT_TUNNELS_EXHAUSTED
        return None

    def is_full(self, limits: Limits) -> bool:
        """Whether not even a reasoned refusal can be afforded: an eighth above the limit, but eight at least."""
        return self.connections > limits.tunnels + max(limits.tunnels >> 3, _REFUSED_AT_LEAST)
