"""What a conversation wants done: the values that it returns, and `tunnel` carries out."""

from msgspec import Struct

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.certs.identity import ServerIdentity

from ..auth.result import PasswordCheck
from ..wire.tls_records import RecordShape


class Wait(Struct, frozen=True):
    """Go on reading from the client."""


class StartTls(Struct, frozen=True):
    """Speak TLS with the client from now on, as this server; `received` is what it has sent of it already."""

    identity: ServerIdentity
    received: bytes


class CheckLogin(Struct, frozen=True):
    """Find out whether this password is right, without keeping anybody else waiting."""

    check: PasswordCheck


class Dial(Struct, frozen=True):
    """Connect to this target, which `rule` lets pass."""

    target: Target
    rule: Rule


class Send(Struct, frozen=True):
    """Send this to the client and go on reading from it; what the upstream says stays unread."""

    to_client: bytes


class Establish(Struct, frozen=True):
    """Send these first bytes each way, then whatever either side sends to the other.

    The shapes are fed with what passes in their direction until they have seen enough; None where nobody looks.
    """

    to_client: bytes
    to_upstream: bytes
    client_shape: RecordShape | None = None
    upstream_shape: RecordShape | None = None


class Refuse(Struct, frozen=True):
    """Send this answer, end our side, and let the client read it."""

    answer: bytes


class Close(Struct, frozen=True):
    """Close without a word."""


Command = Wait | StartTls | CheckLogin | Dial | Send | Establish | Refuse | Close
