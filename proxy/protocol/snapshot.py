"""The settings in force, as one frozen value. A conversation takes another one until its tunnel is granted."""

from ipaddress import ip_network

from msgspec import Struct, structs

from licensegate.allowlist.client_networks import ClientNetworks
from licensegate.allowlist.policy import Policy
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.certs.identity import ServerIdentity

from ..auth.authenticator import Authenticator
from ..auth.scheme import Scheme
from ..settings import Limits, TunnelChecks
from .tunnel_checks import ChecksByClient


class Snapshot(Struct, frozen=True):
    """The settings that a conversation depends on. A reload makes a new snapshot; tunnels keep theirs.

    `identity` is None if the gate has no certificate and so speaks no TLS, `authenticator` if there are no logins.
    """

    clients: ClientNetworks
    policy: Policy
    limits: Limits
    checks: ChecksByClient
    identity: ServerIdentity | None
    authenticator: Authenticator | None = None

    def for_listener(self, schemes: frozenset[Scheme] | None) -> "Snapshot":
        """Return the snapshot for a listener with login schemes of its own; this one if `schemes` is None."""
        if schemes is None or self.authenticator is None:
            return self
        return structs.replace(self, authenticator=self.authenticator.for_listener(schemes))

    def for_probe(self, client: str, target: Target, rule: Rule) -> "Snapshot":
        """Return the snapshot for the gate's own look at a target that `rule` allows: for that one, without a login."""
        everybody = structs.replace(rule, report=False, users=(), networks=(), certificates=())
        only = structs.replace(everybody, host=target.host, port=target.port)
        return Snapshot(
            ClientNetworks((ip_network(client),)),
            Policy((), (only,), {}),
            self.limits,
            ChecksByClient(TunnelChecks()),
            identity=None,
        )
