"""Picks some of the open tunnels, for an operator who ends them. Names and networks match as those in rules do."""

from msgspec import Struct

from .clients import Identity, Network
from .rule import Rule
from .target import Target


class TunnelSelection(Struct, frozen=True):
    """A tunnel must match one entry of each list that is not empty. `hosts` are normalised, wildcards included."""

    hosts: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    certificates: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Whether every tunnel matches."""
        return not (self.hosts or self.users or self.networks or self.certificates)

    def matches(self, target: Target, client: str, identity: Identity) -> bool:
        """Whether the tunnel of this client, who has proved this identity, is picked."""
        if self.hosts and set(self.hosts).isdisjoint(target.rule_hosts):
            return False
        rule = Rule("", users=self.users, networks=self.networks, certificates=self.certificates)
        return not rule.unmatched_keys(client, identity)
