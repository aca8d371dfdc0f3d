"""Random sequences of events: every move is in the state table, and the record matches it."""

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from licensegate.allowlist.client_networks import DEFAULT_NETWORKS, ClientNetworks
from licensegate.allowlist.policy import Mode
from licensegate.proxy.protocol.commands import Command, Dial, Establish, Refuse, Send, StartTls
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.protocol.states import State
from licensegate.proxy.protocol.tunnel_counter import TunnelCounter
from licensegate.proxy.wire.client_hello import read_client_hello
from licensegate.records.outcome import Outcome, Stage
from licensegate.records.record import LoginResult
from support.conversation_harness import (
    CLIENT,
    HEAD,
    HOST,
    SNAPSHOT,
    STRANGER,
    UNCHECKED_SNAPSHOT,
    connect_head,
    head_with_login,
    hello,
    login_snapshot,
    make_snapshot,
    start_conversation,
)
from support.logins import USER, basic
from support.state_table import ways_on

HELLO = hello(HOST)
FINISHED = b"\x14\x03\x03\0\x01\x01\x17\x03\x03\0\x02ab"
HEADERS = [b"PROXY TCP4 10.1.2.4 10.1.2.4 50000 443\r\n", b"PROXY TCP4 203.0.113.9 10.1.2.4 50000 443\r\n"]
HEADS = [
    HEAD,
    HEAD + HELLO,
    HEAD + HELLO + FINISHED,
    HEAD + b"SSH-2.0",
    connect_head(b"evil.example:443"),
    b"GET / X\r\n",
]
LOGINS = [
    head_with_login(),
    head_with_login(basic(password="x")),
    head_with_login("Digest x"),
    head_with_login() + HELLO,
]
HEADS = [*HEADS, *LOGINS, head_with_login(head=connect_head(b"evil.example:443"))]
HELLOS = [HELLO, HELLO + FINISHED, hello(), hello("evil.example"), b"\x16\x03\x01\0\0", b"\x80\x2e\x01", b"\0"]
MESSAGES = {
    State.PROXY_HEADER: [*HEADERS, *(HEADERS[0] + head for head in HEADS), HEADERS[0] + HELLO, b"PROXY UNKNOWN\r\n"],
    State.HELLO: [*HEADS, *HEADS, *HELLOS, *HEADERS],
    State.HEAD: HEADS,
    State.LOGIN: [*HELLOS, FINISHED],
    State.DIALLING: [*HELLOS, FINISHED],
    State.INNER_HELLO: [*HELLOS, HEAD],
}


