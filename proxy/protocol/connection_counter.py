"""Counts the open client connections, for the limits. Pure."""

from typing import Final

from licensegate.records.outcome import Outcome

from ..settings import Limits

_REFUSED_AT_LEAST: Final = 8


class ConnectionCounter:
    """The open client connections, in total and per client address."""

    def __init__(self) -> None:
        self.connections = 0
        self.by_client: dict[str, int] = {}
        self.draining = False

    def add(self, client: str) -> None:
        """Count an accepted connection."""
        self.connections += 1
        self.by_client[client] = self.by_client.get(client, 0) + 1

    def remove(self, client: str) -> None:
        """Count a closed connection. Call it once for each `add`."""
        self.connections -= 1
        left = self.by_client[client] - 1
        if left:
            self.by_client[client] = left
        else:
            del self.by_client[client]

    def why_refused(self, client: str, limits: Limits) -> Outcome | None:
        """Return the limit that this client, already counted, exceeds; None if it exceeds none."""
        if self.draining:
            return Outcome.DRAINING
        if self.connections > limits.tunnels:
            return Outcome.TUNNELS_EXHAUSTED
        if self.by_client.get(client, 0) > limits.tunnels_per_client:
            return Outcome.CLIENT_TUNNELS_EXHAUSTED
        return None

    def is_full(self, limits: Limits) -> bool:
        """Whether the gate cannot afford even a refusal: an eighth above the limit, at least eight connections."""
        return self.connections > limits.tunnels + max(limits.tunnels >> 3, _REFUSED_AT_LEAST)
