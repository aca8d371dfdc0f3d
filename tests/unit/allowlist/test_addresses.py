"""Which addresses are public, and which network decides that."""

import csv
import importlib.resources
import ipaddress
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from licensegate.allowlist.addresses import AddressClass, classify

with importlib.resources.files("licensegate.allowlist").joinpath("networks.csv").open(encoding="ascii") as table:
    ROWS = list(csv.DictReader(table))

PUBLIC = {
    "Cisco's licensing service": ("72.163.4.38", "0.0.0.0/0"),
    "just below 10/8": ("9.255.255.255", "0.0.0.0/0"),
    "just above 10/8": ("11.0.0.0", "0.0.0.0/0"),
    "just above 100.64/10": ("100.128.0.0", "0.0.0.0/0"),
    "just above 172.16/12": ("172.32.0.0", "0.0.0.0/0"),
    "just below multicast": ("223.255.255.255", "0.0.0.0/0"),
    "beside Azure's": ("168.63.129.17", "0.0.0.0/0"),
    "PCP anycast": ("192.0.0.9", "192.0.0.9/32"),
    "TURN anycast": ("192.0.0.10", "192.0.0.10/32"),
    "AS112": ("192.175.48.1", "192.175.48.0/24"),
    "IPv6": ("2600:1::1", "2000::/3"),
    "lowest IPv6": ("2000::", "2000::/3"),
    "IPv6 PCP anycast": ("2001:1::1", "2001:1::1/128"),
    "ORCHIDv2": ("2001:2f::1", "2001:20::/28"),
    "IPv6 AS112": ("2620:4f:8000::1", "2620:4f:8000::/48"),
}

NOT_PUBLIC = {
    "unspecified": ("0.0.0.0", "0.0.0.0/32", "This host on this network"),
    "this network": ("0.1.2.3", "0.0.0.0/8", "This network"),
    "private 10": ("10.255.255.255", "10.0.0.0/8", "Private-Use"),
    "private 172": ("172.31.255.255", "172.16.0.0/12", "Private-Use"),
    "private 192": ("192.168.0.1", "192.168.0.0/16", "Private-Use"),
    "loopback": ("127.0.0.53", "127.0.0.0/8", "Loopback"),
    "shared": ("100.64.0.1", "100.64.0.0/10", "Shared Address Space"),
    "metadata": ("169.254.169.254", "169.254.0.0/16", "Link Local"),
    "metadata of Alibaba": ("100.100.100.200", "100.64.0.0/10", "Shared Address Space"),
    "metadata of Oracle": ("192.0.0.192", "192.0.0.0/24", "IETF Protocol Assignments"),
    "platform of Azure": ("168.63.129.16", "168.63.129.16/32", "Azure platform address"),
    "beside PCP anycast": ("192.0.0.8", "192.0.0.8/32", "IPv4 dummy address"),
    "documentation": ("203.0.113.7", "203.0.113.0/24", "Documentation (TEST-NET-3)"),
    "benchmarking": ("198.19.255.255", "198.18.0.0/15", "Benchmarking"),
    "6to4 relay": ("192.88.99.1", "192.88.99.0/24", "Deprecated (6to4 Relay Anycast)"),
    "multicast": ("239.255.255.250", "224.0.0.0/4", "Multicast"),
    "reserved": ("250.0.0.1", "240.0.0.0/4", "Reserved"),
    "broadcast": ("255.255.255.255", "255.255.255.255/32", "Limited Broadcast"),
    "IPv6 unspecified": ("::", "::/128", "Unspecified Address"),
    "IPv6 loopback": ("::1", "::1/128", "Loopback Address"),
    "IPv6 unique local": ("fd12::1", "fc00::/7", "Unique-Local"),
    "metadata of EC2": ("fd00:ec2::254", "fc00::/7", "Unique-Local"),
    "IPv6 link-local": ("fe80::1", "fe80::/10", "Link-Local Unicast"),
    "zone id": ("fe80::1%eth0", "fe80::/10", "Link-Local Unicast"),
    "IPv6 site-local": ("fec0::1", "fec0::/10", "Deprecated (Site-Local)"),
    "IPv6 multicast": ("ff02::1", "ff00::/8", "Multicast"),
    "IPv6 documentation": ("2001:db8::1", "2001:db8::/32", "Documentation"),
    "newer IPv6 documentation": ("3fff:fff::1", "3fff::/20", "Documentation"),
    "discard-only": ("100::1", "100::/64", "Discard-Only Address Block"),
    "dummy prefix": ("100:0:0:1::1", "100:0:0:1::/64", "Dummy IPv6 Prefix"),
    "SRv6": ("5f00::1", "5f00::/16", "Segment Routing (SRv6) SIDs"),
    "protocol assignments": ("2001:1ff::1", "2001::/23", "IETF Protocol Assignments"),
    "beside PCP anycast in IPv6": ("2001:1::4", "2001::/23", "IETF Protocol Assignments"),
    "local-use NAT64 of a public address": ("64:ff9b:1::8.8.8.8", "64:ff9b:1::/48", "Local-use NAT64"),
    "IPv4-translated of loopback": ("::ffff:0:127.0.0.1", "::/0", "Reserved by IETF (outside 2000::/3)"),
    "above global unicast": ("4000::", "::/0", "Reserved by IETF (outside 2000::/3)"),
}

