"""Which client may start another look-up while others hang. No I/O."""

from licensegate.allowlist.client_block import client_block


class LookUpShares:
    """The places for look-ups in flight, shared among client blocks.

    A client may take as many as it would leave free, so that each further one finds some. The last `reserved` places
    are for clients without a look-up in flight.
    """

    def __init__(self, places: int, reserved: int) -> None:
        self.places = places
        self._reserved = reserved
        self.taken = 0
        self._by_client: dict[str, int] = {}

    def take(self, client: str) -> bool:
        """Take a place for this client. Returns False if it already has its share."""
        block = client_block(client)
        own = self._by_client.get(block, 0)
        free = self.places - self.taken
        if free <= 0 or (own and own >= free - self._reserved):
            return False
        self.taken += 1
        self._by_client[block] = own + 1
        return True

    def give_back(self, client: str) -> None:
        """Free one of this client's places."""
        block = client_block(client)
        self.taken -= 1
        left = self._by_client[block] - 1
        if left:
            self._by_client[block] = left
        else:
            del self._by_client[block]
