"""What is said on one client connection, and what follows from it: bytes and events in, a command out. No I/O.

    state      event                                        next state   command
    HEAD       incomplete head                              HEAD         Wait
    HEAD       CONNECT to an allowed target                 DIALLING     Dial
    HEAD       any other head, deadline                     LINGERING    Refuse
    HEAD       deadline before a byte, client's end, cut    CLOSED       Close
    DIALLING   connected                                    RELAYING     Establish
    DIALLING   dial failed                                  LINGERING    Refuse
    DIALLING   client's end, cut                            CLOSED       Close
    RELAYING   relay ended, cut                             CLOSED       Close
    LINGERING  client's end, cut                            CLOSED       Close

A dial that takes too long is one that failed; a relay ends by itself, by a reset or for want of traffic; a client that
was refused and had its time to read why has ended. A cut is what comes from outside the protocol: the gate stops, has
no room even for a refusal, or has a fault. Any other event in a state is a fault of the caller and raises RuntimeError.

Every way to LINGERING or CLOSED writes an outcome into the record. While relaying the tunnel moves bytes by itself.
"""

import enum
from typing import Final

from msgspec import Struct

from licensegate.allowlist.policy import Reason
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Fault, Target, TargetError, parse_authority

from .census import Census
from .outcome import Outcome
from .record import TunnelRecord, printable
from .snapshot import Snapshot
from .wire.answers import ESTABLISHED, refusal
from .wire.http1 import Head, HeadError, read_head


class State(enum.StrEnum):
    """Where a conversation stands."""

    HEAD = enum.auto()
    DIALLING = enum.auto()
    RELAYING = enum.auto()
    LINGERING = enum.auto()
    CLOSED = enum.auto()


MOVES: Final[dict[State, frozenset[State]]] = {
    State.HEAD: frozenset({State.DIALLING, State.LINGERING, State.CLOSED}),
    State.DIALLING: frozenset({State.RELAYING, State.LINGERING, State.CLOSED}),
    State.RELAYING: frozenset({State.CLOSED}),
    State.LINGERING: frozenset({State.CLOSED}),
    State.CLOSED: frozenset(),
}


class Wait(Struct, frozen=True):
    """Go on reading from the client."""


class Dial(Struct, frozen=True):
    """Connect to this target, which `rule` allows."""

    target: Target
    rule: Rule


class Establish(Struct, frozen=True):
    """Send these first bytes each way, then whatever either side sends to the other."""

    to_client: bytes
    to_upstream: bytes


class Refuse(Struct, frozen=True):
    """Send this answer, end our side, and let the client read it."""

    answer: bytes


class Close(Struct, frozen=True):
    """Close without a word."""


Command = Wait | Dial | Establish | Refuse | Close

_WAIT: Final = Wait()
_CLOSE: Final = Close()

_REFUSED_FOR: Final = {
    Reason.NO_RULE: Outcome.TARGET_NOT_ALLOWED,
    Reason.IN_PRESET: Outcome.TARGET_IN_PRESET,
    Reason.OTHER_PORT: Outcome.TARGET_PORT_NOT_ALLOWED,
    Reason.ADDRESS: Outcome.TARGET_IS_ADDRESS,
}
_FAULTY_TARGET: Final = {Fault.MALFORMED: Outcome.TARGET_MALFORMED, Fault.URL: Outcome.TARGET_IS_URL}


