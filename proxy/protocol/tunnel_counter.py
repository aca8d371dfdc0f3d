"""Counts the tunnels that are open or being opened, for the limits. Pure."""

from licensegate.allowlist.client_block import client_block
from licensegate.records.outcome import Outcome

from ..settings import Limits


class TunnelCounter:
    """The tunnels in total and per client, from the check of the login or the dial to the end.

    An IPv6 client counts with all others in its /64, since it can use any of these addresses.
    """

    def __init__(self) -> None:
        self.tunnels = 0
        self.by_client: dict[str, int] = {}
        self.draining = False

    def add(self, client: str) -> str:
        """Count a tunnel. Returns the block that it counts for."""
        block = client_block(client)
        self.tunnels += 1
        self.by_client[block] = self.by_client.get(block, 0) + 1
        return block

    def remove(self, block: str) -> None:
        """Count an ended tunnel of this block. Call it once for each `add`."""
        self.tunnels -= 1
        left = self.by_client[block] - 1
        if left:
            self.by_client[block] = left
        else:
            del self.by_client[block]

    def why_refused(self, client: str, limits: Limits) -> Outcome | None:
        """Return the limit that forbids this client another tunnel; None if none does."""
        if self.draining:
            return Outcome.DRAINING
        if self.tunnels >= limits.tunnels:
            return Outcome.TUNNELS_EXHAUSTED
        if self.by_client.get(client_block(client), 0) >= limits.tunnels_per_client:
            return Outcome.CLIENT_TUNNELS_EXHAUSTED
        return None
