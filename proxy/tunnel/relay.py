"""Relays between two connected sockets until both sides have ended.

A descriptor is watched only for what can be used now, otherwise not at all. Each side is read to its end or its error,
so that data before a reset is still delivered. The first end decides the outcome; later ends are consequences.
"""

import time
from typing import Final, Protocol

from licensegate.records.outcome import Outcome, Party
from licensegate.records.record import TunnelRecord, milliseconds

from ..net.channel import Channel, TlsChannel
from ..net.deadline import Deadline
from ..net.poller import ENDED, READ, WRITE, Poller
from ..protocol.commands import Establish
from .deadlines import Deadlines
from .flow import NO_PIPES, Flow, Pipes
from .tls_account import note_tls

_CLOSED_BY: Final = {Party.CLIENT: Outcome.CLOSED_BY_CLIENT, Party.UPSTREAM: Outcome.CLOSED_BY_UPSTREAM}
_RESET_BY: Final = {Party.CLIENT: Outcome.RESET_BY_CLIENT, Party.UPSTREAM: Outcome.RESET_BY_UPSTREAM}


class RelayOwner(Protocol):
    """The tunnel that a relay belongs to."""

    def relay_ended(self, outcome: Outcome, detail: str) -> None:
        """Both sides ended, one reset its connection, or a deadline passed."""


