"""What is in force: one frozen value, handed to each conversation at its birth and kept until its end."""

from msgspec import Struct

from licensegate.allowlist.client_networks import ClientNetworks
from licensegate.allowlist.policy import Policy
from licensegate.certs.identity import ServerIdentity

from ..auth.authenticator import Authenticator
from ..settings import Limits
from .tunnel_checks import ChecksByClient


class Snapshot(Struct, frozen=True):
    """The settings by which a conversation decides. A reload makes a new one; open tunnels keep theirs.

    `identity` is None where the gate speaks no TLS itself, `door` where nobody logs in.
    """

    clients: ClientNetworks
    policy: Policy
    limits: Limits
    checks: ChecksByClient
    identity: ServerIdentity | None
    authenticator: Authenticator | None = None
