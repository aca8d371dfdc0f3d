"""One client connection and, once it is allowed and dialled, its upstream: carries out what the conversation says."""

import socket
import time
from typing import Final

import msgspec

from .conversation import Close, Command, Conversation, Dial, Establish, Refuse, State, Wait
from .deadlines import Deadline
from .dialer import Dialling
from .linger import Lingering
from .outcome import Outcome, Party
from .poller import LEFT, READ
from .record import TunnelRecord, milliseconds
from .relay import Relay
from .surroundings import Surroundings

_HEAD_READ: Final = 8192


class Tunnel:
    """Owns the two sockets, from accept to record. `conversation` and `record` are there to be read."""

    __slots__ = (
        "_accepted", "_client", "_deadline", "_deadlines", "_dialling", "_gate", "_left_to_read", "_lingering",
        "_relay", "_relaying_since", "_upstream", "conversation", "record",
    )  # fmt: skip

    def __init__(self, gate: Surroundings, client: socket.socket, record: TunnelRecord) -> None:
        self._gate = gate
        self._client = client
        self._upstream: socket.socket | None = None
        self._dialling: Dialling | None = None
        self._relay: Relay | None = None
        self._lingering: Lingering | None = None
        self._left_to_read: tuple[socket.socket, ...] = ()
        self._deadlines = gate.deadlines
        self._deadline: Deadline | None = None
        self._accepted = time.monotonic()
        self._relaying_since = 0.0
        self.record = record
        self.conversation = Conversation(gate.snapshot, gate.census, record)
        gate.census.enter(record.client)
        gate.connections.add(self)

    def begin(self) -> None:
        """Read what the client has sent already: mostly all of its head."""
        if self._gate.census.is_full(self._gate.snapshot.limits):
            self.end(Outcome.CONNECTIONS_EXHAUSTED)
            return
        self._read_head()
        if self.conversation.state is State.HEAD:
            self._limit(self._deadlines.head)

    def ready(self, descriptor: int, events: int) -> None:
        """The client sent something, or left while its target is dialled."""
        if self.conversation.state is State.HEAD:
            self._read_head()
        elif events & ~LEFT or not self._waits_for_answer():
            self._obey(self.conversation.client_ended())
        else:
            self._gate.poller.watch(descriptor, 0, self)

    def crashed(self, error: Exception) -> None:
        """A fault in the gate: end this tunnel and nothing else, with an answer to a client that waits for one."""
        if self.conversation.state is State.DIALLING and self._upstream is None:
            if self._dialling is not None:
                self._dialling.abandon()
            self.dial_failed(Outcome.INTERNAL_ERROR, type(error).__name__)
        else:
            self.end(Outcome.INTERNAL_ERROR, type(error).__name__)

    def deadline_passed(self, deadline: Deadline) -> None:
        """The client did not finish its head, or the target could not be dialled, in time; or it is time to log it."""
        if deadline is self._deadlines.announce:
            self._announce()
        elif self._dialling is not None:
            self.dial_failed(*self._dialling.abandon())
        else:
            self._obey(self.conversation.deadline_passed())

    def connected(self, upstream: socket.socket) -> None:
        """The target is connected."""
        self._dialling = None
        self._upstream = upstream
        self._obey(self.conversation.connected())

    def dial_failed(self, outcome: Outcome, detail: str) -> None:
        """The target could not be connected."""
        self._dialling = None
        self._obey(self.conversation.dial_failed(outcome, detail))

    def relay_ended(self, outcome: Outcome, detail: str) -> None:
        """The tunnel is over. If one peer ended it, the other is left the time to read what it was sent."""
        if self._relay is not None and outcome.ended_by is not Party.GATE:
            self._left_to_read = self._relay.still_sending()
        self.end(outcome, detail)

    def end(self, outcome: Outcome, detail: str = "") -> None:
        """End it from outside the protocol, in whatever state it is."""
        if self.conversation.state is not State.CLOSED:
            self._obey(self.conversation.ended(outcome, detail))

    def stop(self) -> None:
        """End it because the gate stops."""
        self._obey(self.conversation.stopped())

    def _read_head(self) -> None:
        try:
            data = self._client.recv(_HEAD_READ)
        except BlockingIOError:
            self._gate.poller.watch(self._client.fileno(), READ, self)
            return
        except OSError:
            data = b""
        self._obey(self.conversation.received(data) if data else self.conversation.client_ended())

    def _waits_for_answer(self) -> bool:
        """Whether a client that ended its side sent bytes for its target before: one that did not has left."""
        if self.conversation.early:
            return True
        try:
            return bool(self._client.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def _obey(self, command: Command) -> None:
        match command:
            case Wait():
                self._gate.poller.watch(self._client.fileno(), READ, self)
            case Dial():
                self._dial(command)
            case Establish():
                self._establish(command)
            case Refuse():
                self._refuse(command.answer)
            case Close():
                self._close()

    def _dial(self, command: Dial) -> None:
        self.record.head_ms = milliseconds(time.monotonic() - self._accepted)
        self._limit(self._deadlines.dial)
        self._gate.poller.watch(self._client.fileno(), LEFT, self)  # what it sends can wait
        dialling = self._gate.dialer.dial(command.target, command.rule, self)
        if self.conversation.state is State.DIALLING:
            self._dialling = dialling

    def _establish(self, command: Establish) -> None:
        gate, upstream = self._gate, self._upstream
        if upstream is None:
            raise RuntimeError("a tunnel cannot be established before its target is connected")
        self._limit(self._deadlines.announce)
        self._relaying_since = time.monotonic()
        self._relay = Relay(gate.poller, self._deadlines, gate.pipes, self._client, upstream, self)
        self._relay.begin(command.to_client, command.to_upstream)

    def _refuse(self, answer: bytes) -> None:
        self._limit(None)
        try:
            self.record.client_written += self._client.send(answer)
        except OSError:
            self._obey(self.conversation.client_ended())
            return
        self._lingering = Lingering(self._gate.poller, self._deadlines.linger, self._client, self._lingered)

    def _lingered(self) -> None:
        self._lingering = None
        self._obey(self.conversation.client_ended())

    def _limit(self, deadline: Deadline | None) -> None:
        """Run this deadline from now on, and no other."""
        if self._deadline is not None:
            self._deadline.stop(self)
        self._deadline = deadline
        if deadline is not None:
            deadline.begin(self, time.monotonic())

    def _announce(self) -> None:
        """Log a long tunnel while it is open: what it has carried so far, and no outcome."""
        self._deadline = None
        record = msgspec.structs.replace(self.record, event="start")
        self._count(record)
        self._gate.publish(record)

    def _close(self) -> None:
        gate, record = self._gate, self.record
        self._limit(None)
        if self._dialling is not None:
            self._dialling.abandon()
        if self._lingering is not None:
            self._lingering.stop()
        self._count(record)
        if self._relay is not None:
            self._relay.close()
        self._dialling = self._lingering = self._relay = None  # they name us: no work for the garbage collector
        self._close_socket(self._client)
        if self._upstream is not None:
            self._close_socket(self._upstream)
        gate.census.leave(record.client)
        gate.connections.discard(self)
        gate.publish(record)

    def _close_socket(self, sock: socket.socket) -> None:
        poller = self._gate.poller
        if sock in self._left_to_read:
            Lingering(poller, self._deadlines.linger, sock, lambda: poller.close(sock))
        else:
            poller.close(sock)

    def _count(self, record: TunnelRecord) -> None:
        now = time.monotonic()
        record.total_ms = milliseconds(now - self._accepted)
        relay = self._relay
        if relay is not None:
            record.relay_ms = milliseconds(now - self._relaying_since)
            record.client_read += relay.up.read
            record.upstream_written = relay.up.written
            record.upstream_read = relay.down.read
            record.client_written = relay.down.written
            record.ended_first = relay.ended_first
