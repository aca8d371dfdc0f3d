"""The state table of a conversation: each of its rows, what it does not allow, and any sequence of what it does."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import asdict

from licensegate.allowlist.policy import Policy
from licensegate.allowlist.preset import load_presets
from licensegate.proxy import conversation as module
from licensegate.proxy.auth.sources import DEFAULT_NETWORKS, Sources
from licensegate.proxy.census import Census
from licensegate.proxy.conversation import MOVES, Command, Conversation, Establish, State
from licensegate.proxy.outcome import Outcome
from licensegate.proxy.record import open_record
from licensegate.proxy.settings import Limits
from licensegate.proxy.snapshot import Snapshot

SNAPSHOT = Snapshot(Sources(DEFAULT_NETWORKS), Policy(["cisco-licensing"], [], load_presets()), Limits(head_bytes=512))
HEAD = b"CONNECT tools.cisco.com:443 HTTP/1.1\r\nHost: tools.cisco.com\r\n\r\n"
DENIED_HEAD = b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n"


def begun(census: Census | None = None) -> Conversation:
    return Conversation(SNAPSHOT, census or Census(), open_record("10.1.2.3", 40000, "0.0.0.0:3128"))


def in_state(state: State) -> Conversation:
    """A conversation that has come to `state` by the shortest way."""
    conversation = begun()
    match state:
        case State.DIALLING:
            conversation.received(HEAD)
        case State.RELAYING:
            conversation.received(HEAD)
            conversation.connected()
        case State.LINGERING:
            conversation.received(DENIED_HEAD)
        case State.CLOSED:
            conversation.client_ended()
        case State.HEAD:
            pass
    assert conversation.state is state
    return conversation


# The table

Happening = Callable[[Conversation], Command]


def lines_of_the_docstring() -> list[list[str]]:
    table = re.findall(r"^    (\S.*)$", module.__doc__ or "", re.MULTILINE)
    heading, *lines = [re.split(r" {2,}", line.strip()) for line in table]
    assert heading == ["state", "event", "next state", "command"]
    return lines


def lines_of_the_architecture() -> list[list[str]]:
    page = (Path(__file__).parents[3] / "docs" / "architecture.md").read_text()
    table = page.partition("| state | event | next state | command |\n|---|---|---|---|\n")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def late_head(conversation: Conversation) -> Command:
    conversation.received(HEAD[:-1])
    return conversation.deadline_passed()


ROWS = [
    (state, event, after, command)
    for state, events, after, command in lines_of_the_docstring()
    for event in events.split(", ")
]

BROUGHT_ABOUT: dict[tuple[str, str], Happening] = {
    ("HEAD", "incomplete head"): lambda it: it.received(HEAD[:-1]),
    ("HEAD", "CONNECT to an allowed target"): lambda it: it.received(HEAD),
    ("HEAD", "any other head"): lambda it: it.received(DENIED_HEAD),
    ("HEAD", "deadline"): late_head,
    ("HEAD", "deadline before a byte"): lambda it: it.deadline_passed(),
    ("HEAD", "client's end"): lambda it: it.client_ended(),
    ("HEAD", "cut"): lambda it: it.stopped(),
    ("DIALLING", "connected"): lambda it: it.connected(),
    ("DIALLING", "dial failed"): lambda it: it.dial_failed(Outcome.CONNECTION_REFUSED, "192.0.2.1:443, ECONNREFUSED"),
    ("DIALLING", "client's end"): lambda it: it.client_ended(),
    ("DIALLING", "cut"): lambda it: it.stopped(),
    ("RELAYING", "relay ended"): lambda it: it.ended(Outcome.RESET_BY_UPSTREAM, "ECONNRESET"),
    ("RELAYING", "cut"): lambda it: it.stopped(),
    ("LINGERING", "client's end"): lambda it: it.client_ended(),
    ("LINGERING", "cut"): lambda it: it.stopped(),
}


def test_the_table_of_the_docstring_and_the_moves_of_the_code_agree() -> None:
    moves = {state: {State[after] for before, _, after, _ in ROWS if before == state.name} for state in State}

    assert {state: after - {state} for state, after in moves.items()} == MOVES


def test_the_architecture_shows_the_same_table() -> None:
    assert lines_of_the_architecture() == lines_of_the_docstring()


def test_every_row_of_the_table_is_tried() -> None:
    assert [(state, event) for state, event, *_ in ROWS] == list(BROUGHT_ABOUT)


@pytest.mark.parametrize(("state", "event", "after", "command"), ROWS, ids=[f"{row[0]}, {row[1]}" for row in ROWS])
def test_each_row_of_the_table_holds(state: str, event: str, after: str, command: str) -> None:
    conversation = in_state(State[state])

    given = BROUGHT_ABOUT[state, event](conversation)

    assert type(given).__name__ == command
    assert conversation.state is State[after]
    leaving = conversation.state in {State.LINGERING, State.CLOSED}
    assert (conversation.record.outcome is not None) == leaving, (
        "every way out writes an outcome, and nothing else does"
    )


# What it does not allow

EVENTS: dict[str, tuple[Happening, set[State]]] = {
    "bytes": (lambda it: it.received(b"C"), {State.HEAD}),
    "connected": (lambda it: it.connected(), {State.DIALLING}),
    "dial failed": (lambda it: it.dial_failed(Outcome.DNS_NOT_FOUND, "later"), {State.DIALLING}),
    "deadline": (lambda it: it.deadline_passed(), {State.HEAD}),
    "client's end": (lambda it: it.client_ended(), {State.HEAD, State.DIALLING, State.LINGERING}),
    "stop": (lambda it: it.stopped(), set(State) - {State.CLOSED}),
    "relay's end or a fault": (lambda it: it.ended(Outcome.IDLE_TIMEOUT, "later"), set(State) - {State.CLOSED}),
}
ILLEGAL = {
    f"{event} in {state.name}": (state, happen)
    for event, (happen, legal) in EVENTS.items()
    for state in State
    if state not in legal
}


@pytest.mark.parametrize(("state", "happen"), ILLEGAL.values(), ids=ILLEGAL.keys())
def test_an_event_that_a_state_does_not_know_raises_and_leaves_no_mark(state: State, happen: Happening) -> None:
    conversation = in_state(state)
    before = asdict(conversation.record)

    with pytest.raises(RuntimeError, match=state.value):
        happen(conversation)

    assert conversation.state is state
    assert asdict(conversation.record) == before


# Any sequence of what it does

SENT = st.sampled_from(
    [HEAD, HEAD[:9], HEAD[9:], HEAD[9:-1], HEAD[-1:], HEAD + b"early", DENIED_HEAD, b"\r\n", b"GET / HTTP/1.1\r\n\r\n"]
) | st.binary(min_size=1, max_size=300)
FAILURES = st.sampled_from([outcome for outcome in Outcome if outcome.status >= 500])
ENDS = st.sampled_from([outcome for outcome in Outcome if outcome.status == 200])


def state_is(*states: State) -> Callable[["AnySequence"], bool]:
    return lambda machine: machine.conversation.state in states


class AnySequence(RuleBasedStateMachine):
    """Whatever may happen in each state, in any order: what follows is in the table, and the end has an outcome."""

    def __init__(self) -> None:
        super().__init__()
        self.census = Census()
        self.conversation = begun(self.census)
        self.record = self.conversation.record
        self.established = False

    def happens(self, event: Callable[[], Command]) -> None:
        before = self.conversation.state
        command = event()
        seen = (before.name, self.conversation.state.name, type(command).__name__)
        assert seen in {(state, after, command) for state, _, after, command in ROWS}
        self.established = self.established or isinstance(command, Establish)

    @rule()
    def gate_drains(self) -> None:
        self.census.draining = True

    @precondition(state_is(State.HEAD))
    @rule(data=SENT)
    def bytes_come(self, data: bytes) -> None:
        self.happens(lambda: self.conversation.received(data))

    @precondition(state_is(State.HEAD))
    @rule()
    def head_is_late(self) -> None:
        self.happens(self.conversation.deadline_passed)

    @precondition(state_is(State.DIALLING))
    @rule()
    def target_is_connected(self) -> None:
        self.happens(self.conversation.connected)

    @precondition(state_is(State.DIALLING))
    @rule(outcome=FAILURES, detail=st.text(max_size=20))
    def dial_fails(self, outcome: Outcome, detail: str) -> None:
        self.happens(lambda: self.conversation.dial_failed(outcome, detail))

    @precondition(state_is(State.RELAYING))
    @rule(outcome=ENDS)
    def relay_ends(self, outcome: Outcome) -> None:
        self.happens(lambda: self.conversation.ended(outcome))

    @precondition(state_is(State.HEAD, State.DIALLING, State.LINGERING))
    @rule()
    def client_ends(self) -> None:
        self.happens(self.conversation.client_ended)

    @precondition(state_is(State.HEAD, State.DIALLING, State.RELAYING, State.LINGERING))
    @rule()
    def gate_has_a_fault(self) -> None:
        self.happens(lambda: self.conversation.ended(Outcome.INTERNAL_ERROR, "KeyError"))

    @invariant()
    def an_outcome_is_written_on_the_way_out_and_not_before(self) -> None:
        assert (self.record.outcome is not None) == (self.conversation.state in {State.LINGERING, State.CLOSED})

    @invariant()
    def the_status_is_what_was_answered(self) -> None:
        assert (self.record.status == 200) == self.established
        if self.record.status not in {0, 200}:
            assert self.record.outcome is not None
            assert self.record.status == self.record.outcome.status

    def teardown(self) -> None:
        """The gate stops, if nothing else ended it."""
        if self.conversation.state is not State.CLOSED:
            self.happens(self.conversation.stopped)
        assert self.conversation.state is State.CLOSED
        assert self.record.sentence()


TestAnySequence = AnySequence.TestCase