EMBEDDED = {
    "mapped loopback": ("::ffff:127.0.0.1", "127.0.0.0/8", "Loopback, as 127.0.0.1 inside IPv4-mapped"),
    "mapped, hexadecimal": ("::ffff:a9fe:a9fe", "169.254.0.0/16", "Link Local, as 169.254.169.254 inside IPv4-mapped"),
    "compatible": ("::10.0.0.1", "10.0.0.0/8", "Private-Use, as 10.0.0.1 inside IPv4-compatible"),
    "compatible, next to loopback": ("::2", "0.0.0.0/8", "This network, as 0.0.0.2 inside IPv4-compatible"),
    "NAT64 of loopback": ("64:ff9b::7f00:1", "127.0.0.0/8", "Loopback, as 127.0.0.1 inside NAT64"),
    "NAT64 of multicast": ("64:ff9b::224.0.0.1", "224.0.0.0/4", "Multicast, as 224.0.0.1 inside NAT64"),
    "6to4": ("2002:c0a8:1::1", "192.168.0.0/16", "Private-Use, as 192.168.0.1 inside 6to4"),
    "Teredo client": ("2001:0:808:808::f5ff:fffe", "10.0.0.0/8", "Private-Use, as 10.0.0.1 inside Teredo"),
    "Teredo server": ("2001:0:a00:1::f7f7:f7f7", "10.0.0.0/8", "Private-Use, as 10.0.0.1 inside Teredo"),
}

EMBEDDED_PUBLIC = {
    "mapped": ("::ffff:8.8.8.8", "IPv4-mapped"),
    "compatible": ("::8.8.8.8", "IPv4-compatible"),
    "NAT64, as DNS64 makes it": ("64:ff9b::8.8.8.8", "NAT64"),
    "6to4": ("2002:808:808::1", "6to4"),
    "Teredo, server and client": ("2001:0:101:101::f7f7:f7f7", "Teredo"),
}


@pytest.mark.parametrize("case", PUBLIC.values(), ids=PUBLIC.keys())
def test_public_address_may_be_dialled(case: tuple[str, str]) -> None:
    address, network = case
    verdict = classify(address)
    assert (verdict.public, verdict.network) == (True, network)


@pytest.mark.parametrize("case", [*NOT_PUBLIC.values(), *EMBEDDED.values()], ids=[*NOT_PUBLIC, *EMBEDDED])
def test_other_addresses_are_named_with_their_network(case: tuple[str, str, str]) -> None:
    address, network, name = case
    assert classify(address) == AddressClass(False, network, name)


@pytest.mark.parametrize("case", EMBEDDED_PUBLIC.values(), ids=EMBEDDED_PUBLIC.keys())
def test_public_ipv4_address_stays_public_inside_ipv6(case: tuple[str, str]) -> None:
    address, form = case
    verdict = classify(address)
    assert (verdict.public, verdict.network) == (True, "0.0.0.0/0")
    assert verdict.name.endswith(f"inside {form}")


@pytest.mark.parametrize("text", ["", "tools.cisco.com", "127.1", "0x7f.0.0.1", "[::1]", "10.0.0.1%eth0", "1.2.3.4/32"])
def test_invalid_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        classify(text)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["network"])
def test_every_row_of_the_table_is_complete(row: dict[str, str]) -> None:
    ipaddress.ip_network(row["network"])
    assert row["name"]
    assert row["source"].startswith(("RFC ", "Microsoft: "))
    assert (row["public"] in ("yes", "no")) is not bool(row["ipv4_at"])


def test_no_network_is_in_the_table_twice() -> None:
    assert len({row["network"] for row in ROWS}) == len(ROWS)


@given(st.sampled_from(ROWS), st.data())
def test_address_is_classified_by_the_longest_prefix(row: dict[str, str], data: st.DataObject) -> None:
    network = ipaddress.ip_network(row["network"])
    address = data.draw(st.ip_addresses(network=network))
    containing = [ipaddress.ip_network(other["network"]) for other in ROWS]
    longest = max((each for each in containing if address in each), key=lambda each: each.prefixlen)
    decided_by = next(other for other in ROWS if ipaddress.ip_network(other["network"]) == longest)
    assume(not decided_by["ipv4_at"])
    assert classify(str(address)) == AddressClass(
        decided_by["public"] == "yes", decided_by["network"], decided_by["name"]
    )


@given(st.ip_addresses(v=4))
def test_ipv4_address_is_classified_alike_in_every_form(address: IPv4Address) -> None:
    number = int(address)
    forms = [f"::ffff:{address}", f"64:ff9b::{address}", str(ipaddress.IPv6Address((0x2002 << 112) | (number << 80)))]
    teredo_server = 0x08080808
    forms.append(str(ipaddress.IPv6Address((0x20010000 << 96) | (teredo_server << 64) | (number ^ 0xFFFFFFFF))))
    if number > 1:  # ::0 and ::1 are addresses of their own
        forms.append(f"::{address}")
    plain = classify(str(address))
    assert {(classify(form).public, classify(form).network) for form in forms} == {(plain.public, plain.network)}
    assert all(str(address) in classify(form).name for form in forms)


@given(st.ip_addresses(v=6))
def test_no_ipv6_address_outside_global_unicast_is_public_by_itself(address: IPv6Address) -> None:
    if address not in ipaddress.ip_network("2000::/3") and classify(str(address)).public:
        assert " inside " in classify(str(address)).name
