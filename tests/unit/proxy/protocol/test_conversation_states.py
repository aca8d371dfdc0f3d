"""The state table: each of its rows, the events it does not allow, and its copies in the documentation."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import asdict

from licensegate.proxy.protocol.commands import Command
from licensegate.proxy.protocol.conversation import Conversation
from licensegate.proxy.protocol.states import MOVES, TIME_LIMITS, State
from licensegate.records.outcome import Outcome
from support.conversation_harness import (
    HEAD,
    HOST,
    STRANGER,
    UNCHECKED_SNAPSHOT,
    connect_head,
    head_with_login,
    hello,
    login_snapshot,
    start_conversation,
)
from support.state_table import ROWS, deadlines_of_the_docstring, lines_of_the_docstring, ways_on

HELLO, HELLO_TO_ANOTHER, HELLO_TO_THE_GATE = hello(HOST), hello("evil.example"), hello()
SSH = b"SSH-2.0-OpenSSH_9.2\r\n"
DENIED_HEAD = connect_head(b"evil.example:443")
PROXY_HEADER = b"PROXY TCP4 10.1.2.4 10.1.2.4 50000 443\r\n"
NEITHER = b"\0"

Happening = Callable[[Conversation], Command]


def behind_balancer() -> Conversation:
    return start_conversation(behind_balancer=True)


def after(*sent: bytes) -> Conversation:
    """A conversation whose client has sent `sent`."""
    conversation = start_conversation()
    for data in sent:
        conversation.received(data)
    return conversation


def of_a_stranger() -> Conversation:
    return start_conversation(client=STRANGER)


def shaking_hands() -> Conversation:
    return after(HELLO_TO_THE_GATE)


def secured() -> Conversation:
    conversation = shaking_hands()
    conversation.secured("TLSv1.3", "")
    return conversation


def at_the_door(*sent: bytes) -> Conversation:
    """A conversation that requires a login and whose client has sent `sent`."""
    conversation = start_conversation(login_snapshot())
    for data in sent:
        conversation.received(data)
    return conversation


def logging_in(head: bytes = HEAD) -> Conversation:
    return at_the_door(head_with_login(head=head))


def dialling_unchecked() -> Conversation:
    conversation = start_conversation(UNCHECKED_SNAPSHOT)
    conversation.received(HEAD)
    return conversation


def connected(early: bytes = b"") -> Conversation:
    conversation = after(HEAD + early)
    conversation.connected()
    return conversation


def closed() -> Conversation:
    conversation = shaking_hands()
    conversation.client_ended()
    return conversation


def withdraw(conversation: Conversation) -> Command:
    return conversation.withdrawn(Outcome.REVOKED, "its user was removed")


SHORTEST_WAY: dict[State, Callable[[], Conversation]] = {
    State.PROXY_HEADER: behind_balancer,
    State.HELLO: start_conversation,
    State.HANDSHAKE: shaking_hands,
    State.HEAD: lambda: after(HEAD[:9]),
    State.LOGIN: logging_in,
    State.DIALLING: lambda: after(HEAD),
    State.INNER_HELLO: connected,
    State.RELAYING: lambda: connected(HELLO),
    State.LINGERING: lambda: after(DENIED_HEAD),
    State.CLOSED: closed,
}


@pytest.mark.parametrize("state", State, ids=lambda state: state.name)
def test_every_state_can_be_reached(state: State) -> None:
    assert SHORTEST_WAY[state]().state is state


# The table


def table_of_the_architecture(*heading: str) -> list[list[str]]:
    page = (Path(__file__).parents[4] / "docs" / "architecture.md").read_text()
    head = f"| {' | '.join(heading)} |\n|{'---|' * len(heading)}\n"
    table = page.partition(head)[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


BROUGHT_ABOUT: dict[tuple[State, str], list[tuple[Callable[[], Conversation], Happening]]] = {
    (State.PROXY_HEADER, "incomplete header"): [(behind_balancer, lambda it: it.received(PROXY_HEADER[:-1]))],
    (State.PROXY_HEADER, "header"): [
        (behind_balancer, lambda it: it.received(PROXY_HEADER)),
        (behind_balancer, lambda it: it.received(PROXY_HEADER + HEAD)),
        (behind_balancer, lambda it: it.received(PROXY_HEADER + HELLO)),
        (behind_balancer, lambda it: it.received(PROXY_HEADER + NEITHER)),
    ],
    (State.PROXY_HEADER, "no header"): [(behind_balancer, lambda it: it.received(HEAD))],
    (State.PROXY_HEADER, "deadline"): [(behind_balancer, lambda it: it.deadline_passed())],
    (State.PROXY_HEADER, "client's end"): [(behind_balancer, lambda it: it.client_ended())],
    (State.PROXY_HEADER, "cut"): [(behind_balancer, lambda it: it.stopped())],
    (State.HELLO, "too little to tell"): [
        (start_conversation, lambda it: it.received(b"P")),
        (start_conversation, lambda it: it.received(HELLO[:-1])),
    ],
    (State.HELLO, "HTTP"): [
        (start_conversation, lambda it: it.received(HEAD[:2])),
        (start_conversation, lambda it: it.received(HEAD)),
        (start_conversation, lambda it: it.received(DENIED_HEAD)),
    ],
    (State.HELLO, "TLS to the gate"): [(start_conversation, lambda it: it.received(HELLO_TO_THE_GATE))],
    (State.HELLO, "TLS to an allowed target"): [(start_conversation, lambda it: it.received(HELLO))],
    (State.HELLO, "any other TLS"): [
        (start_conversation, lambda it: it.received(HELLO_TO_ANOTHER)),
        (start_conversation, lambda it: it.received(b"\x16\x03\x01\0\0")),
        (of_a_stranger, lambda it: it.received(HELLO)),
        (at_the_door, lambda it: it.received(HELLO)),
    ],
    (State.HELLO, "HTTP not served here"): [(of_a_stranger, lambda it: it.received(HEAD))],
    (State.HELLO, "anything else"): [
        (start_conversation, lambda it: it.received(NEITHER)),
        (start_conversation, lambda it: it.received(PROXY_HEADER)),
        (start_conversation, lambda it: it.received(b"\x80\x2e\x01")),
        (of_a_stranger, lambda it: it.received(NEITHER)),
    ],
    (State.HELLO, "deadline"): [
        (start_conversation, lambda it: it.deadline_passed()),
        (lambda: after(b"P"), lambda it: it.deadline_passed()),
    ],
    (State.HELLO, "client's end"): [(start_conversation, lambda it: it.client_ended())],
    (State.HELLO, "cut"): [(start_conversation, lambda it: it.stopped())],
    (State.HANDSHAKE, "handshake done"): [(shaking_hands, lambda it: it.secured("TLSv1.2", ""))],
    (State.HANDSHAKE, "handshake failed"): [
        (shaking_hands, lambda it: it.handshake_failed("the reason", by_client=True, certificate_rejected=False)),
        (shaking_hands, lambda it: it.handshake_failed("the reason", by_client=True, certificate_rejected=True)),
    ],
    (State.HANDSHAKE, "deadline"): [(shaking_hands, lambda it: it.deadline_passed())],
    (State.HANDSHAKE, "client's end"): [(shaking_hands, lambda it: it.client_ended())],
    (State.HANDSHAKE, "cut"): [(shaking_hands, lambda it: it.stopped())],
    (State.HEAD, "incomplete head"): [
        (lambda: after(HEAD[:9]), lambda it: it.received(HEAD[9:-1])),
        (secured, lambda it: it.received(HEAD[:-1])),
    ],
    (State.HEAD, "CONNECT to an allowed target"): [
        (lambda: after(HEAD[:9]), lambda it: it.received(HEAD[9:])),
        (secured, lambda it: it.received(HEAD)),
    ],
    (State.HEAD, "CONNECT with a password to be checked"): [
        (lambda: at_the_door(HEAD[:9]), lambda it: it.received(head_with_login()[9:])),
    ],
    (State.HEAD, "any other head"): [
        (lambda: at_the_door(HEAD[:9]), lambda it: it.received(HEAD[9:])),
        (lambda: at_the_door(HEAD[:9]), lambda it: it.received(head_with_login("Digest x")[9:])),
        (lambda: after(DENIED_HEAD[:9]), lambda it: it.received(DENIED_HEAD[9:])),
        (secured, lambda it: it.received(b"\r\n\r\n")),
        (secured, lambda it: it.received(SSH)),
    ],
    (State.HEAD, "deadline"): [(lambda: after(HEAD[:-1]), lambda it: it.deadline_passed())],
    (State.HEAD, "withdrawn"): [(lambda: after(HEAD[:9]), withdraw), (secured, withdraw)],
    (State.HEAD, "first line of another protocol"): [(lambda: after(SSH[:-1]), lambda it: it.received(SSH[-1:]))],
    (State.HEAD, "deadline before a byte"): [(secured, lambda it: it.deadline_passed())],
    (State.HEAD, "client's end"): [
        (lambda: after(HEAD[:9]), lambda it: it.client_ended()),
        (secured, lambda it: it.client_ended()),
    ],
    (State.HEAD, "cut"): [(lambda: after(HEAD[:9]), lambda it: it.stopped())],
    (State.LOGIN, "more bytes"): [(logging_in, lambda it: it.received(HELLO))],
    (State.LOGIN, "right password and allowed target"): [(logging_in, lambda it: it.login_checked(right=True))],
    (State.LOGIN, "any other target"): [
        (lambda: logging_in(DENIED_HEAD), lambda it: it.login_checked(right=True)),
    ],
    (State.LOGIN, "withdrawn"): [(logging_in, withdraw)],
    (State.LOGIN, "wrong password"): [(logging_in, lambda it: it.login_checked(right=False))],
    (State.LOGIN, "not checked"): [(logging_in, lambda it: it.login_not_checked("the reason"))],
    (State.LOGIN, "deadline"): [(logging_in, lambda it: it.deadline_passed())],
    (State.LOGIN, "client's end"): [(logging_in, lambda it: it.client_ended())],
    (State.LOGIN, "cut"): [(logging_in, lambda it: it.stopped())],
    (State.DIALLING, "more bytes"): [(lambda: after(HEAD), lambda it: it.received(HELLO))],
    (State.DIALLING, "connected"): [
        (lambda: after(HEAD), lambda it: it.connected()),
        (lambda: after(HEAD + HELLO[:-1]), lambda it: it.connected()),
    ],
    (State.DIALLING, "connected behind its first bytes"): [
        (lambda: after(HEAD + HELLO), lambda it: it.connected()),
        (lambda: after(HEAD + HELLO_TO_ANOTHER), lambda it: it.connected()),
    ],
    (State.DIALLING, "connected behind bytes that must be TLS"): [
        (lambda: after(HEAD + NEITHER), lambda it: it.connected()),
    ],
    (State.DIALLING, "connected with nothing to check"): [
        (dialling_unchecked, lambda it: it.connected()),
        (lambda: after(HELLO), lambda it: it.connected()),
    ],
    (State.DIALLING, "dial failed"): [
        (lambda: after(HEAD), lambda it: it.dial_failed(Outcome.CONNECTION_REFUSED, "192.0.2.1:443, ECONNREFUSED")),
        (lambda: after(HELLO), lambda it: it.dial_failed(Outcome.DNS_TIMEOUT, "")),
    ],
    (State.DIALLING, "withdrawn"): [(lambda: after(HEAD), withdraw), (lambda: after(HELLO), withdraw)],
    (State.DIALLING, "client's end"): [(lambda: after(HEAD), lambda it: it.client_ended())],
    (State.DIALLING, "cut"): [(lambda: after(HEAD), lambda it: it.stopped())],
    (State.INNER_HELLO, "incomplete hello"): [(connected, lambda it: it.received(HELLO[:-1]))],
    (State.INNER_HELLO, "bytes that may pass"): [(connected, lambda it: it.received(HELLO))],
    (State.INNER_HELLO, "TLS that may not"): [
        (connected, lambda it: it.received(HELLO_TO_ANOTHER)),
        (connected, lambda it: it.received(b"\x16\x03\x01\0\0")),
    ],
    (State.INNER_HELLO, "anything else"): [(connected, lambda it: it.received(NEITHER))],
    (State.INNER_HELLO, "deadline"): [(connected, lambda it: it.deadline_passed())],
    (State.INNER_HELLO, "client's end"): [(connected, lambda it: it.client_ended())],
    (State.INNER_HELLO, "cut"): [(connected, lambda it: it.stopped())],
    (State.RELAYING, "relay ended"): [
        (lambda: connected(HELLO), lambda it: it.ended(Outcome.RESET_BY_UPSTREAM, "ECONNRESET"))
    ],
    (State.RELAYING, "cut"): [(lambda: connected(HELLO), lambda it: it.stopped())],
    (State.LINGERING, "client's end"): [(lambda: after(DENIED_HEAD), lambda it: it.client_ended())],
    (State.LINGERING, "cut"): [(lambda: after(DENIED_HEAD), lambda it: it.stopped())],
}
"""For each row and event of the table: the conversation to start from, and the call that causes it."""


def test_the_docstring_and_the_code_agree_on_moves() -> None:
    moves = {state: {after for before, _, after, _ in ROWS if before is state} for state in State}

    assert {state: after - {state} for state, after in moves.items()} == MOVES


def test_the_architecture_shows_the_same_table() -> None:
    assert table_of_the_architecture("state", "event", "next state", "command") == lines_of_the_docstring()


def test_the_docstring_and_the_code_agree_on_deadlines() -> None:
    told = {
        State[state]: None if deadline == "none" else deadline for state, deadline, _ in deadlines_of_the_docstring()
    }

    assert told == TIME_LIMITS
    assert TIME_LIMITS.keys() == set(State)


def test_the_architecture_shows_the_same_deadlines() -> None:
    assert table_of_the_architecture("state", "deadline", "seconds") == deadlines_of_the_docstring()


def test_every_row_of_the_table_is_tried() -> None:
    assert [(state, event) for state, event, *_ in ROWS] == list(BROUGHT_ABOUT)


TRIED = [
    pytest.param(state, after, command, start, happen, id=f"{state.name}, {event}, {number}")
    for state, event, after, command in ROWS
    for number, (start, happen) in enumerate(BROUGHT_ABOUT.get((state, event), []), 1)
]


@pytest.mark.parametrize(("state", "after", "command", "start", "happen"), TRIED)
def test_each_row_of_the_table_holds(
    state: State, after: State, command: str, start: Callable[[], Conversation], happen: Happening
) -> None:
    conversation = start()
    assert conversation.state is state

    given = happen(conversation)

    came_to = (conversation.state, type(given).__name__)
    assert came_to in (set(ways_on(after)) if command.startswith("depends on ") else {(after, command)})
    leaving = conversation.state in {State.LINGERING, State.CLOSED}
    assert (conversation.record.outcome is not None) == leaving, (
        "every way out writes an outcome, and nothing else does"
    )


# Events that are not allowed

STATES: dict[str, Callable[[], Conversation]] = {state.name: way for state, way in SHORTEST_WAY.items()}
READING = {"PROXY_HEADER", "HELLO", "HEAD", "INNER_HELLO"}
OPEN = STATES.keys() - {"CLOSED"}
EVENTS: dict[str, tuple[Happening, set[str]]] = {
    "bytes": (lambda it: it.received(b"C"), READING | {"LOGIN", "DIALLING"}),
    "handshake done": (lambda it: it.secured("TLSv1.3", "CN=later"), {"HANDSHAKE"}),
    "handshake failed": (
        lambda it: it.handshake_failed("later", by_client=True, certificate_rejected=True),
        {"HANDSHAKE"},
    ),
    "login checked": (lambda it: it.login_checked(right=True), {"LOGIN"}),
    "login not checked": (lambda it: it.login_not_checked("later"), {"LOGIN"}),
    "connected": (lambda it: it.connected(), {"DIALLING"}),
    "dial failed": (lambda it: it.dial_failed(Outcome.DNS_NOT_FOUND, "later"), {"DIALLING"}),
    "deadline": (lambda it: it.deadline_passed(), READING | {"LOGIN", "HANDSHAKE"}),
    "client's end": (lambda it: it.client_ended(), OPEN - {"RELAYING"}),
    "stop": (lambda it: it.stopped(), OPEN),
    "withdrawn": (withdraw, OPEN),
    "relay's end or a fault": (lambda it: it.ended(Outcome.IDLE_TIMEOUT, "later"), OPEN),
}
LEGAL = {
    f"{event} in {state}": (STATES[state], happen)
    for event, (happen, legal) in EVENTS.items()
    for state in STATES
    if state in legal
}
ILLEGAL = {
    f"{event} in {state}": (way, happen)
    for event, (happen, legal) in EVENTS.items()
    for state, way in STATES.items()
    if state not in legal
}


@pytest.mark.parametrize(("way", "happen"), LEGAL.values(), ids=LEGAL.keys())
def test_an_event_that_a_state_knows_returns_a_command(way: Callable[[], Conversation], happen: Happening) -> None:
    assert isinstance(happen(way()), Command)


@pytest.mark.parametrize(("way", "happen"), ILLEGAL.values(), ids=ILLEGAL.keys())
def test_an_event_that_a_state_does_not_know_raises_and_changes_nothing(
    way: Callable[[], Conversation], happen: Happening
) -> None:
    conversation = way()
    state, before = conversation.state, asdict(conversation.record)

    with pytest.raises(RuntimeError, match=state.value):
        happen(conversation)

    assert conversation.state is state
    assert asdict(conversation.record) == before
