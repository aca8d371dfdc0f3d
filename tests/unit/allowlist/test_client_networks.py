from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.allowlist import client_networks
from licensegate.allowlist.client_networks import DEFAULT_NETWORKS, ClientNetworks


@pytest.mark.parametrize(
    ("address", "admitted"),
    [
        pytest.param("10.255.255.255", True, id="private 10"),
        pytest.param("11.0.0.0", False, id="just past 10"),
        pytest.param("172.16.0.0", True, id="private 172.16"),
        pytest.param("172.31.255.255", True, id="end of 172.16/12"),
        pytest.param("172.32.0.0", False, id="just past 172.16/12"),
        pytest.param("192.168.1.1", True, id="private 192.168"),
        pytest.param("100.64.0.1", True, id="shared"),
        pytest.param("100.128.0.0", False, id="just past shared"),
        pytest.param("127.0.0.1", True, id="loopback"),
        pytest.param("169.254.1.1", True, id="link-local"),
        pytest.param("8.8.8.8", False, id="public IPv4"),
        pytest.param("::1", True, id="IPv6 loopback"),
        pytest.param("::2", False, id="IPv6 loopback's neighbour"),
        pytest.param("fd12:3456::1", True, id="unique local"),
        pytest.param("fe80::1", True, id="IPv6 link-local"),
        pytest.param("fe80::1%eth0", True, id="IPv6 link-local with its zone"),
        pytest.param("2001:db8::1", False, id="IPv6 outside"),
        pytest.param("::ffff:10.1.2.3", True, id="mapped private"),
        pytest.param("::ffff:8.8.8.8", False, id="mapped public"),
        pytest.param("64:ff9b::10.1.2.3", False, id="NAT64 is not mapped"),
    ],
)
def test_default_networks_are_private_loopback_and_link_local(address: str, admitted: bool) -> None:
    gate = ClientNetworks(DEFAULT_NETWORKS)

    assert gate.admits(address) is admitted
    assert gate.admits(address) is admitted, "the cached answer differs"


@pytest.mark.parametrize("address", ["", "%", "localhost", "10.1.2.3.4", "10.1", "0x0a000001", "@/run/socket"])
def test_anything_but_an_ip_address_is_refused(address: str) -> None:
    assert not ClientNetworks([ip_network("0.0.0.0/0"), ip_network("::/0")]).admits(address)


def test_an_empty_list_of_networks_admits_nobody() -> None:
    assert not ClientNetworks([]).admits("127.0.0.1")


def test_the_first_network_that_holds_the_address_is_named() -> None:
    wide, narrow = ip_network("10.0.0.0/8"), ip_network("10.1.0.0/16")

    assert ClientNetworks([narrow, wide]).network_of("10.1.2.3") == narrow
    assert ClientNetworks([wide, narrow]).network_of("::ffff:10.1.2.3") == wide
    assert ClientNetworks([wide, narrow]).network_of("192.0.2.1") is None


@given(st.ip_addresses(v=4))
def test_an_ipv4_client_is_judged_alike_through_an_ipv6_socket(address: IPv4Address) -> None:
    gate = ClientNetworks(DEFAULT_NETWORKS)

    assert gate.admits(str(address)) is gate.admits(f"::ffff:{address}")


@given(st.ip_addresses(v=6))
def test_a_zone_changes_no_verdict(address: IPv6Address) -> None:
    gate = ClientNetworks(DEFAULT_NETWORKS)

    assert gate.admits(f"{address}%eth0") is gate.admits(str(address))


def test_the_remembered_verdicts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_networks, "REMEMBERED_CLIENTS", 8)
    gate = ClientNetworks(DEFAULT_NETWORKS)

    for last in range(100):
        assert gate.admits(f"10.0.0.{last}")
        assert not gate.admits(f"8.8.8.{last}")
    assert len(gate._admitted) <= 8
