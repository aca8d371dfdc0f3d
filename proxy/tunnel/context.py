"""What all connections of one gate share: the places where they are watched, timed, counted, dialled and recorded."""

from collections.abc import Callable, Iterator
from typing import Protocol

from licensegate.records.record import TunnelRecord

from ..dial.dialer import TargetDialer
from ..net.deadlines import Deadline, DeadlineOwner, Deadlines
from ..net.poller import Owner, Poller
from ..protocol.connection_counter import ConnectionCounter
from ..protocol.conversation import Conversation
from ..protocol.snapshot import Snapshot
from .flow import Pipes
from .password_checks import PasswordChecks


class ClientConnection(Owner, Protocol):
    """An open client connection."""

    @property
    def conversation(self) -> Conversation:
        """Where it stands, and its record up to now."""

    def so_far(self) -> TunnelRecord:
        """Its record as it would be now, without an end."""

    def stop(self) -> None:
        """End it because the gate stops."""


class TunnelContext:
    """One per gate. `snapshot`, `deadlines` and `dialer` may be replaced; a connection keeps those of its birth."""

    def __init__(
        self, snapshot: Snapshot, poller: Poller, dialer: TargetDialer, publish: Callable[[TunnelRecord], None]
    ) -> None:
        self.snapshot = snapshot
        self.deadlines = Deadlines(snapshot.limits)
        self.poller = poller
        self.dialer = dialer
        self.publish = publish
        self.counter = ConnectionCounter()
        self.pipes = Pipes(at_most=64)
        self.password_checks = PasswordChecks(poller)
        self.connections: set[ClientConnection] = set()
        self._earlier_deadlines: list[Deadlines] = []

    @property
    def is_full(self) -> bool:
        """Whether the gate holds so many connections that it cannot even afford a refusal."""
        return self.counter.is_full(self.snapshot.limits)

    def adopt(self, snapshot: Snapshot) -> None:
        """Have connections that begin from now on go by this snapshot."""
        if snapshot.limits != self.snapshot.limits:
            self._earlier_deadlines.append(self.deadlines)
            self.deadlines = Deadlines(snapshot.limits)
        self.snapshot = snapshot

    def late(self, now: float) -> Iterator[tuple[DeadlineOwner, Deadline]]:
        """Whatever has run out of time, by the deadlines in force or by those of its birth."""
        self._earlier_deadlines = [earlier for earlier in self._earlier_deadlines if earlier.run_for_anybody]
        for deadlines in (self.deadlines, *self._earlier_deadlines):
            yield from deadlines.sweep(now)
