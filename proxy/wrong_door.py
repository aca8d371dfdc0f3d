"""What was meant by a request that is no CONNECT: which field of the product was filled in wrongly."""

from typing import Final

from .outcome import Outcome

_GATEWAY_PATHS: Final = (b"/transportgateway/", b"/its/service/", b"/smarttransport", b"/licservice/", b"/cslu/")
"""Where products post to when the gate's address was typed as a Transport Gateway's or a satellite's (in lower case).

`/Transportgateway/services/DeviceRequestHandler`, `/its/service/oddce/services/DDCEService`, `/SmartTransport` (Cisco
Emergency Responder administration guide; HCS smart licensing guide), `/licservice/license`, `/cslu/v1/pi`.
"""


def outcome_of(target: bytes) -> Outcome:
    """The outcome for a request with another method than CONNECT, by its target (RFC 9112 section 3.2)."""
    asked = target.lower()
    if asked.startswith(b"http://"):
        return Outcome.HTTP_WITHOUT_TUNNEL
    if asked.startswith(_GATEWAY_PATHS):
        return Outcome.GATE_IS_NO_GATEWAY
    return Outcome.METHOD_NOT_ALLOWED
