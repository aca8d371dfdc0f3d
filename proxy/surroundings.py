"""What all connections of one gate share: the places where they are watched, timed, counted, dialled and recorded."""

from collections.abc import Callable
from typing import Protocol

from .census import Census
from .conversation import Conversation
from .deadlines import Deadlines
from .dialer import Dialer
from .flow import Pipes
from .poller import Owner, Poller
from .record import TunnelRecord
from .snapshot import Snapshot


class Connection(Owner, Protocol):
    """An open client connection."""

    @property
    def conversation(self) -> Conversation:
        """Where it stands, and its record up to now."""

    def so_far(self) -> TunnelRecord:
        """Its record as it would be now, without an end."""

    def stop(self) -> None:
        """End it because the gate stops."""


class Surroundings:
    """One per gate. `snapshot` and `deadlines` are replaced together by a reload; a tunnel keeps those of its birth."""

    def __init__(
        self, snapshot: Snapshot, poller: Poller, dialer: Dialer, publish: Callable[[TunnelRecord], None]
    ) -> None:
        self.snapshot = snapshot
        self.deadlines = Deadlines(snapshot.limits)
        self.poller = poller
        self.dialer = dialer
        self.publish = publish
        self.census = Census()
        self.pipes = Pipes(at_most=64)
        self.connections: set[Connection] = set()
