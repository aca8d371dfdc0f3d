"""Which checks apply to one tunnel: those of its rule, else of its client's network, else the general ones. Pure."""

from collections.abc import Iterable

from licensegate.allowlist.client_networks import REMEMBERED_CLIENTS, ClientNetworks, Network
from licensegate.allowlist.rule import Rule
from licensegate.records.bounded import BoundedDict

from ..settings import NetworkChecks, TunnelChecks


class ChecksByClient:
    """The checks of the settings, and a cache of those for recent clients."""

    def __init__(self, everywhere: TunnelChecks, networks: Iterable[NetworkChecks] = ()) -> None:
        """Take the general checks and those of some networks. The first network that contains a client counts."""
        self._everywhere = everywhere
        self._of_network: dict[Network, TunnelChecks] = {}
        for differing in networks:
            for network in differing.networks:
                self._of_network.setdefault(network, overlay(everywhere, differing))
        self._networks = ClientNetworks(self._of_network)
        self._of_client: BoundedDict[str, TunnelChecks] = BoundedDict(REMEMBERED_CLIENTS)

    def checks_for(self, rule: Rule, client: str) -> TunnelChecks:
        """The checks for a tunnel that `rule` allows, by the client at this address."""
        checks = self._checks_of(client) if self._of_network else self._everywhere
        return overlay(checks, rule)

    def _checks_of(self, client: str) -> TunnelChecks:
        checks = self._of_client.get(client)
        if checks is None:
            network = self._networks.network_of(client)
            checks = self._everywhere if network is None else self._of_network[network]
            self._of_client.put(client, checks)
        return checks


def overlay(checks: TunnelChecks, differing: NetworkChecks | Rule) -> TunnelChecks:
    """The checks, replaced where `differing` states another value. Returns the same object if it states none."""
    require_tls, match, require_name = differing.require_tls, differing.match_server_name, differing.require_server_name
    if require_tls is None and match is None and require_name is None:
        return checks
    return TunnelChecks(
        checks.require_tls if require_tls is None else require_tls,
        checks.match_server_name if match is None else match,
        checks.require_server_name if require_name is None else require_name,
    )
