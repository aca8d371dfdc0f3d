"""The outcome for each reason of a refusal: of the allowlist, the parsers, logins and states. Pure."""

from typing import Final

from licensegate.allowlist.policy import Reason
from licensegate.allowlist.target import TargetFault
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

FOR_TARGET: Final = {TargetFault.MALFORMED: Outcome.TARGET_MALFORMED, TargetFault.URL: Outcome.TARGET_IS_URL}
"""The target of a CONNECT cannot be parsed."""

FOR_PROTOCOL: Final = {
    ClientProtocol.SSLV2: Outcome.SSLV2_HELLO,
    ClientProtocol.PROXY: Outcome.PROXY_HEADER_NOT_ALLOWED,
    ClientProtocol.UNKNOWN: Outcome.NEITHER_HTTP_NOR_TLS,
}
"""The client speaks a protocol that no listener serves."""

FOR_LEAVING_IN: Final = {
    State.PROXY_HEADER: Outcome.CLIENT_LEFT_IN_HELLO,
    State.HELLO: Outcome.CLIENT_LEFT_IN_HELLO,
    State.HANDSHAKE: Outcome.HANDSHAKE_FAILED,
    State.HEAD: Outcome.CLIENT_LEFT_IN_HEAD,
    State.LOGIN: Outcome.CLIENT_LEFT_IN_LOGIN,
    State.DIALLING: Outcome.CLIENT_LEFT_IN_DIAL,
    State.INNER_HELLO: Outcome.CLIENT_LEFT_IN_INNER_HELLO,
}
"""The client left before its tunnel was in use."""

FOR_DEADLINE_IN: Final = {
    State.PROXY_HEADER: (Outcome.PROXY_HEADER_MISSING, "it did not come in time"),
    State.HELLO: (Outcome.HELLO_TIMEOUT, ""),
    State.HANDSHAKE: (Outcome.HANDSHAKE_FAILED, "it took too long"),
    State.HEAD: (Outcome.HEAD_TIMEOUT, ""),
    State.LOGIN: (Outcome.LOGIN_NOT_CHECKED, "that took too long"),
    State.INNER_HELLO: (Outcome.INNER_HELLO_TIMEOUT, ""),
}
"""The client, or the check of its login, took too long: the outcome and its detail. A dial names its own outcome."""

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
"""Where products post if the gate's address was entered as that of a Transport Gateway or satellite, in lower case:
`/Transportgateway/services/DeviceRequestHandler`, `/its/service/oddce/services/DDCEService`, `/SmartTransport` (Cisco
Emergency Responder administration guide, HCS smart licensing guide), `/licservice/license`, `/cslu/v1/pi`."""


def for_reason(reason: Reason, client_protocol: ClientProtocol) -> Outcome:
    """The allowlist does not allow the target. A client that speaks TLS to it came here by a DNS override."""
    if client_protocol is ClientProtocol.TLS and reason is Reason.NO_RULE:
        return Outcome.SERVER_NAME_NOT_ALLOWED
    if client_protocol is ClientProtocol.TLS and reason is Reason.LOGIN_LACKING:
        return Outcome.LOGIN_IMPOSSIBLE
    return _OF_REASON[reason]


def for_login(rejected: Rejected) -> Outcome:
    """The authenticator rejected the client."""
    if rejected.result is not LoginResult.MISSING:
        return _OF_LOGIN[rejected.result]
    if not rejected.challenges:
        return Outcome.CERTIFICATE_REQUIRED
    return Outcome.LOGIN_UNANSWERED if rejected.unanswered else Outcome.LOGIN_REQUIRED


def for_other_method(target: bytes) -> Outcome:
    """The outcome of a request other than CONNECT: its target shows which setting of the client is wrong."""
    asked = target.lower()
    if asked.startswith(b"http://"):
        return Outcome.HTTP_WITHOUT_TUNNEL
    if asked.startswith(b"https://"):
        return Outcome.HTTPS_WITHOUT_TUNNEL
    if asked.startswith(_GATEWAY_PATHS):
        return Outcome.GATE_IS_NO_GATEWAY
    return Outcome.METHOD_NOT_ALLOWED
