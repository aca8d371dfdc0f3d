"""The protocol of one client connection: bytes and events in, commands out. No I/O.

`states` lists the states and the moves between them. While relaying, the tunnel moves bytes without the conversation.
"""

from collections.abc import Callable
from typing import Final

from licensegate.allowlist.client_block import client_block
from licensegate.allowlist.clients import NOBODY, Identity
from licensegate.allowlist.target import Target
from licensegate.records.outcome import Outcome, Party
from licensegate.records.record import ServerNameCheck, TunnelRecord
from licensegate.records.secret import Secret

from ..auth.result import CheckNeeded
from ..wire.client_hello import ClientHello, HelloError, HelloReader
from ..wire.empty_line import empty_line_size
from ..wire.http1 import HeadError, read_head
from ..wire.protocol_detection import ClientProtocol, detect_protocol
from ..wire.proxy_protocol import ProxyHeaderError, read_proxy_header
from ..wire.responses import ESTABLISHED, healthy
from ..wire.tls_exchange import ClientRecords, TargetRecords, TlsExchange
from .admission import Admission, AdmissionResult, Granted, Refused, too_fast
from .commands import WAIT, CheckLogin, Command, Dial, Establish, Refuse, Send, StartTls
from .hellos_in_flight import HellosInFlight
from .inner_hello import judge_inner_hello, note_hello
from .refusals import FOR_PROTOCOL
from .request import is_health_check, requested_target, target_of_hello
from .snapshot import Snapshot
from .state_machine import Explain, StateMachine, no_finding
from .states import State
from .tunnel_counter import TunnelCounter


