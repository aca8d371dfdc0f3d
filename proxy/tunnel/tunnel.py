"""One client connection and its upstream: reports events to the conversation and carries out its commands."""

import contextlib
import socket
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from licensegate.records.outcome import Outcome, Party
from licensegate.records.record import RefusalTaken, TunnelRecord, milliseconds

from ..auth.result import PasswordCheck
from ..dial.dialer import PendingDial
from ..net.channel import Channel, TlsChannel, socket_of
from ..net.deadline import Deadline
from ..net.poller import READ
from ..net.socket_options import notice_vanished_peer
from ..protocol.commands import WAIT, CheckLogin, Close, Command, Dial, Establish, Refuse, Send, StartTls, Wait
from ..protocol.conversation import Conversation
from ..protocol.snapshot import Snapshot
from ..protocol.states import State
from .accounted import AccountedConnection
from .context import TunnelContext
from .linger import Lingering
from .password_checks import TOO_MANY
from .reading import continue_handshake, read_client, report_end, watch_for_reading
from .relay import Relay
from .tls_account import note_tcp

_CLIENT_WAITS: Final = frozenset({State.LOGIN, State.DIALLING})


class Tunnel(AccountedConnection):
    """Owns the two sockets, from accept to record. Others may read `conversation` and `record`."""

    __slots__ = (
        "_accepted", "_check", "_deadline", "_deadlines", "_left_to_read", "_lingering", "_pending_dial", "_relay",
        "_tls", "_upstream",
    )  # fmt: skip

    def __init__(
        self,
        context: TunnelContext,
        snapshot: Snapshot,
        client: socket.SocketType,
        record: TunnelRecord,
        *,
        behind_balancer: bool = False,
    ) -> None:
        conversation = Conversation(
            snapshot,
            context.counter,
            context.hellos,
            record,
            behind_balancer=behind_balancer,
            explain=context.explain,
        )
        super().__init__(context, client, conversation)
        self._tls: TlsChannel | None = None  # the client, until its handshake is complete
        self._upstream: Channel | None = None
        self._check: PasswordCheck | None = None
        self._pending_dial: PendingDial | None = None
        self._relay: Relay | None = None
        self._lingering: Lingering | None = None
        self._left_to_read: tuple[Channel, ...] = ()
        self._deadlines = context.deadlines
        self._deadline: Deadline | None = None
        self._accepted = time.monotonic()
        context.connections.add(self)

    def begin(self) -> None:
        """Read what the client has sent already: usually its whole head."""
        if self.conversation.unserved is not None and not self._may_stay():
            return
        self._read()

    def ready(self, descriptor: int, events: int) -> None:
        """The client sent bytes, or left."""
        if self._tls is not None:
            self._shake_hands(self._tls)
        elif self.conversation.state in _CLIENT_WAITS:
            self._read_while_waiting(events)
        else:
            self._read()

    def crashed(self, error: Exception) -> None:
        """A fault in the gate: end this tunnel only, and answer a client that waits for its dial."""
        if self.conversation.state is State.DIALLING and self._upstream is None:
            if self._pending_dial is not None:
                self._pending_dial.abandon()
            self.dial_failed(Outcome.INTERNAL_ERROR, type(error).__name__)
        else:
            self.end(Outcome.INTERNAL_ERROR, type(error).__name__)

    def deadline_passed(self, deadline: Deadline) -> None:
        """The client, the check of its login or the dial took too long; or it is time to log the open tunnel."""
        self._deadline = None
        if deadline is self._deadlines.announce:
            self._notice_vanished_upstream()
            self._context.publish(self.so_far())
        elif self._pending_dial is not None:
            self.dial_failed(*self._pending_dial.abandon())
        else:
            self._obey(self.conversation.deadline_passed())

    def _notice_vanished_upstream(self) -> None:
        """Done once the tunnel is open for a while: most are closed before, and each option is a system call."""
        if (upstream := socket_of(self._upstream)) is not None:
            notice_vanished_peer(upstream)

    def login_checked(self, *, right: bool) -> None:
        """The client's password was found right or wrong."""
        self._check = None
        self._obey(self.conversation.login_checked(right=right))

    def login_not_checked(self, detail: str) -> None:
        """The client's password could not be checked."""
        self._check = None
        self._obey(self.conversation.login_not_checked(detail))

    def connected(self, upstream: Channel, received: bytes = b"") -> None:
        """The target is connected, and has sent `received` already."""
        self._pending_dial = None
        self._upstream = upstream
        self._obey(self.conversation.connected(received))

    def dial_failed(self, outcome: Outcome, detail: str) -> None:
        """The target could not be connected."""
        self._pending_dial = None
        self._obey(self.conversation.dial_failed(outcome, detail))

    def relay_ended(self, outcome: Outcome, detail: str) -> None:
        """The relay is over. If one peer ended it, the other gets time to read what it was sent."""
        if self._relay is not None and outcome.ended_by is not Party.GATE:
            self._left_to_read = self._relay.still_sending()
        self.end(outcome, detail)

    def end(self, outcome: Outcome, detail: str = "") -> None:
        """End the connection from outside the protocol, in any state."""
        if self.conversation.state is not State.CLOSED:
            self._obey(self.conversation.ended(outcome, detail))

    def client_chain(self) -> tuple[bytes, ...]:
        """The certificates that the client has shown to the gate, its own first, in DER; empty without one."""
        return self._client.layer.peer_chain if isinstance(self._client, TlsChannel) else ()

    def so_far(self) -> TunnelRecord:
        """A copy of the record with what was counted so far, without an outcome."""
        record = msgspec.structs.replace(self.record, event="start")
        self._count(record)
        return record

    def stop(self) -> None:
        """End the connection because the gate stops."""
        self._obey(self.conversation.stopped())

    def withdraw(self, outcome: Outcome, detail: str) -> None:
        """End the connection because the client may no longer have its tunnel, or because an operator says so."""
        if self.conversation.state is State.CLOSED:
            return
        if self._pending_dial is not None:
            self._pending_dial.abandon()
            self._pending_dial = None
        self._obey(self.conversation.withdrawn(outcome, detail))

    def _read(self) -> None:
        """Pass what the client has sent to the conversation."""
        data = read_client(self._client)
        if data is None:
            self._obey(WAIT)
            return
        self._obey(self.conversation.received(data) if data else report_end(self._client, self.conversation))
        if self._behind_balancer and self.conversation.state is not State.PROXY_HEADER:
            self._wait_as_client()

    def _read_while_waiting(self, events: int) -> None:
        """A client that ended its side has left, unless it sent its first bytes in the tunnel before."""
        reset = events & ~READ
        data = b"" if reset else read_client(self._client)
        if data is None:  # TLS records without data
            return
        if data:
            self.conversation.received(data)
        early = bool(self.conversation.early)
        if early and not reset:
            self._context.poller.watch(self._client.fileno(), 0, self)
        elif not data:
            self._obey(report_end(self._client, self.conversation))
            return
        self._hold()

    def _obey(self, command: Command) -> None:
        """Run the deadline of the conversation's state and no other, and carry out its command."""
        deadline, running = self._deadlines.of_state[self.conversation.state], self._deadline
        if deadline is not running:  # one that runs already is not restarted
            self._deadline = deadline
            if running is not None:
                running.stop(self)
            if deadline is not None:
                deadline.begin(self, time.monotonic())
        _CARRY_OUT[type(command)](self, command)

    def _wait_for_client(self, _: Wait) -> None:
        watch_for_reading(self._context.poller, self._client, self)
        if self._hold():
            self._wait()

    def _start_tls(self, command: StartTls) -> None:
        client = self._client
        if not isinstance(client, socket.SocketType):
            raise RuntimeError("there is no TLS inside TLS to the gate")
        self._tls = TlsChannel(client, command.identity.context, command.received)
        self._client = self._tls
        self._shake_hands(self._tls)

    def _shake_hands(self, tls: TlsChannel) -> None:
        command = continue_handshake(tls, self.conversation)
        if self.conversation.state is State.HEAD:
            self._tls = None
            self._read()
        else:
            self._obey(command)

    def _check_login(self, command: CheckLogin) -> None:
        check = command.check
        if not self._hold():
            return
        self._serve()
        self._watch_while_waiting()
        self._check = check
        if not self._context.password_checks.begin(check, self):
            self.login_not_checked(TOO_MANY)

    def _watch_while_waiting(self) -> None:
        """During a check or a dial, read the client's first bytes in the tunnel once, or its end."""
        self._context.poller.watch(self._client.fileno(), READ, self)

    def _forget_check(self) -> None:
        if self._check is not None:
            self._context.password_checks.forget(self._check, self)
            self._check = None

    def _dial(self, command: Dial) -> None:
        if not self._hold():
            return
        self._serve()
        self.record.head_ms = milliseconds(time.monotonic() - self._accepted)
        self._watch_while_waiting()
        self._pending_dial = self._context.dialer.prepare(command.target, command.rule, self)
        self._pending_dial.start()

    def _send(self, command: Send) -> None:
        """Send and keep reading from the client. The upstream is not read yet."""
        try:
            self.record.client_written += self._client.send(command.to_client)
        except OSError:
            self._obey(self.conversation.client_ended())
            return
        watch_for_reading(self._context.poller, self._client, self)

    def _establish(self, command: Establish) -> None:
        context, upstream = self._context, self._upstream
        if upstream is None:
            raise RuntimeError("a tunnel cannot be established before its target is connected")
        if self._held:
            self._release()
        context.waiting.note_tunnel(self.record.client)
        if command.target_records is not None:
            command.target_records.exchange.known_tickets = context.tickets.of(self.record.target)
        self._relay = Relay(context.poller, self._deadlines, context.pipes, self._client, upstream, command, self)
        self._relay.begin(command)

    def _refuse(self, command: Refuse) -> None:
        self._forget_check()
        if self._upstream is not None:  # it gets nothing
            self._context.poller.close(self._upstream)
            self._upstream = None
        try:
            self.record.client_written += self._client.send(command.answer)
        except OSError:
            self._lingered(RefusalTaken.RESET)
            return
        if not self._hold():
            return
        if not self._wait():
            return
        self._lingering = Lingering(self._context.poller, self._deadlines.linger, self._client, self._lingered)

    def _lingered(self, taken: RefusalTaken | None) -> None:
        self._lingering = None
        self.record.refusal_taken = taken
        self._obey(self.conversation.client_ended())

    def _close(self, _: Close) -> None:
        context, record = self._context, self.record
        self._forget_check()
        if self._pending_dial is not None:
            self._pending_dial.abandon()
        if self._lingering is not None:
            self._lingering.stop()
        self._count(record)
        if self._relay is not None:
            note_tcp(record, self._client, self._upstream)
            if tickets := self._relay.tickets:
                context.tickets.learn(record.target, tickets)
            self._relay.close()
        # They refer to this tunnel: without the cycle, no garbage collection is needed.
        self._pending_dial = self._lingering = self._relay = None
        self._close_socket(self._client)
        if self._upstream is not None:
            self._close_socket(self._upstream)
        if self._waits or self._held:
            self._leave()
        context.connections.discard(self)
        context.publish(record)

    def _close_socket(self, sock: Channel) -> None:
        poller = self._context.poller
        if sock in self._left_to_read:
            Lingering(poller, self._deadlines.linger, sock, lambda _: poller.close(sock))
            return
        if isinstance(sock, TlsChannel) and self._tls is None:
            with contextlib.suppress(OSError):  # without a close_notify the end would look truncated
                sock.shutdown(socket.SHUT_WR)
        poller.close(sock)

    def _count(self, record: TunnelRecord) -> None:
        now = time.monotonic()
        record.total_ms = milliseconds(now - self._accepted)
        if self._relay is not None:
            self._relay.count(record, self._accepted, now)


_CARRY_OUT: Final[dict[type[Command], Callable[[Tunnel, Any], None]]] = {
    Wait: Tunnel._wait_for_client,
    StartTls: Tunnel._start_tls,
    Send: Tunnel._send,
    CheckLogin: Tunnel._check_login,
    Dial: Tunnel._dial,
    Establish: Tunnel._establish,
    Refuse: Tunnel._refuse,
    Close: Tunnel._close,
}
