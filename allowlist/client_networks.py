"""Which client addresses may use the gate.

Checked on every connection before anything is read. Pure: it sees an address, never a socket, and looks up no names.
"""

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Final

from licensegate.records.bounded import BoundedDict

from .clients import Network, network_of

__all__ = ["DEFAULT_NETWORKS", "REMEMBERED_CLIENTS", "ClientNetworks", "Network"]

DEFAULT_NETWORKS: Final[tuple[Network, ...]] = tuple(
    ip_network(network)
    for network in (
        "10.0.0.0/8",  # private, RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",  # shared behind a carrier's NAT, RFC 6598
        "fc00::/7",  # unique local, RFC 4193
        "127.0.0.0/8",  # loopback
        "::1/128",
        "169.254.0.0/16",  # link-local, RFC 3927 and RFC 4291
        "fe80::/10",
    )
)
"""Addresses that are not routed on the Internet: a gate exposed by mistake serves no one there."""

REMEMBERED_CLIENTS: Final = 4096
"""How many clients a cache by address holds: the default limit of tunnels; about 0.5 MB here when full."""


class ClientNetworks:
    """A set of networks, with a cache of the answers for recent addresses."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self._networks = tuple(networks)
        self._admitted: BoundedDict[str, bool] = BoundedDict(REMEMBERED_CLIENTS)

    def admits(self, address: str) -> bool:
        """Tell whether `address`, as a socket spells it, is in one of the networks; no name ever is."""
        admitted = self._admitted.get(address)
        if admitted is None:
            admitted = self.network_of(address) is not None
            self._admitted.put(address, admitted)
        return admitted

    def network_of(self, address: str) -> Network | None:
        """Return the first network that holds `address`; None if none does or it is not an IP address."""
        return network_of(address, self._networks)