class Relay:
    """The two directions of one tunnel: `up` to the upstream, `down` to the client."""

    __slots__ = (
        "_answered", "_began", "_client", "_client_descriptor", "_client_events", "_client_records", "_deadline",
        "_deadlines", "_flows", "_last_written", "_outcome", "_owner", "_poller", "_target_records", "_tls",
        "_unanswered", "_upstream", "_upstream_events", "_used", "down", "ended_first", "up",
    )  # fmt: skip

    def __init__(
        self,
        poller: Poller,
        deadlines: Deadlines,
        pipes: Pipes,
        client: Channel,
        upstream: Channel,
        command: Establish,
        owner: RelayOwner,
    ) -> None:
        self._poller = poller
        self._began = self._used = 0.0  # when it was last in use, as far as the deadline knows
        self._last_written = 0.0  # of bytes that had to wait
        self._deadlines = deadlines
        self._deadline = deadlines.idle
        self._client = client
        self._client_descriptor = client.fileno()
        self._upstream = upstream
        self._client_events = -1  # none so far
        self._upstream_events = -1
        self._flows = False  # both sides are plain, and watched for reading only
        self._client_records = command.client_records
        self._target_records = records = command.target_records
        self._owner = owner
        self._outcome: tuple[Outcome, str] | None = None
        self.ended_first: Party | None = None
        self._unanswered = None if records is None else records.exchange  # of TLS, until the target answers
        self._answered = 0.0
        self._tls: tuple[TlsChannel, ...] = ()
        if isinstance(client, TlsChannel) or isinstance(upstream, TlsChannel):
            self._tls = tuple(side for side in (client, upstream) if isinstance(side, TlsChannel))
            pipes = NO_PIPES  # splicing would bypass TLS
        self.up = Flow(client, upstream, pipes, command.client_records)
        self.down = Flow(upstream, client, pipes, command.target_records)

    def begin(self, command: Establish) -> None:
        """Send the command's first bytes in each direction, then relay."""
        if command.to_client:
            self.down.put(command.to_client)
        if command.to_upstream:
            self.up.put(command.to_upstream)
        self._began = self._used = self.up.last_read = time.monotonic()
        self._deadline.begin(self, self._began)
        if (lifetime := self._deadlines.lifetime) is not None:
            lifetime.begin(self, self._began)
        self._after_moving()

    def ready(self, descriptor: int, events: int) -> None:
        """One of the two sockets can be read or written."""
        incoming = self.up if descriptor == self._client_descriptor else self.down
        if not self._flows:
            outgoing = self.down if incoming is self.up else self.up
            if events & WRITE and outgoing.pump():
                self._last_written = time.monotonic()
            if events & ~WRITE and not (incoming.ended or incoming.blocked):
                incoming.pump()
        elif incoming.carry() or events & ENDED:
            incoming.pump()
        if self._unanswered is not None and self._unanswered.answered:
            self._unanswered = None
            self._answered = self.down.last_read
        if incoming.ended or incoming.blocked or not self._flows:
            self._after_moving()

    def deadline_passed(self, deadline: Deadline) -> None:
        """Nothing moved for too long, unless it did since the deadline began; or the tunnel is as old as it may be."""
        used = max(self.up.last_read, self.down.last_read, self._last_written)
        if deadline is self._deadlines.lifetime:
            self._end(Outcome.LIFETIME_OVER, "")
        elif used > self._used:
            self._used = used
            deadline.begin(self, used)
        else:
            idle = deadline is self._deadlines.idle
            self._end(Outcome.IDLE_TIMEOUT if idle else Outcome.HALF_CLOSED_TIMEOUT, "")

    def crashed(self, error: Exception) -> None:
        """A fault in the gate."""
        self._end(Outcome.INTERNAL_ERROR, type(error).__name__)

    def still_sending(self) -> tuple[Channel, ...]:
        """Peers that may still send data nobody will read."""
        if not (self.up.source_open or self.down.source_open):
            return ()
        both = ((self.up, self._client), (self.down, self._upstream))
        return tuple(source for flow, source in both if flow.source_open)

    def count(self, record: TunnelRecord, accepted: float, now: float) -> None:
        """Write times, bytes, the side that ended first and how far TLS got into the record.

        `accepted` is when the connection was accepted, `now` when it ended, or the present time.
        """
        record.relay_ms = milliseconds(now - self._began)
        record.client_read += self.up.read
        record.upstream_written = self.up.written
        record.upstream_read += self.down.read
        record.client_written += self.down.written
        record.ended_first = self.ended_first
        if record.upstream_written:
            record.client_last_ms = milliseconds(self.up.last_read - accepted)
        if self.down.last_read:
            record.upstream_last_ms = milliseconds(self.down.last_read - accepted)
        client, target = self._client_records, self._target_records
        if client is not None and target is not None:
            note_tls(record, client, target, self.up.read, self.down.read)
            if self._answered:
                record.answered_ms = milliseconds(self._answered - accepted)

    @property
    def tickets(self) -> frozenset[int]:
        """The lengths of the session tickets that the target sent."""
        return frozenset() if self._target_records is None else self._target_records.exchange.tickets

    def close(self) -> None:
        """Stop the deadlines and give the pipes back. The sockets belong to the tunnel."""
        self._deadline.stop(self)
        if (lifetime := self._deadlines.lifetime) is not None:
            lifetime.stop(self)
        self.up.close()
        self.down.close()

    def _after_moving(self) -> None:
        up, down = self.up, self.down
        if (up.ended or down.ended) and self._see_ends(up, down):
            return
        client_events = (0 if up.ended or up.blocked else READ) | (WRITE if down.blocked else 0)
        if client_events != self._client_events:
            self._client_events = client_events
            self._watch(self._client, client_events)
        upstream_events = (0 if down.ended or down.blocked else READ) | (WRITE if up.blocked else 0)
        if upstream_events != self._upstream_events:
            self._upstream_events = upstream_events
            self._watch(self._upstream, upstream_events)
        self._flows = client_events == upstream_events == READ and not self._tls
        for side in self._tls:
            reads = client_events if side is self._client else upstream_events
            if reads & READ and side.pending:
                self._poller.call_again(side.fileno())

    def _see_ends(self, up: Flow, down: Flow) -> bool:
        """Handle the end of one side or both. Returns whether the relay is over."""
        outcome = self._outcome or self._note_first_end(up, down)
        if up.ended and not up.blocked and not up.sink_error and self._cannot_finish_tls():
            self._end(*outcome)
            return True
        for side in self._tls:
            flow = down if side is self._client else up
            if flow.ended:
                self._pass_end_on(flow)  # first: the tunnel must not end before the close_notify is sent
        both = up.ended and down.ended and not (up.blocked or down.blocked)
        if both or up.source_error or down.source_error:
            self._end(*outcome)
            return True
        for flow in (up, down):
            if flow.ended:
                self._pass_end_on(flow)
        return False

    def _cannot_finish_tls(self) -> bool:
        """Whether a client that has ended its side has not completed its TLS handshake: no answer is of use to it."""
        client, target = self._client_records, self._target_records
        if client is None or target is None or client.exchange.client_finished:
            return False
        if not (self.down.ended or self.down.blocked):
            self.down.pump()  # for the record: what the target has said by now
        return target.is_tls

    def _pass_end_on(self, flow: Flow) -> None:
        if not flow.passed_on and not flow.sink_error:
            flow.pass_end_on()

    def _watch(self, sock: Channel, events: int) -> None:
        if events:
            self._poller.watch(sock.fileno(), events, self)
        else:
            self._poller.forget(sock.fileno())

    def _note_first_end(self, up: Flow, down: Flow) -> tuple[Outcome, str]:
        """Note which side ended first, and return the outcome; later ends do not change it."""
        if down.sink_error or not up.ended:  # a failed write has consumed the socket's error: `up` read a plain end
            flow, source, sink = down, Party.UPSTREAM, Party.CLIENT
        else:
            flow, source, sink = up, Party.CLIENT, Party.UPSTREAM
        ended_first = self.ended_first = sink if flow.sink_error else source
        if self._unanswered is not None:
            self._unanswered.target_ended = ended_first is Party.UPSTREAM
        error = flow.sink_error or flow.source_error
        self._outcome = outcome = (_RESET_BY if error else _CLOSED_BY)[ended_first], error
        self._deadline.stop(self)
        self._deadline = self._deadlines.half_closed
        self._used = time.monotonic()
        self._deadline.begin(self, self._used)
        return outcome

    def _end(self, outcome: Outcome, detail: str) -> None:
        self._owner.relay_ended(outcome, detail)