def words(state: State) -> st.SearchStrategy[bytes]:
    """Bytes that are valid in this state, either half of them, or any bytes."""
    whole = st.sampled_from(MESSAGES[state])
    first_half = whole.map(lambda message: message[: len(message) // 2 or 1])
    second_half = whole.map(lambda message: message[len(message) // 2 :])
    return st.one_of(whole, whole, first_half, second_half, st.binary(min_size=1, max_size=60))


GUARDED = login_snapshot()
SNAPSHOTS = [SNAPSHOT, GUARDED, UNCHECKED_SNAPSHOT, make_snapshot(mode=Mode.REPORT)]
CLIENTS = ClientNetworks(DEFAULT_NETWORKS)
FAILURES = [outcome for outcome in Outcome if outcome.stage in {Stage.RESOLVE, Stage.DIAL} and outcome.status]
ENDS = [outcome for outcome in Outcome if outcome.stage is Stage.RELAY]


class AnySequence(RuleBasedStateMachine):
    """Clients of any kind, one after another, and any event in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.counter = TunnelCounter()
        self.accept(SNAPSHOT, CLIENT, behind_balancer=False)

    def accept(self, snapshot: Snapshot, client: str, *, behind_balancer: bool) -> None:
        self.must_log_in = snapshot is GUARDED
        self.snapshot = snapshot = login_snapshot() if self.must_log_in else snapshot  # with a new authenticator
        self.counter.draining = False
        self.conversation = start_conversation(
            snapshot, client=client, counter=self.counter, behind_balancer=behind_balancer
        )
        self.record = self.conversation.record
        self.handshaking = False
        self.sent = b""
        self.said: list[bytes] = []

    # One rule: of several, some are left out of each example, and without this one nothing moves on.
    @rule(
        how=st.sampled_from(["as it should"] * 8 + ["the client leaves", "too late", "a fault", "the gate drains"]),
        data=st.data(),
    )
    def something_happens(self, how: str, data: st.DataObject) -> None:
        if self.conversation.state is State.CLOSED:
            self.leave()
            client, behind = data.draw(st.sampled_from([CLIENT] * 4 + [STRANGER])), data.draw(st.sampled_from("nnny"))
            self.accept(data.draw(st.sampled_from(SNAPSHOTS)), client, behind_balancer=behind == "y")
        match how:
            case "as it should":
                self.goes_on(data)
            case "the client leaves" if self.conversation.state is not State.RELAYING:
                self.happens(self.conversation.client_ended)
            case "too late":
                self.is_late(data)
            case "a fault":
                self.has_a_fault(data)
            case "the gate drains":
                self.counter.draining = True

    def goes_on(self, data: st.DataObject) -> None:
        """Assert the invariants of the current state."""
        conversation = self.conversation
        if self.handshaking:
            self.handshaking = False
            self.happens(lambda: conversation.secured("TLSv1.3", ""))
        elif conversation.state is State.RELAYING:
            self.happens(lambda: conversation.ended(data.draw(st.sampled_from(ENDS))))
        elif conversation.state is State.LINGERING:
            self.happens(conversation.client_ended)
        elif conversation.state is State.LOGIN and data.draw(st.sampled_from("yyyn")) == "y":
            right = data.draw(st.booleans())
            self.happens(lambda: conversation.login_checked(right=right))
        elif conversation.state is State.DIALLING and data.draw(st.sampled_from("yyyn")) == "y":
            self.happens(conversation.connected)
        else:
            said = data.draw(words(conversation.state))
            self.sent += said
            self.happens(lambda: conversation.received(said))

    def is_late(self, data: st.DataObject) -> None:
        """The dial, the relay and the linger set their own deadlines."""
        conversation = self.conversation
        if conversation.state is State.DIALLING:
            outcome, detail = data.draw(st.sampled_from(FAILURES)), data.draw(st.text(max_size=20))
            self.happens(lambda: conversation.dial_failed(outcome, detail))
        elif conversation.state not in {State.RELAYING, State.LINGERING}:
            self.happens(conversation.deadline_passed)

    def has_a_fault(self, data: st.DataObject) -> None:
        conversation = self.conversation
        if conversation.state is State.LOGIN:
            self.happens(lambda: conversation.login_not_checked("a fault in the gate"))
        elif self.handshaking:
            rejected, detail = data.draw(st.booleans()), data.draw(st.text(max_size=20))
            by = data.draw(st.booleans())
            self.happens(lambda: conversation.handshake_failed(detail, by_client=by, certificate_rejected=rejected))
        else:
            self.happens(lambda: conversation.ended(Outcome.INTERNAL_ERROR, "KeyError"))

    def leave(self) -> None:
        assert (self.counter.tunnels, self.counter.by_client) == (0, {})

    def happens(self, event: Callable[[], Command]) -> None:
        before = self.conversation.state
        command = event()
        assert (self.conversation.state, type(command).__name__) in set(ways_on(before))
        match command:
            case StartTls():
                self.handshaking = True
                assert self.sent.endswith(command.received)
                self.sent = self.sent.removesuffix(command.received)  # the record counts bytes inside the tunnel
            case Send():
                self.said.append(command.to_client)
            case Refuse():
                self.said.append(command.answer)
            case Establish():
                self.said.append(command.to_client)
                self.tunnel_begins(command)
        if isinstance(command, Dial | StartTls | Send | Establish):
            assert CLIENTS.admits(self.record.client), "a stranger is served nothing"
        if isinstance(command, Dial) and self.must_log_in:
            assert self.record.login_result is LoginResult.ACCEPTED, "nor is a client without a login"
            assert self.record.user == USER

    def tunnel_begins(self, command: Establish) -> None:
        """Everything behind the head goes upstream, and only a hello for the target if it was to be checked."""
        assert self.sent.endswith(command.to_upstream)
        checked = self.snapshot is not UNCHECKED_SNAPSHOT or self.record.protocol == "tls"
        assert (command.client_records is not None) == (command.target_records is not None) == checked
        if checked:
            read = read_client_hello(command.to_upstream, 65536)
            assert read is not None
            assert read.server_name in {"", self.record.target.rpartition(":")[0]}

    @invariant()
    def an_outcome_is_written_on_the_way_out_and_not_before(self) -> None:
        assert (self.record.outcome is not None) == (self.conversation.state in {State.LINGERING, State.CLOSED})

    @invariant()
    def the_status_is_what_was_answered(self) -> None:
        answers = [said for said in self.said if said.startswith(b"HTTP/")]
        assert [int(answer.split()[1]) for answer in answers] == ([self.record.status] if self.record.status else [])
        if self.record.status not in {0, 200}:
            assert self.record.outcome is not None
            assert self.record.status == self.record.outcome.status

    @invariant()
    def a_tunnel_is_counted_once_and_for_its_client(self) -> None:
        if self.conversation.state in {State.LOGIN, State.DIALLING, State.INNER_HELLO, State.RELAYING}:
            assert self.counter.by_client == {self.record.client: 1}
        elif self.conversation.state is not State.LINGERING:
            assert self.counter.by_client == {}
        assert self.counter.tunnels == sum(self.counter.by_client.values())
        assert self.record.client_read == len(self.sent)

    def teardown(self) -> None:
        """The gate stops, if nothing else ended it."""
        if self.conversation.state is not State.CLOSED:
            self.happens(self.conversation.stopped)
        assert self.conversation.state is State.CLOSED
        assert self.record.sentence()
        self.leave()


TestAnySequence = AnySequence.TestCase
