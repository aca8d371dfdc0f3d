"""Counts the tunnels that are open or being opened, and how fast new ones come, for the limits. Pure."""

from licensegate.allowlist.client_block import client_block
from licensegate.records.outcome import Outcome

from ..settings import Limits
from .rate_limit import RateLimit, rate_limit

User = str | tuple[str, ...]
"""A user: the name of a login, or the first name in a certificate."""


class TunnelCounter:
    """The tunnels in total and per client, from the check of the login or the dial to the end.

    An IPv6 client counts with all others in its /64, since it can use any of these addresses. `client_rate` limits new
    connections of these blocks, `user_rate` new tunnels of users; each is None without a limit.
    """

    def __init__(self) -> None:
        self.tunnels = 0
        self.by_client: dict[str, int] = {}
        self.draining = False
        self.client_rate: RateLimit[str] | None = None
        self.user_rate: RateLimit[User] | None = None

    def adopt(self, limits: Limits) -> None:
        """Use the rates of these limits from now on. A rate that stays as it was goes on where it is."""
        per_client, per_user = limits.connections_per_client_per_second, limits.tunnels_per_user_per_second
        self.client_rate = rate_limit(per_client, limits.burst, self.client_rate)
        self.user_rate = rate_limit(per_user, limits.burst, self.user_rate)

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
