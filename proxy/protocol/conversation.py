"""What is said on one client connection, and what follows from it: bytes and events in, a command out. No I/O.

The states and the moves that the events make are the table in `states`. Every way to LINGERING or CLOSED writes an
outcome into the record. While relaying the tunnel moves bytes by itself.
"""

from collections.abc import Callable
from typing import Final

from licensegate.allowlist.clients import NOBODY, Identity
from licensegate.allowlist.target import Target, TargetError, parse_authority
from licensegate.records.outcome import Outcome
from licensegate.records.record import LoginResult, ServerNameCheck, TunnelRecord
from licensegate.records.secret import Secret
from licensegate.records.text import quoted

from ..auth.result import CheckNeeded
from ..wire.answers import ESTABLISHED, alert, healthy, refusal
from ..wire.client_hello import ClientHello, HelloError, HelloReader
from ..wire.http1 import Head, HeadError, read_head
from ..wire.protocol_detection import ClientProtocol, detect_protocol
from ..wire.proxy_protocol import ProxyHeaderError, read_proxy_header
from ..wire.tls_records import RecordShape
from ..wire.via import names_us
from .admission import Admission, AdmissionResult, Granted, Refused
from .commands import CheckLogin, Close, Command, Dial, Establish, Refuse, Send, StartTls, Wait
from .connection_counter import ConnectionCounter
from .inner_hello import judge_inner_hello, note_hello
from .refusals import FOR_LEAVING_IN, FOR_PROTOCOL, FOR_TARGET, for_other_method
from .snapshot import Snapshot
from .states import MOVES, State

_WAIT: Final = Wait()
_CLOSE: Final = Close()
_HTTPS_PORT: Final = 443
_HEALTH_PATH: Final = b"/healthz"
_HEALTH_METHODS: Final = frozenset({"GET", "HEAD"})

_MAY_BE_UNUSED: Final = frozenset({State.PROXY_HEADER, State.HELLO, State.HEAD})
_CLIENT_MAY_BE_LATE: Final = frozenset(
    {State.PROXY_HEADER, State.HELLO, State.HANDSHAKE, State.HEAD, State.LOGIN, State.INNER_HELLO}
)
_TUNNEL_PROMISED: Final = frozenset({State.INNER_HELLO, State.RELAYING})  # the client was answered 200


