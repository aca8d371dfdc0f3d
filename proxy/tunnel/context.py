"""What all connections of one gate share: settings, poller, deadlines, dialer, counters, pipes and password checks."""

from collections.abc import Callable, Iterator
from typing import Final, Protocol

from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord

from ..dial.dialer import TargetDialer
from ..net.deadline import Deadline, DeadlineOwner
from ..net.poller import CrashHandler, Owner, Poller
from ..protocol.conversation import Conversation
from ..protocol.held_bytes import HeldBytes
from ..protocol.hellos_in_flight import HellosInFlight
from ..protocol.snapshot import Snapshot
from ..protocol.state_machine import Explain, no_finding
from ..protocol.tunnel_counter import TunnelCounter
from ..protocol.unserved import STRANGERS, TOO_FAST, Unserved
from ..protocol.waiting import WaitingConnections
from ..wire.ticket_lengths import TicketLengths
from .deadlines import Deadlines
from .flow import Pipes
from .password_checks import PasswordChecks

_PIPES: Final = 32
"""Half of the 64 MB that a user without privileges may have in pipes (pipe(7)): two gates share it at a handover."""


class Endable(CrashHandler, Protocol):
    """A connection that may have to go for another one."""

    def end(self, outcome: Outcome, detail: str = "") -> None:
        """End it from outside the protocol, in any state."""


class ClientConnection(Owner, Endable, Protocol):
    """An open client connection."""

    @property
    def conversation(self) -> Conversation:
        """Its state and its record."""

    def client_chain(self) -> tuple[bytes, ...]:
        """The certificates that the client has shown to the gate, its own first, in DER; empty without one."""

    def so_far(self) -> TunnelRecord:
        """A copy of its record with what was counted so far, without an outcome."""

    def stop(self) -> None:
        """End it because the gate stops."""

    def withdraw(self, outcome: Outcome, detail: str) -> None:
        """End it because the client may no longer have its tunnel, or because an operator says so."""


class TunnelContext:
    """One per gate. A reload replaces `snapshot`, `deadlines` and `dialer`; open connections keep theirs.

    `connections` are all that are open; `waiting` are those that are not served yet. `strangers` and `too_fast` are
    those that will not be, because of their network or their client's rate.

    `publish` takes each finished record. `explain` finds out why one failed, before its refusal is written.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        poller: Poller,
        dialer: TargetDialer,
        publish: Callable[[TunnelRecord], None],
        explain: Explain = no_finding,
    ) -> None:
        self.snapshot = snapshot
        self.deadlines = Deadlines(snapshot.limits)
        self.poller = poller
        self.dialer = dialer
        self.publish = publish
        self.explain = explain
        self.counter = TunnelCounter()
        self.counter.adopt(snapshot.limits)
        self.hellos = HellosInFlight()
        self.waiting: WaitingConnections[Endable] = WaitingConnections()
        self.strangers: Unserved[Endable] = Unserved(STRANGERS)
        self.too_fast: Unserved[Endable] = Unserved(TOO_FAST)
        self.held: HeldBytes[Endable] = HeldBytes()
        self.pipes = Pipes(_PIPES)
        self.tickets = TicketLengths()
        self.password_checks = PasswordChecks(poller)
        self.connections: set[ClientConnection] = set()
        self._earlier_deadlines: list[Deadlines] = []

    def wait(self, connection: Endable, client: str) -> None:
        """Give a connection of this client a place among those that wait. Without one, close one of them, or it."""
        waiting = self.waiting
        waiting.add(connection, client)
        oldest = waiting.excess_of_client(connection, self.snapshot.limits.waiting_per_client)
        if oldest is not None:
            self.poller.run(oldest, oldest.end, Outcome.CLIENT_CROWDED_OUT)
        else:
            self.make_room(connection)

    def make_room(self, newest: Endable | None = None) -> None:
        """Close a connection that waits, if there are too many; `newest`, the last to come, if there is no other.

        Their places are those that tunnels leave of `limits.tunnels`, and `limits.spare`.
        """
        limits, waiting = self.snapshot.limits, self.waiting
        free = limits.tunnels - self.counter.tunnels
        if waiting.total <= free:
            return
        victim = waiting.excess(max(free, 0) + limits.spare, limits.spare)
        if victim is not None:
            outcome = Outcome.CONNECTIONS_EXHAUSTED if victim is newest else Outcome.CROWDED_OUT
            self.poller.run(victim, victim.end, outcome)

    def hold(self, connection: Endable, client: str, size: int) -> None:
        """Note that a connection without a tunnel takes `size` bytes. Close others, or it, if that is too much."""
        held, limit = self.held, self.snapshot.limits.waiting_bytes
        held.put(connection, client, size)
        while (victim := held.excess(client, limit)) is not None:
            held.remove(victim)
            self.poller.run(victim, victim.end, Outcome.WAITING_BYTES_EXHAUSTED)

    def adopt(self, snapshot: Snapshot) -> None:
        """Use this snapshot for connections that begin from now on."""
        if snapshot.limits != self.snapshot.limits:
            self._earlier_deadlines.append(self.deadlines)
            self.deadlines = Deadlines(snapshot.limits)
            self.counter.adopt(snapshot.limits)
        self.snapshot = snapshot

    def late(self, now: float) -> Iterator[tuple[DeadlineOwner, Deadline]]:
        """Remove every late owner, and return it with the deadline it missed. Earlier deadlines count while in use."""
        self._earlier_deadlines = [earlier for earlier in self._earlier_deadlines if earlier.in_use]
        for deadlines in (self.deadlines, *self._earlier_deadlines):
            yield from deadlines.sweep(now)
