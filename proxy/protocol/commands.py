"""The commands that a conversation returns and the tunnel carries out."""

from typing import Final

from msgspec import Struct

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.certs.identity import ServerIdentity

from ..auth.result import PasswordCheck
from ..wire.tls_exchange import ClientRecords, TargetRecords


class Wait(Struct, frozen=True):
    """Keep reading from the client."""


WAIT: Final = Wait()
"""Used for every wait, so that none is allocated."""


class StartTls(Struct, frozen=True):
    """Speak TLS with the client from now on, as this server. `received` is what it has sent of its handshake."""

    identity: ServerIdentity
    received: bytes


class CheckLogin(Struct, frozen=True):
    """Check this password in a thread: it takes too long for the event loop."""

    check: PasswordCheck


class Dial(Struct, frozen=True, gc=False):
    """Connect to this target, which `rule` allows."""

    target: Target
    rule: Rule


class Send(Struct, frozen=True, gc=False):
    """Send this to the client and keep reading from it. Do not read from the upstream yet."""

    to_client: bytes


class Establish(Struct, frozen=True, gc=False):
    """Send these first bytes in each direction, then relay.

    The records of each direction are noted until enough was seen; None if there is no TLS to look at.
    """

    to_client: bytes
    to_upstream: bytes
    client_records: ClientRecords | None = None
    target_records: TargetRecords | None = None


class Refuse(Struct, frozen=True):
    """Send this answer, end our side, and give the client time to read it."""

    answer: bytes


class Close(Struct, frozen=True):
    """Close without an answer."""


Command = Wait | StartTls | CheckLogin | Dial | Send | Establish | Refuse | Close
