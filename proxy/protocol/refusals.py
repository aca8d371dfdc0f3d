"""From a verdict to its outcome: what the allowlist, the wire and the states say, as rows of the table."""

from typing import Final

from licensegate.allowlist.policy import Reason
from licensegate.allowlist.target import Fault
from licensegate.records.outcome import Outcome
from licensegate.records.record import LoginResult

from ..auth.result import Rejected
from ..wire.protocol_detection import ClientProtocol
from .states import State

_OF_REASON: Final = {
    Reason.NO_RULE: Outcome.TARGET_NOT_ALLOWED,
    Reason.IN_PRESET: Outcome.TARGET_IN_PRESET,
    Reason.OTHER_PORT: Outcome.TARGET_PORT_NOT_ALLOWED,
    Reason.ADDRESS: Outcome.TARGET_IS_ADDRESS,
    Reason.OTHER_CLIENT: Outcome.TARGET_NOT_FOR_CLIENT,
    Reason.LOGIN_LACKING: Outcome.TARGET_NOT_FOR_CLIENT,
}

FOR_TARGET: Final = {Fault.MALFORMED: Outcome.TARGET_MALFORMED, Fault.URL: Outcome.TARGET_IS_URL}
"""The target of a CONNECT cannot be read."""

FOR_PROTOCOL: Final = {
    ClientProtocol.SSLV2: Outcome.SSLV2_HELLO,
    ClientProtocol.PROXY: Outcome.PROXY_HEADER_NOT_ALLOWED,
    ClientProtocol.UNKNOWN: Outcome.NEITHER_HTTP_NOR_TLS,
}
"""The client speaks what no listener serves."""

FOR_LEAVING_IN: Final = {
    State.PROXY_HEADER: Outcome.CLIENT_LEFT_IN_HELLO,
    State.HELLO: Outcome.CLIENT_LEFT_IN_HELLO,
    State.HANDSHAKE: Outcome.HANDSHAKE_FAILED,
    State.HEAD: Outcome.CLIENT_LEFT_IN_HEAD,
    State.LOGIN: Outcome.CLIENT_LEFT_IN_LOGIN,
    State.DIALLING: Outcome.CLIENT_LEFT_IN_DIAL,
    State.INNER_HELLO: Outcome.CLIENT_LEFT_IN_INNER_HELLO,
}
"""The client left before there was a tunnel."""

_OF_LOGIN: Final = {
    LoginResult.WRONG_PASSWORD: Outcome.LOGIN_REFUSED,
    LoginResult.UNKNOWN_USER: Outcome.LOGIN_REFUSED,
    LoginResult.UNUSABLE: Outcome.LOGIN_UNUSABLE,
    LoginResult.NOT_OFFERED: Outcome.LOGIN_UNUSABLE,
    LoginResult.STALE: Outcome.LOGIN_STALE,
    LoginResult.REPLAYED: Outcome.LOGIN_STALE,
    LoginResult.LIMITED: Outcome.LOGIN_LIMITED,
}

_GATEWAY_PATHS: Final = (b"/transportgateway/", b"/its/service/", b"/smarttransport", b"/licservice/", b"/cslu/")
"""Where products post to when the gate's address was typed as a Transport Gateway's or a satellite's, in lower case:
`/Transportgateway/services/DeviceRequestHandler`, `/its/service/oddce/services/DDCEService`, `/SmartTransport` (Cisco
Emergency Responder administration guide, HCS smart licensing guide), `/licservice/license`, `/cslu/v1/pi`."""


def for_reason(reason: Reason, client_protocol: ClientProtocol) -> Outcome:
    """The allowlist does not allow the target; one that was asked for by TLS alone was led here by a DNS override."""
    if client_protocol is ClientProtocol.TLS and reason is Reason.NO_RULE:
        return Outcome.SERVER_NAME_NOT_ALLOWED
    if client_protocol is ClientProtocol.TLS and reason is Reason.LOGIN_LACKING:
        return Outcome.LOGIN_IMPOSSIBLE
    return _OF_REASON[reason]


def for_login(verdict: Rejected) -> Outcome:
    """The door does not let the client pass."""
    if verdict.result is not LoginResult.MISSING:
        return _OF_LOGIN[verdict.result]
    if not verdict.challenges:
        return Outcome.CERTIFICATE_REQUIRED
    return Outcome.LOGIN_UNANSWERED if verdict.unanswered else Outcome.LOGIN_REQUIRED


def for_other_method(target: bytes) -> Outcome:
    """A request that is no CONNECT, by its target (RFC 9112 section 3.2): which field was filled in wrongly?"""
    asked = target.lower()
    if asked.startswith(b"http://"):
        return Outcome.HTTP_WITHOUT_TUNNEL
    if asked.startswith(_GATEWAY_PATHS):
        return Outcome.GATE_IS_NO_GATEWAY
    return Outcome.METHOD_NOT_ALLOWED
