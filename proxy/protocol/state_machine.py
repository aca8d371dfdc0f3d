"""The state of one client connection, its legal moves, and the events that end it. No I/O.

Every move to LINGERING or CLOSED writes an outcome into the record.
"""

from collections.abc import Callable
from typing import Final

from licensegate.language.language import Language, language_for
from licensegate.records.finding import Finding
from licensegate.records.outcome import Outcome, Party
from licensegate.records.record import LoginResult, ServerNameCheck, TunnelRecord

from ..wire.protocol_detection import ClientProtocol
from ..wire.responses import alert, refusal
from .admission import Admission
from .commands import Close, Command, Refuse
from .refusals import FOR_DEADLINE_IN, FOR_LEAVING_IN
from .states import MOVES, State

Explain = Callable[[TunnelRecord, Language], Finding | None]
"""Finds out why a connection failed, before its refusal is written, and says it in the client's language."""

_CLOSE: Final = Close()
_MAY_BE_UNUSED: Final = frozenset({State.PROXY_HEADER, State.HELLO, State.HEAD})
_ANSWERED_IF_REFUSED: Final = frozenset({State.HEAD, State.LOGIN, State.DIALLING})
_TUNNEL_PROMISED: Final = frozenset({State.INNER_HELLO, State.RELAYING})  # the client was answered 200


def no_finding(record: TunnelRecord, language: Language) -> None:
    """Explain nothing."""


class StateMachine:
    """Moves one client connection through its states and ends it. `Conversation` adds the protocol of each state.

    Read `state` and `record`; only events change them. An event returns the command to carry out, and raises
    RuntimeError in a state in which it cannot happen.
    """

    __slots__ = (
        "_accept_language", "_admission", "_client_protocol", "_explain", "_received", "_unsent", "record", "state",
    )  # fmt: skip

    def __init__(self, record: TunnelRecord, state: State, explain: Explain) -> None:
        self._received = b""
        self._accept_language = b""  # as the request has it: read only if it is refused
        self._unsent = b""  # goes out before the next answer
        self._client_protocol = ClientProtocol.UNDECIDED  # the protocol of a refusal
        self._admission: Admission | None = None  # while a password is checked
        self._explain = explain
        self.record = record
        self.state = state

    def handshake_failed(self, detail: str, *, by_client: bool, certificate_rejected: bool) -> Command:
        """TLS to the gate failed; `by_client` if the client sent the alert or left."""
        self._only_in(State.HANDSHAKE)
        if certificate_rejected:
            return self.ended(Outcome.GATE_CERTIFICATE_REJECTED, detail)
        return self.ended(Outcome.HANDSHAKE_FAILED, detail, by=Party.CLIENT if by_client else Party.GATE)

    def tls_failed(self, detail: str) -> Command:
        """The gate gave up TLS with the client after their handshake: what the client sent is no TLS, or forged."""
        if self.state is State.LINGERING:
            return self._close()
        self._only_in(*FOR_LEAVING_IN)
        return self.ended(Outcome.TLS_FAILED, detail)

    def login_not_checked(self, detail: str) -> Command:
        """The password could not be checked; `detail` says why in a few words."""
        self._only_in(State.LOGIN)
        self.record.login_result = LoginResult.NOT_CHECKED
        return self._refuse(Outcome.LOGIN_NOT_CHECKED, detail)

    def dial_failed(self, outcome: Outcome, detail: str) -> Command:
        """The target could not be connected, or not in time."""
        self._only_in(State.DIALLING)
        return self._refuse(outcome, detail)

    def client_ended(self, rejection: str = "") -> Command:
        """The client closed or reset its connection before its tunnel was in use, or after a refusal.

        `rejection` is the alert by which it rejected the gate's certificate once the handshake was complete.
        """
        if self.state is State.LINGERING:
            return self._close()
        self._only_in(*FOR_LEAVING_IN)
        if self._is_unused():
            if self.state is not State.HEAD:
                return self.ended(Outcome.CLOSED_UNUSED)
            return self.ended(
                Outcome.GATE_CERTIFICATE_REJECTED if rejection else Outcome.CLOSED_AFTER_HANDSHAKE, rejection
            )
        return self.ended(FOR_LEAVING_IN[self.state], "the client left" if self.state is State.HANDSHAKE else "")

    def deadline_passed(self) -> Command:
        """The client, or the check of its login, took too long. A client that sent nothing gets no answer."""
        self._only_in(*FOR_DEADLINE_IN)
        if self._is_unused():
            return self.ended(Outcome.CLOSED_UNUSED)
        outcome, detail = FOR_DEADLINE_IN[self.state]
        match self.state:
            case State.HEAD:
                return self._refuse(outcome, detail)
            case State.LOGIN:
                return self.login_not_checked(detail)
            case State.INNER_HELLO:
                self.record.server_name_check = ServerNameCheck.TIMEOUT
        return self.ended(outcome, detail, by=Party.GATE)

    def ended(self, outcome: Outcome, detail: str = "", by: Party | None = None) -> Command:
        """The relay ended; or a fault, or a full gate, ends the connection in any state. `by` as for a record."""
        self.record.end(outcome, detail, by)
        return self._close()

    def withdrawn(self, outcome: Outcome, detail: str) -> Command:
        """The client may no longer have its tunnel, or an operator ends it. It gets an answer if it waits for one."""
        if self.state in _TUNNEL_PROMISED:
            return self.ended(outcome, detail)
        if self.state in _ANSWERED_IF_REFUSED:
            return self._refuse(Outcome.ENDED_BEFORE_TUNNEL, detail)
        return self.ended(Outcome.ENDED_BEFORE_TUNNEL, detail)

    def stopped(self) -> Command:
        """The gate stops and waits no longer."""
        if self.state in _TUNNEL_PROMISED:
            return self.ended(Outcome.CUT_BY_STOP)
        return self.ended(Outcome.CLOSED_UNUSED if self._is_unused() else Outcome.CUT_BEFORE_TUNNEL)

    def _refuse(self, outcome: Outcome, detail: str = "", challenges: tuple[str, ...] = (), wait: float = 0) -> Command:
        """Answer in the client's protocol. Close without an answer if the gate does not serve that protocol.

        `wait`: the seconds until the client may try again, if they are known.
        """
        self._admission = None
        self.record.end(outcome, detail)
        answer = self._take_unsent()
        if self._client_protocol is ClientProtocol.HTTP and outcome.status >= 400:
            self.record.status = outcome.status
            language = language_for(self._accept_language.decode("latin-1"))
            answer += refusal(self.record, challenges, self._explain(self.record, language), language, wait)
        elif self._client_protocol is ClientProtocol.TLS:
            answer += alert(outcome)
        if not answer:
            return self._close()
        self._move(State.LINGERING)
        return Refuse(answer)

    def _take_unsent(self) -> bytes:
        unsent, self._unsent = self._unsent, b""
        return unsent

    def _close(self) -> Command:
        self._move(State.CLOSED)
        return _CLOSE

    def _is_unused(self) -> bool:
        """Whether the client asked for nothing: a health check that opens the port, or TLS, or sends PROXY LOCAL."""
        return self.state in _MAY_BE_UNUSED and not self._received

    def _only_in(self, *states: State) -> None:
        if self.state not in states:
            raise RuntimeError(f"a conversation in {self.state} knows no such event")

    def _move(self, state: State) -> None:
        if state not in MOVES[self.state]:
            raise RuntimeError(f"a conversation cannot go from {self.state} to {state}")
        self.state = state