class Conversation:
    """One client connection's protocol. `state` and `record` are there to be read; only the events change them."""

    __slots__ = ("_census", "_received", "_snapshot", "record", "state")

    def __init__(self, snapshot: Snapshot, census: Census, record: TunnelRecord) -> None:
        self._snapshot = snapshot
        self._census = census
        self._received = b""
        self.record = record
        self.state = State.HEAD

    def received(self, data: bytes) -> Command:
        """Bytes from the client, until its head is complete."""
        self._only_in(State.HEAD)
        self.record.client_read += len(data)
        received = self._received = self._received + data if self._received else data
        if not self._snapshot.clients.admits(self.record.client):
            return self._refuse(Outcome.CLIENT_NOT_ALLOWED)
        try:
            head = read_head(received, self._snapshot.limits.head_bytes)
            return _WAIT if head is None else self._judge(head)
        except HeadError as refused:
            return self._refuse(refused.outcome, refused.detail)

    def _judge(self, head: Head) -> Command:
        """Client network (already judged), then limits, then target: RFC 9110 section 9.3.6 wants authority-form."""
        record = self.record
        record.user_agent = head.user_agent
        record.http_version = head.version
        record.method = head.method
        if head.method != "CONNECT":
            record.requested = printable(head.target)
            return self._refuse(Outcome.METHOD_NOT_ALLOWED)
        full = self._census.turns_away(record.client, self._snapshot.limits)
        if full is not None:
            return self._refuse(full)
        try:
            target = parse_authority(head.target)
        except TargetError as unusable:
            record.requested = printable(head.target)
            return self._refuse(_FAULTY_TARGET[unusable.fault], str(unusable))
        self._received = self._received[head.size :]
        return self._decide(target)

    def _decide(self, target: Target) -> Command:
        record, policy = self.record, self._snapshot.policy
        decision = policy.decide(target)
        record.target = str(target)
        record.policy = policy.hash
        record.allowed = decision.allowed
        if decision.rule is None or not decision.allowed:
            record.preset = decision.detail if decision.reason is Reason.IN_PRESET else ""
            return self._refuse(_REFUSED_FOR[decision.reason], decision.detail)
        record.rule = str(decision.rule)
        record.preset = decision.rule.preset
        self._move(State.DIALLING)
        return Dial(target, decision.rule)

    @property
    def early(self) -> bytes:
        """What the client sent behind its head: its tunnel's first bytes."""
        return self._received

    def connected(self) -> Command:
        """The target is connected: say 200, and hand over what the client sent after its head."""
        self._move(State.RELAYING)
        self.record.status = 200
        early, self._received = self._received, b""
        return Establish(ESTABLISHED, early)

    def dial_failed(self, outcome: Outcome, detail: str) -> Command:
        """The target could not be connected, or not in time."""
        self._only_in(State.DIALLING)
        return self._refuse(outcome, detail)

    def client_ended(self) -> Command:
        """The client closed or broke its connection before there was a tunnel, or after a refusal."""
        self._only_in(State.HEAD, State.DIALLING, State.LINGERING)
        if self.state is State.DIALLING:
            self.record.end(Outcome.CLIENT_LEFT_IN_DIAL)
        elif self.record.client_read:
            self.record.end(Outcome.CLIENT_LEFT_IN_HEAD)
        else:
            self.record.end(Outcome.CLOSED_UNUSED)
        return self._close()

    def deadline_passed(self) -> Command:
        """The client did not complete its head in time; one that sent nothing at all is left without a word."""
        self._only_in(State.HEAD)
        if self.record.client_read:
            return self._refuse(Outcome.HEAD_TIMEOUT)
        self.record.end(Outcome.CLOSED_UNUSED)
        return self._close()

    def ended(self, outcome: Outcome, detail: str = "") -> Command:
        """The relay ended, or a fault or a full gate ends the connection in whatever state it is."""
        self.record.end(outcome, detail)
        return self._close()

    def stopped(self) -> Command:
        """The gate stops and waits no longer."""
        if self.state is State.RELAYING:
            return self.ended(Outcome.CUT_BY_STOP)
        return self.ended(Outcome.CUT_BEFORE_TUNNEL if self.record.client_read else Outcome.CLOSED_UNUSED)

    def _refuse(self, outcome: Outcome, detail: str = "") -> Command:
        self.record.end(outcome, detail)
        self.record.status = outcome.status
        self._move(State.LINGERING)
        return Refuse(refusal(self.record))

    def _close(self) -> Command:
        self._move(State.CLOSED)
        return _CLOSE

    def _only_in(self, *states: State) -> None:
        if self.state not in states:
            raise RuntimeError(f"a conversation in {self.state} knows no such event")

    def _move(self, state: State) -> None:
        if state not in MOVES[self.state]:
            raise RuntimeError(f"a conversation cannot go from {self.state} to {state}")
        self.state = state
