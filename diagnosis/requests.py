"""Findings about what a client said to the gate itself: its first bytes, TLS to the gate, its request. Pure."""

from collections.abc import Callable, Mapping
from typing import Final

from licensegate.records.finding import Certainty
from licensegate.records.outcome import Outcome

from .case import SILENCE_MS, Case, Conclusion, seconds
from .codes import Code

_LIKELY, _POSSIBLE = Certainty.LIKELY, Certainty.POSSIBLE

_ASKS_FOR_A_PAGE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_HTTPS: Final = ":443"


def of_other_method(case: Case) -> Conclusion:
    """A request that is no CONNECT, for a path that no licensing product posts to."""
    record = case.record
    evidence = f"it sent {record.method} {record.requested}"
    if not record.requested.startswith(("/", "*")):
        return Conclusion(Code.METHOD_NOT_ALLOWED, Code.METHOD_NOT_ALLOWED.certainty, evidence)
    if record.method in _ASKS_FOR_A_PAGE:
        return Conclusion(Code.NOT_A_PROXY_REQUEST, _LIKELY, evidence)
    return Conclusion(Code.GATEWAY_MODE, _LIKELY, f"{evidence}, as a product does to its gateway")


def of_rejected_gate(case: Case) -> Conclusion:
    """The gate's own certificate was rejected: by a client that meant a proxy, or by one that expected Cisco.

    No name is sent to an address either, so only on the port of HTTPS does its absence mean that DNS led here.
    """
    record = case.record
    if record.server_name:
        return Conclusion(Code.TLS_TO_PROXY_UNTRUSTED, _LIKELY, f"its ClientHello asked for {record.server_name}")
    if record.listener.endswith(_HTTPS):
        return Conclusion(Code.DIRECT_WITHOUT_SNI, _LIKELY, f"its ClientHello on {record.listener} had no server name")
    return Conclusion(
        Code.TLS_TO_PROXY_UNTRUSTED, _LIKELY, f"it opened TLS on {record.listener}, a port that is entered as a proxy's"
    )


def of_closed_after_handshake(case: Case) -> Conclusion:
    """TLS to the gate, and no request: a check of a balancer, or a name that was not accepted."""
    record = case.record
    asked = f"its ClientHello asked for {record.server_name}" if record.server_name else "it sent no server name"
    return Conclusion(Code.CLOSED_AFTER_HANDSHAKE, _POSSIBLE, asked)


def of_first_bytes(case: Case) -> Conclusion:
    """The first message, or the ClientHello in the tunnel, did not arrive in full."""
    record = case.record
    if record.hello_size:
        arrived = f"{record.hello_bytes} of the {record.hello_size} bytes of its ClientHello arrived"
        waited = (record.total_ms or 0.0) >= SILENCE_MS
        return Conclusion(Code.HELLO_STALLED, _LIKELY if waited else _POSSIBLE, arrived)
    if record.outcome in _GAVE_UP_ON:
        return Conclusion(Code.CLIENT_SILENT, _LIKELY, f"nothing that could be read came for {_lasted(case)}")
    if record.outcome is Outcome.CLIENT_LEFT_IN_INNER_HELLO and (record.total_ms or 0.0) >= SILENCE_MS:
        return Conclusion(Code.CLIENT_SILENT, _POSSIBLE, f"it left its tunnel unused after {_lasted(case)}")
    return Conclusion(Code.CLIENT_LEFT, _LIKELY, f"it left after {_lasted(case)}")


def of_head(case: Case) -> Conclusion:
    """A request that did not arrive in full."""
    record = case.record
    evidence = f"{record.client_read} bytes of its request arrived"
    if record.outcome is Outcome.HEAD_TIMEOUT:
        return Conclusion(Code.HEAD_STALLED, _LIKELY, evidence)
    code = Code.HEAD_STALLED if (record.total_ms or 0.0) >= SILENCE_MS else Code.CLIENT_LEFT
    return Conclusion(code, _LIKELY, f"{evidence}, and it left after {_lasted(case)}")


def _lasted(case: Case) -> str:
    return seconds(case.record.total_ms or 0.0)


_GAVE_UP_ON: Final = frozenset({Outcome.HELLO_TIMEOUT, Outcome.INNER_HELLO_TIMEOUT})

RULES: Final[Mapping[Outcome, Callable[[Case], Conclusion]]] = {
    Outcome.METHOD_NOT_ALLOWED: of_other_method,
    Outcome.GATE_CERTIFICATE_REJECTED: of_rejected_gate,
    Outcome.CLOSED_AFTER_HANDSHAKE: of_closed_after_handshake,
    Outcome.HELLO_TIMEOUT: of_first_bytes,
    Outcome.CLIENT_LEFT_IN_HELLO: of_first_bytes,
    Outcome.INNER_HELLO_TIMEOUT: of_first_bytes,
    Outcome.CLIENT_LEFT_IN_INNER_HELLO: of_first_bytes,
    Outcome.HEAD_TIMEOUT: of_head,
    Outcome.CLIENT_LEFT_IN_HEAD: of_head,
}
