"""What is in force: one frozen value, handed to each conversation at its birth and kept until its end."""

from msgspec import Struct, structs

from licensegate.allowlist.client_networks import ClientNetworks
from licensegate.allowlist.policy import Policy
from licensegate.certs.identity import ServerIdentity

from ..auth.authenticator import Authenticator
from ..auth.scheme import Scheme
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

    def for_listener(self, schemes: frozenset[Scheme] | None) -> "Snapshot":
        """The snapshot for connections to a listener with login schemes of its own; itself where it has none."""
        if schemes is None or self.authenticator is None:
            return self
        return structs.replace(self, authenticator=self.authenticator.for_listener(schemes))
