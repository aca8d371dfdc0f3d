"""One client connection and, once it is allowed and dialled, its upstream: carries out what the conversation says."""

import contextlib
import socket
import time
from typing import Final

import msgspec

from licensegate.records.outcome import Outcome, Party
from licensegate.records.record import RefusalTaken, TunnelRecord, milliseconds

from ..auth.result import PasswordCheck
from ..dial.dialer import PendingDial
from ..net.channel import Channel, TlsChannel
from ..net.deadlines import Deadline
from ..net.poller import READ, WRITE
from ..protocol.commands import CheckLogin, Close, Command, Dial, Establish, Refuse, Send, StartTls, Wait
from ..protocol.conversation import Conversation
from ..protocol.snapshot import Snapshot
from ..protocol.states import State
from ..wire.tls_layer import TlsFailure
from .context import TunnelContext
from .linger import Lingering
from .relay import Relay

_READ_BYTES: Final = 8192
_WAIT: Final = Wait()
_CLIENT_WAITS: Final = frozenset({State.LOGIN, State.DIALLING})


class Tunnel:
    """Owns the two sockets, from accept to record. `conversation` and `record` are there to be read."""

    __slots__ = (
        "_accepted", "_check", "_client", "_context", "_deadline", "_deadlines", "_left_to_read", "_lingering",
        "_pending_dial", "_relay", "_relaying_since", "_tls", "_upstream", "conversation", "record",
    )  # fmt: skip

    def __init__(
        self,
        context: TunnelContext,
        snapshot: Snapshot,
        client: socket.socket,
        record: TunnelRecord,
        *,
        behind_balancer: bool = False,
    ) -> None:
        self._context = context
        self._client: Channel = client
        self._tls: TlsChannel | None = None  # the client, while its handshake is not complete
        self._upstream: Channel | None = None
        self._check: PasswordCheck | None = None
        self._pending_dial: PendingDial | None = None
        self._relay: Relay | None = None
        self._lingering: Lingering | None = None
        self._left_to_read: tuple[Channel, ...] = ()
        self._deadlines = context.deadlines
        self._deadline: Deadline | None = None
        self._accepted = time.monotonic()
        self._relaying_since = 0.0
        self.record = record
        self.conversation = Conversation(snapshot, context.counter, record, behind_balancer=behind_balancer)
        context.counter.add(record.client)
        context.connections.add(self)

    def begin(self) -> None:
        """Read what the client has sent already: mostly all of its head."""
        if self._context.is_full:
            self.end(Outcome.CONNECTIONS_EXHAUSTED)
            return
        self._read()

    def ready(self, descriptor: int, events: int) -> None:
        """The client sent something, or left."""
        if self._tls is not None:
            self._shake_hands(self._tls)
        elif self.conversation.state in _CLIENT_WAITS:
            self._hear_while_waiting(events)
        else:
            self._read()

    def crashed(self, error: Exception) -> None:
        """A fault in the gate: end this tunnel and nothing else, with an answer to a client that waits for one."""
        if self.conversation.state is State.DIALLING and self._upstream is None:
            if self._pending_dial is not None:
                self._pending_dial.abandon()
            self.dial_failed(Outcome.INTERNAL_ERROR, type(error).__name__)
        else:
            self.end(Outcome.INTERNAL_ERROR, type(error).__name__)

    def deadline_passed(self, deadline: Deadline) -> None:
        """The client, the check of its login or the dial took too long; or it is time to log a tunnel that is open."""
        if deadline is self._deadlines.announce:
            self._announce()
            return
        self._deadline = None
        if self._pending_dial is not None:
            self.dial_failed(*self._pending_dial.abandon())
        else:
            self._obey(self.conversation.deadline_passed())

    def login_checked(self, *, right: bool) -> None:
        """The client's password is right, or it is not."""
        self._check = None
        self._obey(self.conversation.login_checked(right=right))

    def login_not_checked(self, detail: str) -> None:
        """Nobody can tell whether it is."""
        self._check = None
        self._obey(self.conversation.login_not_checked(detail))

    def connected(self, upstream: Channel, received: bytes = b"") -> None:
        """The target is connected; `received` are its first bytes."""
        self._pending_dial = None
        self._upstream = upstream
        self._obey(self.conversation.connected(received))

    def dial_failed(self, outcome: Outcome, detail: str) -> None:
        """The target could not be connected."""
        self._pending_dial = None
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

    def so_far(self) -> TunnelRecord:
        """Its record as it would be now, without an end."""
        record = msgspec.structs.replace(self.record, event="start")
        self._count(record)
        return record

    def stop(self) -> None:
        """End it because the gate stops."""
        self._obey(self.conversation.stopped())

    def _read(self) -> None:
        """Hand what the client has sent to the conversation."""
        try:
            data = self._client.recv(_READ_BYTES)
        except BlockingIOError:
            self._obey(_WAIT)
            return
        except OSError:
            data = b""
        self._obey(self.conversation.received(data) if data else self.conversation.client_ended())

    def _hear_while_waiting(self, events: int) -> None:
        """A client that ended its side has left, unless it sent its tunnel's first bytes before."""
        broke_off = events & ~READ
        try:
            data = b"" if broke_off else self._client.recv(_READ_BYTES)
        except BlockingIOError:  # TLS has spoken, and nobody in it
            return
        except OSError:
            data = b""
        if data:
            self.conversation.received(data)
        if data or (self.conversation.early and not broke_off):
            self._context.poller.watch(self._client.fileno(), 0, self)
        else:
            self._obey(self.conversation.client_ended())

    def _watch_client(self) -> None:
        client, poller = self._client, self._context.poller
        if not isinstance(client, TlsChannel):
            poller.watch(client.fileno(), READ, self)
            return
        poller.watch(client.fileno(), READ | WRITE if client.unsent else READ, self)
        if client.pending:  # of which the socket knows nothing
            poller.call_again(client.fileno())

    def _obey(self, command: Command) -> None:
        self._run_deadline_of(self.conversation.state)
        match command:
            case Wait():
                self._watch_client()
            case StartTls():
                self._start_tls(command)
            case Send():
                self._answer(command.to_client)
            case CheckLogin():
                self._check_login(command.check)
            case Dial():
                self._dial(command)
            case Establish():
                self._establish(command)
            case Refuse():
                self._refuse(command.answer)
            case Close():
                self._close()

    def _start_tls(self, command: StartTls) -> None:
        client = self._client
        if not isinstance(client, socket.socket):
            raise RuntimeError("there is no TLS inside TLS to the gate")
        self._tls = TlsChannel(client, command.identity.context, command.received)
        self._client = self._tls
        self._shake_hands(self._tls)

    def _shake_hands(self, tls: TlsChannel) -> None:
        try:
            complete = tls.handshake()
        except TlsFailure as failure:
            rejected = failure.rejected_our_certificate
            self._obey(self.conversation.handshake_failed(failure.detail, certificate_rejected=rejected))
            return
        except OSError:
            self._obey(self.conversation.client_ended())
            return
        if not complete:
            self._watch_client()
            return
        self._tls = None
        self.conversation.secured(tls.layer.version, tls.layer.identity, tls.layer.names)
        self._read()

    def _check_login(self, check: PasswordCheck) -> None:
        self._context.poller.watch(self._client.fileno(), READ, self)  # of its first bytes, no more than one read
        if self._context.password_checks.begin(check, self.record.client, self):
            self._check = check
        else:
            self.login_not_checked("too many wait to be checked")

    def _forget_check(self) -> None:
        """Whatever comes of it, nobody waits for it any more."""
        if self._check is not None:
            self._context.password_checks.forget(self._check, self)
            self._check = None

    def _dial(self, command: Dial) -> None:
        self.record.head_ms = milliseconds(time.monotonic() - self._accepted)
        self._context.poller.watch(self._client.fileno(), READ, self)  # of its first bytes, no more than one read
        self._pending_dial = self._context.dialer.prepare(command.target, command.rule, self)
        self._pending_dial.start()

    def _answer(self, to_client: bytes) -> None:
        """Say it and go on reading; the upstream is not listened to."""
        try:
            self.record.client_written += self._client.send(to_client)
        except OSError:
            self._obey(self.conversation.client_ended())
            return
        self._watch_client()

    def _establish(self, command: Establish) -> None:
        context, upstream = self._context, self._upstream
        if upstream is None:
            raise RuntimeError("a tunnel cannot be established before its target is connected")
        self._relaying_since = time.monotonic()
        self._relay = Relay(context.poller, self._deadlines, context.pipes, self._client, upstream, command, self)
        self._relay.begin()

    def _refuse(self, answer: bytes) -> None:
        self._forget_check()
        if self._upstream is not None:  # nothing will be said to it
            self._context.poller.close(self._upstream)
            self._upstream = None
        try:
            self.record.client_written += self._client.send(answer)
        except OSError:
            self._lingered(RefusalTaken.RESET)
            return
        self._lingering = Lingering(self._context.poller, self._deadlines.linger, self._client, self._lingered)

    def _lingered(self, taken: RefusalTaken | None) -> None:
        self._lingering = None
        self.record.refusal_taken = taken
        self._obey(self.conversation.client_ended())

    def _run_deadline_of(self, state: State) -> None:
        """Run this state's deadline and no other. One that runs already is not restarted."""
        deadline = None if state is State.LINGERING else self._deadlines.of_state[state]  # `Lingering` runs its own
        running = self._deadline
        if deadline is running:
            return
        if running is not None:
            running.stop(self)
        self._deadline = deadline
        if deadline is not None:
            deadline.begin(self, time.monotonic())

    def _announce(self) -> None:
        """Log a long tunnel while it is open: what it has carried so far, and no outcome."""
        self._deadline = None
        self._context.publish(self.so_far())

    def _close(self) -> None:
        context, record = self._context, self.record
        self._forget_check()
        if self._pending_dial is not None:
            self._pending_dial.abandon()
        if self._lingering is not None:
            self._lingering.stop()
        self._count(record)
        if self._relay is not None:
            self._relay.close()
        # These name us: without them there is no work for the garbage collector.
        self._pending_dial = self._lingering = self._relay = None
        self._close_socket(self._client)
        if self._upstream is not None:
            self._close_socket(self._upstream)
        context.counter.remove(record.client)
        context.connections.discard(self)
        context.publish(record)

    def _close_socket(self, sock: Channel) -> None:
        poller = self._context.poller
        if sock in self._left_to_read:
            Lingering(poller, self._deadlines.linger, sock, lambda _: poller.close(sock))
            return
        if isinstance(sock, TlsChannel) and self._tls is None:
            with contextlib.suppress(OSError):  # without a close_notify the end would look like a cut
                sock.shutdown(socket.SHUT_WR)
        poller.close(sock)

    def _count(self, record: TunnelRecord) -> None:
        now = time.monotonic()
        record.total_ms = milliseconds(now - self._accepted)
        relay = self._relay
        if relay is not None:
            record.relay_ms = milliseconds(now - self._relaying_since)
            record.client_read += relay.up.read
            record.upstream_written = relay.up.written
            record.upstream_read += relay.down.read
            record.client_written += relay.down.written
            record.ended_first = relay.ended_first
            relay.note_shapes(record)
