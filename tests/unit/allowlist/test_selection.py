"""Which tunnels an operator picks."""

from ipaddress import ip_network

import pytest

from licensegate.allowlist.clients import Identity
from licensegate.allowlist.selection import TunnelSelection
from licensegate.allowlist.target import Target

TARGET = Target("tools.cisco.com", 443)
CLIENT = "10.1.2.3"
IDENTITY = Identity("cucm-pub", ("CUCM-Pub.example.net",))

MATCHING = {
    "everything": TunnelSelection(),
    "its host": TunnelSelection(hosts=("tools.cisco.com",)),
    "a wildcard above its host": TunnelSelection(hosts=("*.cisco.com",)),
    "one of two users": TunnelSelection(users=("another", "cucm-pub")),
    "its network": TunnelSelection(networks=(ip_network("10.0.0.0/8"),)),
    "its certificate in another case": TunnelSelection(certificates=("cucm-pub.example.NET",)),
    "all of them": TunnelSelection(
        ("tools.cisco.com",), ("cucm-pub",), (ip_network("10.1.2.3/32"),), ("cucm-pub.example.net",)
    ),
}
OTHERS = {
    "another host": TunnelSelection(hosts=("api.cisco.com",)),
    "a name below it": TunnelSelection(hosts=("*.tools.cisco.com",)),
    "the end of its name": TunnelSelection(hosts=("ools.cisco.com",)),
    "a user in another case": TunnelSelection(users=("CUCM-PUB",)),
    "another network": TunnelSelection(networks=(ip_network("10.2.0.0/16"), ip_network("fd00::/8"))),
    "another certificate": TunnelSelection(certificates=("example.net",)),
    "its user elsewhere": TunnelSelection(users=("cucm-pub",), networks=(ip_network("10.2.0.0/16"),)),
}


@pytest.mark.parametrize("selection", MATCHING.values(), ids=MATCHING.keys())
def test_a_tunnel_that_fits_all_options_is_picked(selection: TunnelSelection) -> None:
    assert selection.matches(TARGET, CLIENT, IDENTITY)


@pytest.mark.parametrize("selection", OTHERS.values(), ids=OTHERS.keys())
def test_a_tunnel_that_misses_one_option_is_left_alone(selection: TunnelSelection) -> None:
    assert not selection.matches(TARGET, CLIENT, IDENTITY)


def test_a_client_without_a_login_matches_no_user() -> None:
    assert not TunnelSelection(users=("",)).is_everything
    assert not TunnelSelection(users=("cucm-pub",)).matches(TARGET, CLIENT, Identity())


def test_a_wildcard_covers_no_address() -> None:
    assert not TunnelSelection(hosts=("*.2.3",)).matches(Target("10.1.2.3", 443), CLIENT, IDENTITY)
