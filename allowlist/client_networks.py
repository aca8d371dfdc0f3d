"""Which client addresses may use the gate at all.

Judged on every connection, before anything that a client asks for. Pure: it sees an address, never a socket, and it
asks nobody for a name.
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
"""Sources that no one can have from the Internet: a gate exposed by mistake serves nobody out there."""

REMEMBERED_CLIENTS: Final = 4096
"""How many clients a cache by address holds: as many as the default limit has tunnels; some 0.5 MB here when full."""


class ClientNetworks:
    """The client networks, and for each address seen lately whether it is in one."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self._networks = tuple(networks)
        self._admitted: BoundedDict[str, bool] = BoundedDict(REMEMBERED_CLIENTS)

    def admits(self, address: str) -> bool:
        """Whether the client at `address`, as a socket spells it, may use the gate. Only IP addresses may."""
        admitted = self._admitted.get(address)
        if admitted is None:
            admitted = self.network_of(address) is not None
            self._admitted.put(address, admitted)
        return admitted

    def network_of(self, address: str) -> Network | None:
        """The first network that holds `address`; None if there is none, or if it is no IP address."""
        return network_of(address, self._networks)