class Conversation:
    """One client connection's protocol. `state` and `record` are there to be read; only the events change them."""

    __slots__ = (
        "_admission", "_client_protocol", "_counter", "_granted", "_hello", "_hello_reader", "_identity",
        "_judged", "_received", "_snapshot", "_unsaid", "_upstream_said", "record", "state",
    )  # fmt: skip

    def __init__(
        self,
        snapshot: Snapshot,
        counter: ConnectionCounter,
        record: TunnelRecord,
        *,
        behind_balancer: bool = False,
    ) -> None:
        self._snapshot = snapshot
        self._counter = counter
        self._received = b""
        self._judged = 0  # bytes of a head that are there and not all of it
        self._unsaid = b""  # what is to be sent before the next answer
        self._upstream_said = b""  # the tunnel's first bytes from the other side, which came with the connection
        self._client_protocol = ClientProtocol.UNDECIDED  # what a refusal must be said in
        self._hello: ClientHello | None = None
        self._hello_reader: HelloReader | None = None
        self._identity = NOBODY
        self._admission: Admission | None = None  # of what it asked for, while that is being decided
        self._granted: Granted | None = None
        self.record = record
        self.state = State.PROXY_HEADER if behind_balancer else State.HELLO

    # What the tunnel reports

    def received(self, data: bytes) -> Command:
        """Bytes from the client, until there is a tunnel."""
        if self.state not in _READS:
            raise RuntimeError(f"a conversation in {self.state} reads nothing")
        self.record.client_read += len(data)
        self._received = self._received + data if self._received else data
        return _READS[self.state](self)

    def secured(self, version: str, client_certificate: str, names: tuple[str, ...] = ()) -> Command:
        """The handshake of TLS to the gate is complete: what is received from now on is what was said inside.

        `client_certificate` is the client's certificate in words, `names` are those in it.
        """
        self._only_in(State.HANDSHAKE)
        self._move(State.HEAD)
        self._client_protocol = ClientProtocol.HTTP
        self.record.gate_tls = version
        self.record.client_certificate = client_certificate
        self._identity = Identity(certificate=names) if names else NOBODY
        return _WAIT

    def handshake_failed(self, detail: str, *, certificate_rejected: bool) -> Command:
        """TLS to the gate did not come about."""
        self._only_in(State.HANDSHAKE)
        outcome = Outcome.GATE_CERTIFICATE_REJECTED if certificate_rejected else Outcome.HANDSHAKE_FAILED
        return self.ended(outcome, detail)

    def login_checked(self, *, right: bool) -> Command:
        """The password is right, or it is not."""
        self._only_in(State.LOGIN)
        if self._admission is None:
            raise RuntimeError("nobody waits for a login")
        return self._follow(self._admission.login_checked(right=right))

    def login_not_checked(self, detail: str) -> Command:
        """Nobody can tell whether the password is right, for a reason in a few words."""
        self._only_in(State.LOGIN)
        self.record.login_result = LoginResult.NOT_CHECKED
        return self._refuse(Outcome.LOGIN_NOT_CHECKED, detail)

    def connected(self, said: bytes = b"") -> Command:
        """The target is connected, and has `said` this: tell the client, and see that what it says may pass."""
        self._only_in(State.DIALLING)
        self._upstream_said = said
        self.record.upstream_read += len(said)
        if self._client_protocol is ClientProtocol.TLS:
            return self._establish(self._hello)
        self.record.status = 200
        self._unsaid = ESTABLISHED
        if self._promised().checks.none:
            return self._establish()
        self._move(State.INNER_HELLO)
        return self._read_inner_hello()

    def dial_failed(self, outcome: Outcome, detail: str) -> Command:
        """The target could not be connected, or not in time."""
        self._only_in(State.DIALLING)
        return self._refuse(outcome, detail)

    def client_ended(self) -> Command:
        """The client closed or broke its connection before its tunnel was in use, or after a refusal."""
        self._only_in(*FOR_LEAVING_IN, State.LINGERING)
        if self.state is State.HANDSHAKE:
            return self.handshake_failed("the client left", certificate_rejected=False)
        if self.state is not State.LINGERING:
            self.record.end(Outcome.CLOSED_UNUSED if self._is_unused() else FOR_LEAVING_IN[self.state])
        return self._close()

    def deadline_passed(self) -> Command:
        """The client did not say what it must in time, or its login was not checked in time.

        One that said nothing at all is left without a word.
        """
        self._only_in(*_CLIENT_MAY_BE_LATE)
        if self._is_unused():
            return self.ended(Outcome.CLOSED_UNUSED)
        match self.state:
            case State.PROXY_HEADER:
                return self.ended(Outcome.PROXY_HEADER_MISSING, "it did not come in time")
            case State.HELLO:
                return self.ended(Outcome.HELLO_TIMEOUT)
            case State.HANDSHAKE:
                return self.handshake_failed("it took too long", certificate_rejected=False)
            case State.LOGIN:
                return self.login_not_checked("that took too long")
            case State.INNER_HELLO:
                self.record.server_name_check = ServerNameCheck.TIMEOUT
                return self.ended(Outcome.INNER_HELLO_TIMEOUT)
            case _:
                return self._refuse(Outcome.HEAD_TIMEOUT)

    def ended(self, outcome: Outcome, detail: str = "") -> Command:
        """The relay ended, or a fault or a full gate ends the connection in whatever state it is."""
        self.record.end(outcome, detail)
        return self._close()

    def stopped(self) -> Command:
        """The gate stops and waits no longer."""
        if self.state in _TUNNEL_PROMISED:
            return self.ended(Outcome.CUT_BY_STOP)
        return self.ended(Outcome.CLOSED_UNUSED if self._is_unused() else Outcome.CUT_BEFORE_TUNNEL)

    @property
    def early(self) -> bytes:
        """What the client sent behind its head: its tunnel's first bytes."""
        return self._received

    # What it says

    def _read_proxy_header(self) -> Command:
        try:
            header = read_proxy_header(self._received)
        except ProxyHeaderError as error:
            return self.ended(Outcome.PROXY_HEADER_MISSING, str(error))
        if header is None:
            return _WAIT
        self._received = self._received[header.size :]
        if header.source:
            self._speak_for(header.source, header.source_port)
        self._move(State.HELLO)
        return self._read_hello()

    def _speak_for(self, client: str, port: int) -> None:
        """The balancer's connection is this client's: judged, counted and recorded as such."""
        record = self.record
        record.balancer = record.client
        self._counter.remove(record.client)
        record.client, record.client_port = client, port
        self._counter.add(client)

    def _read_hello(self) -> Command:
        protocol = detect_protocol(self._received)
        if protocol is ClientProtocol.UNDECIDED:
            return _WAIT
        self._client_protocol = protocol
        self.record.protocol = protocol.value
        if not self._snapshot.clients.admits(self.record.client):
            return self._refuse(Outcome.CLIENT_NOT_ALLOWED)
        if protocol is ClientProtocol.HTTP:
            self._move(State.HEAD)
            return self._read_head()
        if protocol is ClientProtocol.TLS:
            return self._read_client_hello()
        return self._refuse(FOR_PROTOCOL[protocol])

    def _read_client_hello(self) -> Command:
        try:
            hello = self._reader().read(self._received)
        except HelloError as error:
            return self._refuse(Outcome.HELLO_MALFORMED, str(error))
        if hello is None:
            return _WAIT
        identity = self._snapshot.identity
        if identity is None or (hello.server_name and not identity.owns(hello.server_name)):
            return self._pass_through(hello)
        self.record.protocol = "https"
        self._move(State.HANDSHAKE)
        self._hello_reader = None  # the next hello is the one in the tunnel
        received, self._received = self._received, b""
        self.record.client_read -= len(received)  # TLS's own bytes are counted nowhere else either
        return StartTls(identity, received)

    def _pass_through(self, hello: ClientHello) -> Command:
        """TLS without a proxy, by a client whose DNS leads it here: to the name it asks for, if that is allowed."""
        self._hello = hello
        note_hello(hello, self.record)
        try:
            target = parse_authority(str(Target(hello.server_name, _HTTPS_PORT)).encode())
        except TargetError as unusable:
            return self._refuse(Outcome.HELLO_MALFORMED, str(unusable))
        command = self._ask_for(target)
        if self.state is State.DIALLING:
            self.record.server_name_check = ServerNameCheck.MATCH
        return command

    def _read_head(self) -> Command:
        try:
            head = read_head(self._received, self._snapshot.limits.head_bytes, self._judged)
        except HeadError as refused:
            return self._refuse(refused.outcome, refused.detail)
        if head is None:
            self._judged = len(self._received)
            return _WAIT
        return self._judge(head)

    def _judge(self, head: Head) -> Command:
        """The target of a CONNECT is in authority-form (RFC 9110 section 9.3.6)."""
        record = self.record
        record.user_agent = head.user_agent
        record.via = head.via
        record.http_version = head.version
        record.fields = head.fields
        record.host_form = head.host_form
        record.method = head.method
        if head.method != "CONNECT":
            record.requested = quoted(head.target, 200)
            if head.target == _HEALTH_PATH and head.method in _HEALTH_METHODS:
                return self._answer_health()
            return self._refuse(for_other_method(head.target))
        try:
            target = parse_authority(head.target)
        except TargetError as unusable:
            record.requested = quoted(head.target, 200)
            return self._refuse(FOR_TARGET[unusable.fault], str(unusable))
        self._received = self._received[head.size :]
        if names_us(head.via):
            record.target = str(target)
            return self._refuse(Outcome.PROXY_LOOP)
        return self._ask_for(target, head.authorization)

    def _answer_health(self) -> Command:
        """To a balancer that cannot ask on the admin port; while the gate drains it must send nobody here."""
        if self._counter.draining:
            return self._refuse(Outcome.DRAINING)
        self.record.end(Outcome.HEALTH_ASKED)
        self.record.status = Outcome.HEALTH_ASKED.status
        self._move(State.LINGERING)
        return Refuse(healthy(self.record.method))

    def _ask_for(self, target: Target, authorization: tuple[Secret, ...] = ()) -> Command:
        self._admission = Admission(
            self._snapshot,
            self._counter,
            self.record,
            target,
            client_protocol=self._client_protocol,
            identity=self._identity,
        )
        return self._follow(self._admission.begin(authorization))

    def _follow(self, finding: AdmissionResult) -> Command:
        match finding:
            case Granted():
                self._admission = None
                self._granted = finding
                self._move(State.DIALLING)
                return Dial(finding.target, finding.rule)
            case CheckNeeded():
                self._move(State.LOGIN)
                return CheckLogin(finding.check)
            case Refused():
                return self._refuse(finding.outcome, finding.detail, finding.challenges)

    def _read_inner_hello(self) -> Command:
        """Until it may pass, nothing that the upstream says reaches the client."""
        promised = self._promised()
        inner = judge_inner_hello(self._reader(), self._received, promised.target, promised.checks)
        if inner is None:
            return Send(self._say()) if self._unsaid else _WAIT
        self.record.server_name_check = inner.check
        if inner.hello is not None:
            note_hello(inner.hello, self.record)
        if inner.refused is None:
            return self._establish(inner.hello)
        self._client_protocol = detect_protocol(self._received)
        return self._refuse(inner.refused, inner.detail)

    def _promised(self) -> Granted:
        if self._granted is None:
            raise RuntimeError("nothing was granted that a tunnel could be for")
        return self._granted

    def _reader(self) -> HelloReader:
        """The reader of the ClientHello that is being received."""
        if self._hello_reader is None:
            self._hello_reader = HelloReader(self._snapshot.limits.hello_bytes)
        return self._hello_reader

    # What follows

    def _establish(self, hello: ClientHello | None = None) -> Command:
        """Begin the tunnel; the shape of what follows the hello is noted."""
        self._move(State.RELAYING)
        self._hello_reader = None
        early, self._received = self._received, b""
        said, self._upstream_said = self._upstream_said, b""
        to_client = self._say() + said
        if hello is None:
            return Establish(to_client, early)
        client_shape, upstream_shape = RecordShape(), RecordShape()
        client_shape.see(early[hello.size :])
        if said:
            upstream_shape.see(said)
        return Establish(to_client, early, client_shape, upstream_shape)

    def _refuse(self, outcome: Outcome, detail: str = "", challenges: tuple[str, ...] = ()) -> Command:
        """In the client's language; whoever speaks none is left without a word."""
        self._admission = None
        self.record.end(outcome, detail)
        answer = self._say()
        if self._client_protocol is ClientProtocol.HTTP and outcome.status >= 400:
            self.record.status = outcome.status
            answer += refusal(self.record, challenges)
        elif self._client_protocol is ClientProtocol.TLS:
            answer += alert(outcome)
        if not answer:
            return self._close()
        self._move(State.LINGERING)
        return Refuse(answer)

    def _say(self) -> bytes:
        unsaid, self._unsaid = self._unsaid, b""
        return unsaid

    def _close(self) -> Command:
        self._move(State.CLOSED)
        return _CLOSE

    def _is_unused(self) -> bool:
        """Whether nothing was asked of the gate: a health check that opens the port, or TLS, or says PROXY LOCAL."""
        return self.state in _MAY_BE_UNUSED and not self._received

    def _only_in(self, *states: State) -> None:
        if self.state not in states:
            raise RuntimeError(f"a conversation in {self.state} knows no such event")

    def _move(self, state: State) -> None:
        if state not in MOVES[self.state]:
            raise RuntimeError(f"a conversation cannot go from {self.state} to {state}")
        self.state = state


_READS: Final[dict[State, Callable[[Conversation], Command]]] = {
    State.PROXY_HEADER: Conversation._read_proxy_header,
    State.HELLO: Conversation._read_hello,
    State.HEAD: Conversation._read_head,
    State.LOGIN: lambda _: _WAIT,  # the tunnel's first bytes, kept until there is one
    State.DIALLING: lambda _: _WAIT,
    State.INNER_HELLO: Conversation._read_inner_hello,
}