class Conversation(StateMachine):
    """The protocol of one client connection.

    `unserved`: why the client is refused whatever it asks for, else None. `granted`: what was decided, once its tunnel
    was allowed.
    """

    __slots__ = (
        "_counted", "_counter", "_gate_hello", "_head_bytes_searched", "_hello", "_hello_reader", "_hellos",
        "_identity", "_random", "_snapshot", "_upstream_said", "granted", "unserved",
    )  # fmt: skip

    def __init__(
        self,
        snapshot: Snapshot,
        counter: TunnelCounter,
        hellos: HellosInFlight,
        record: TunnelRecord,
        *,
        behind_balancer: bool = False,
        explain: Explain = no_finding,
    ) -> None:
        super().__init__(record, State.PROXY_HEADER if behind_balancer else State.HELLO, explain)
        self._snapshot = snapshot
        self.unserved = None if snapshot.clients.admits(record.client) else _STRANGER
        self._counter = counter
        if counter.client_rate is not None and not behind_balancer:
            self._count_arrival()
        self._counted = ""  # the block of addresses that it counts for, once it is a tunnel
        self._hellos = hellos
        self._random = b""  # in `hellos`
        self._head_bytes_searched = 0  # of an incomplete head
        self._upstream_said = b""  # what the upstream sent before the tunnel was established
        self._hello: ClientHello | None = None
        self._gate_hello: ClientHello | None = None  # of TLS to the gate, until a target is asked for
        self._hello_reader: HelloReader | None = None
        self._identity = NOBODY
        self.granted: Granted | None = None

    @property
    def identity(self) -> Identity:
        """Who the client has proved to be so far."""
        return self._identity if self.granted is None else self.granted.identity

    def adopt(self, snapshot: Snapshot) -> None:
        """Judge by other settings what was not decided before they came into force."""
        if self.granted is None:
            self._snapshot = snapshot
            if not snapshot.clients.admits(self.record.client):
                self.unserved = _STRANGER
            if self._admission is not None:
                self._admission.adopt(snapshot)

    # Events

    def received(self, data: bytes) -> Command:
        """Bytes from the client, before the relay begins."""
        read = _READERS.get(self.state)
        if read is None:
            raise RuntimeError(f"a conversation in {self.state} reads nothing")
        self.record.client_read += len(data)
        self._received = self._received + data if self._received else data
        return read(self)

    def secured(self, version: str, client_certificate: str, names: tuple[str, ...] = ()) -> Command:
        """The TLS handshake with the gate is complete; `received` gets plaintext from now on.

        `client_certificate` describes the client's certificate, `names` are the names in it.
        """
        self._only_in(State.HANDSHAKE)
        self._move(State.HEAD)
        self._client_protocol = ClientProtocol.HTTP
        self.record.gate_tls = version
        self.record.client_certificate = client_certificate
        self._identity = Identity(certificate=names) if names else NOBODY
        return WAIT

    def login_checked(self, *, right: bool) -> Command:
        """The password was found right or wrong."""
        self._only_in(State.LOGIN)
        if self._admission is None:
            raise RuntimeError("no login is being checked")
        return self._follow(self._admission, self._admission.login_checked(right=right))

    def connected(self, said: bytes = b"") -> Command:
        """The target is connected and has sent `said`: answer the client and check its first bytes in the tunnel."""
        self._only_in(State.DIALLING)
        self._upstream_said = said
        self.record.upstream_read += len(said)
        if self._client_protocol is ClientProtocol.TLS:
            return self._establish(self._hello)
        self.record.status = 200
        self._unsent = ESTABLISHED
        if self._grant().checks.none:
            return self._establish()
        self._move(State.INNER_HELLO)
        return self._read_inner_hello() if self._received else Send(self._take_unsent())

    @property
    def held(self) -> int:
        """How many bytes it keeps of what the client has sent."""
        reader = self._hello_reader
        return len(self._received) + (reader.held if reader is not None else 0)

    @property
    def early(self) -> bytes:
        """The client's first bytes in its tunnel, which it sent after its head, without an empty line in front."""
        return self._received[empty_line_size(self._received) :]

    # Reading, by state

    def _read_proxy_header(self) -> Command:
        try:
            header = read_proxy_header(self._received)
        except ProxyHeaderError as error:
            return self.ended(Outcome.PROXY_HEADER_MISSING, str(error))
        if header is None:
            return WAIT
        self._received = self._received[header.size :]
        if header.source:
            self._take_for(header.source, header.source_port)
        self._move(State.HELLO)
        return self._read_hello()

    def _take_for(self, client: str, port: int) -> None:
        """Judge and record the balancer's connection as this client's."""
        record = self.record
        record.balancer = record.client
        record.client, record.client_port = client, port
        self.unserved = None if self._snapshot.clients.admits(client) else _STRANGER
        self._count_arrival()

    def _count_arrival(self) -> None:
        """Count the new connection for its client, and refuse it if it comes too soon. Probes are not counted."""
        rate, record = self._counter.client_rate, self.record
        if rate is None or self.unserved is not None or record.event == "probe":
            return
        wait = rate.take(client_block(record.client))
        if wait:
            self.unserved = too_fast(Outcome.CLIENT_RATE_EXCEEDED, wait)

    def _read_hello(self) -> Command:
        protocol = detect_protocol(self._received)
        if protocol is ClientProtocol.UNDECIDED:
            return WAIT
        self._client_protocol = protocol
        self.record.protocol = protocol.value
        if self.unserved is not None:
            return self._refuse_by(self.unserved)
        if protocol is ClientProtocol.HTTP:
            self._move(State.HEAD)
            return self._read_head()
        if protocol is ClientProtocol.TLS:
            return self._read_client_hello()
        unknown = protocol is ClientProtocol.UNKNOWN
        return self._refuse(FOR_PROTOCOL[protocol], f"its first byte is {self._received[0]:#04x}" if unknown else "")

    def _read_client_hello(self) -> Command:
        try:
            hello = self._reader().read(self._received)
        except HelloError as error:
            return self._refuse(Outcome.HELLO_MALFORMED, str(error))
        if hello is None:
            return WAIT
        identity = self._snapshot.identity
        if identity is None or (hello.server_name and not identity.owns(hello.server_name)):
            return self._pass_through(hello)
        self.record.protocol = "https"
        self._gate_hello = hello
        self._move(State.HANDSHAKE)
        self._hello_reader = None  # the next hello is the one in the tunnel
        received, self._received = self._received, b""
        self.record.client_read -= len(received)  # the record counts plaintext only
        return StartTls(identity, received)

    def _pass_through(self, hello: ClientHello) -> Command:
        """Treat TLS for another server name as a CONNECT to that name."""
        self._hello = hello
        note_hello(hello, self.record)
        target = target_of_hello(hello)
        if isinstance(target, Refused):
            return self._refuse_by(target)
        command = self._ask_for(target)
        if self.state is State.DIALLING:
            self.record.server_name_check = ServerNameCheck.MATCH
            if self._came_back(hello):
                return self._refuse(Outcome.HELLO_LOOP)
        return command

    def _read_head(self) -> Command:
        try:
            head = read_head(self._received, self._snapshot.limits.head_bytes, self._head_bytes_searched)
        except HeadError as error:
            return self._refuse_head(error)
        if head is None:
            self._head_bytes_searched = len(self._received)
            return WAIT
        self._accept_language = head.accept_language
        target = requested_target(head, self.record)
        if isinstance(target, Refused):
            if is_health_check(head):
                return self._answer_health()
            return self._refuse_by(target)
        self._received = self._received[head.size :]
        self._gate_hello = None
        return self._ask_for(target, head.authorization)

    def _refuse_head(self, error: HeadError) -> Command:
        """Refuse a request, or another protocol's first line; inside TLS to the gate, only the request is wrong."""
        if error.outcome is not Outcome.NEITHER_HTTP_NOR_TLS:
            return self._refuse(error.outcome, error.detail)
        if self.record.gate_tls:
            return self._refuse(Outcome.HEAD_MALFORMED, error.detail)
        self.record.protocol = ClientProtocol.UNKNOWN.value
        return self._refuse(error.outcome, error.detail)

    def _answer_health(self) -> Command:
        """200; 503 while the gate drains, so that the balancer sends no more clients."""
        if self._counter.draining:
            return self._refuse(Outcome.DRAINING)
        self.record.end(Outcome.HEALTH_ASKED)
        self.record.status = Outcome.HEALTH_ASKED.status
        self._move(State.LINGERING)
        return Refuse(healthy(self.record.method))

    def _read_inner_hello(self) -> Command:
        """Until the client's first bytes pass, nothing from the upstream reaches the client."""
        granted = self._grant()
        inner = judge_inner_hello(self._reader(), self._received, granted.target, granted.checks)
        if inner is None:
            return Send(self._take_unsent()) if self._unsent else WAIT
        self.record.server_name_check = inner.check
        if inner.skipped:
            self._received = self._received[inner.skipped :]
        if inner.hello is not None:
            note_hello(inner.hello, self.record)
        refused = inner.refused
        if refused is None and inner.hello is not None and self._came_back(inner.hello):
            refused = Outcome.HELLO_LOOP
        if refused is None:
            return self._establish(inner.hello)
        self._client_protocol = detect_protocol(self._received)
        return self._refuse(refused, inner.detail)

    def _came_back(self, hello: ClientHello) -> bool:
        """Whether this hello is in an open tunnel already. If not, it is from now on, until the connection closes.

        From a client whose CONNECT came through no proxy it cannot have come back: it is one that repeats its hello.
        """
        if hello.random not in self._hellos:
            self._hellos.add(hello.random)
            self._random = hello.random
            return False
        return self._client_protocol is ClientProtocol.TLS or bool(self.record.via)

    def _reader(self) -> HelloReader:
        """The reader of the ClientHello that is being received."""
        if self._hello_reader is None:
            self._hello_reader = HelloReader(self._snapshot.limits.hello_bytes)
        return self._hello_reader

    # Deciding

    def _ask_for(self, target: Target, authorization: tuple[Secret, ...] = ()) -> Command:
        if self.unserved is not None:  # since a reload
            return self._refuse_by(self.unserved)
        admission = Admission(
            self._snapshot,
            self._counter,
            self.record,
            target,
            client_protocol=self._client_protocol,
            identity=self._identity,
        )
        return self._follow(admission, admission.begin(authorization))

    def _follow(self, admission: Admission, result: AdmissionResult) -> Command:
        match result:
            case Granted():
                self._admission = None
                self.granted = result
                self._count()
                self._move(State.DIALLING)
                return Dial(result.target, result.rule)
            case CheckNeeded():
                self._admission = admission
                self._count()
                self._move(State.LOGIN)
                return CheckLogin(result.check)
            case Refused():
                return self._refuse_by(result)

    def _refuse_by(self, refused: Refused) -> Command:
        return self._refuse(refused.outcome, refused.detail, refused.challenges, refused.wait)

    def _count(self) -> None:
        """Count the connection as a tunnel from now on, until it is closed."""
        if not self._counted:
            self._counted = self._counter.add(self.record.client)

    def ended(self, outcome: Outcome, detail: str = "", by: Party | None = None) -> Command:
        """As in every state; of a ClientHello that never became complete, the record gets its size."""
        return super().ended(outcome, detail or self._note_partial_hello(), by)

    def _note_partial_hello(self) -> str:
        """Note how much of a ClientHello has arrived. Returns that as a detail, empty without one."""
        if self._hello_reader is None or self.state not in _HELLO_STATES:
            return ""
        received = self.early if self.state is State.INNER_HELLO else self._received
        size = self._hello_reader.announced_size(received)
        self.record.hello_bytes, self.record.hello_size = len(received), size
        return f"it began one of {size} bytes and {len(received)} came" if size else ""

    def _refuse(self, outcome: Outcome, detail: str = "", challenges: tuple[str, ...] = (), wait: float = 0) -> Command:
        command = super()._refuse(outcome, detail, challenges, wait)
        self._received = b""  # not kept while the client reads the answer
        self._hello_reader = None
        return command

    def _close(self) -> Command:
        if self._counted:
            self._counter.remove(self._counted)
            self._counted = ""
        if self._random:
            self._hellos.discard(self._random)
            self._random = b""
        if self._gate_hello is not None:
            note_hello(self._gate_hello, self.record)
        return super()._close()

    def _grant(self) -> Granted:
        if self.granted is None:
            raise RuntimeError("no tunnel was granted")
        return self.granted

    def _establish(self, hello: ClientHello | None = None) -> Command:
        """Begin the relay. With a `hello`, note the shape of the TLS records that follow it."""
        self._move(State.RELAYING)
        self._hello_reader = None
        early, self._received = self._received, b""
        said, self._upstream_said = self._upstream_said, b""
        to_client = self._take_unsent() + said
        if hello is None:
            return Establish(to_client, early)
        exchange = TlsExchange("h2" in hello.alpn)
        client, target = ClientRecords(exchange=exchange), TargetRecords(exchange=exchange)
        if len(early) > hello.size:
            client.begin_with(early[hello.size :])
        if said:
            target.begin_with(said)
        return Establish(to_client, early, client, target)


_STRANGER: Final = Refused(Outcome.CLIENT_NOT_ALLOWED)

_HELLO_STATES: Final = frozenset({State.HELLO, State.INNER_HELLO})

_READERS: Final[dict[State, Callable[[Conversation], Command]]] = {
    State.PROXY_HEADER: Conversation._read_proxy_header,
    State.HELLO: Conversation._read_hello,
    State.HEAD: Conversation._read_head,
    State.LOGIN: lambda _: WAIT,  # the client's first bytes in the tunnel are kept until there is one
    State.DIALLING: lambda _: WAIT,
    State.INNER_HELLO: Conversation._read_inner_hello,
}
