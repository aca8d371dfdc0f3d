"""Thins out records of an outcome in ONCE_AN_HOUR: one an hour of each client, with a count.

They may come every second and say nothing new. The metrics count all of them. A client is a `client_block`, since one
with IPv6 may take a new address each time. No I/O; the clock is handed in.
"""

import time
from collections.abc import Callable
from typing import Final

from msgspec import structs

from licensegate.allowlist.client_block import client_block
from licensegate.records.bounded import BoundedDict
from licensegate.records.record import TunnelRecord

_HOUR: Final = 3600.0
_REMEMBERED: Final = 1024


class _Client:
    """The hour that a client's last record began, and how many were left out since."""

    __slots__ = ("left_out", "until")

    def __init__(self, until: float) -> None:
        self.until = until
        self.left_out = 0


class OnceAnHour:
    """Passes the first record of each client and hour. `clock` is any steady time in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._clients: BoundedDict[str, _Client] = BoundedDict(_REMEMBERED)

    def thinned(self, record: TunnelRecord) -> TunnelRecord | None:
        """Return the record, with the number left out before it in `repeated`; None if it is left out itself."""
        now, block = self._clock(), client_block(record.client)
        client = self._clients.get(block)
        if client is not None and now < client.until:
            client.left_out += 1
            return None
        self._clients.put(block, _Client(now + _HOUR))
        return structs.replace(record, repeated=client.left_out) if client is not None else record
