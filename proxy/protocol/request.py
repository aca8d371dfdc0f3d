"""Which target a client asks for: the one in its CONNECT, or the server name in its ClientHello. No I/O."""

from typing import Final

from licensegate.allowlist.target import Target, TargetError, parse_authority
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord
from licensegate.records.text import quoted, without_logins

from ..wire.client_hello import ClientHello
from ..wire.http1 import Head
from ..wire.via import VIA_BYTES, names_us
from .admission import Refused
from .refusals import FOR_TARGET, for_other_method

_HTTPS_PORT: Final = 443
_SHOWN_CHARACTERS: Final = 200
_HEALTH_PATH: Final = b"/healthz"
_HEALTH_METHODS: Final = frozenset({"GET", "HEAD"})


def requested_target(head: Head, record: TunnelRecord) -> Target | Refused:
    """Return the target of a CONNECT, in authority-form (RFC 9110 section 9.3.6). Writes the head into the record."""
    record.user_agent = head.user_agent
    record.via = head.via and without_logins(head.via.encode(), VIA_BYTES)  # parents get it as the client sent it
    record.http_version = head.version
    record.fields = head.fields
    record.host_form = head.host_form
    record.method = head.method
    if head.method != "CONNECT":
        record.requested = quoted(head.target, _SHOWN_CHARACTERS)
        return Refused(for_other_method(head.target))
    try:
        target = parse_authority(head.target)
    except TargetError as error:
        record.requested = quoted(head.target, _SHOWN_CHARACTERS)
        return Refused(FOR_TARGET[error.fault], str(error))
    if head.fault is not None:
        record.target = str(target)
        return Refused(head.fault.outcome, head.fault.detail)
    if names_us(head.via):
        record.target = str(target)
        return Refused(Outcome.PROXY_LOOP)
    return target


def is_health_check(head: Head) -> bool:
    """Whether a balancer asks here, because it cannot ask the admin server, if the gate takes clients."""
    return head.target == _HEALTH_PATH and head.method in _HEALTH_METHODS


def target_of_hello(hello: ClientHello) -> Target | Refused:
    """Return the server name as a target on port 443: DNS leads this client here, and it knows of no proxy."""
    try:
        return parse_authority(str(Target(hello.server_name, _HTTPS_PORT)).encode())
    except TargetError as error:
        return Refused(Outcome.HELLO_MALFORMED, str(error))
