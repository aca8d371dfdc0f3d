from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.app.settings.address import (
    read_connect_to,
    read_host,
    read_ip,
    read_listen,
    read_network,
    read_rule_host,
)
from licensegate.proxy.dial.settings import ConnectTo
from licensegate.proxy.settings import ListenAddress


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("0.0.0.0:3128", ListenAddress("0.0.0.0", 3128), id="IPv4"),
        pytest.param("[::]:443", ListenAddress("::", 443), id="IPv6"),
        pytest.param("[0:0::1]:443", ListenAddress("::1", 443), id="IPv6 in long"),
        pytest.param("127.0.0.1:0", ListenAddress("127.0.0.1", 0), id="a port of the system's choice"),
        pytest.param("127.0.0.1:65535", ListenAddress("127.0.0.1", 65535), id="highest port"),
    ],
)
def test_an_address_to_listen_on_is_named_by_the_operator(text: str, expected: ListenAddress) -> None:
    assert read_listen(text) == expected
    assert expected.named


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("3128", 'is not an address with a port; write "0.0.0.0:3128"', id="port alone"),
        pytest.param("10.0.0.7", 'is not an address with a port; write "10.0.0.7:3128"', id="address alone"),
        pytest.param("::1", 'is not an address with a port; write "[::1]:3128"', id="IPv6 alone"),
        pytest.param(":3128", 'has a host that is not an IP address; write "0.0.0.0:3128"', id="no address"),
        pytest.param("*:3128", 'has a host that is not an IP address; write "0.0.0.0:3128"', id="star"),
        pytest.param("localhost:3128", 'has a host that is not an IP address; write "127.0.0.1:3128"', id="localhost"),
        pytest.param("gate.example.net:3128", "has a host that is not an IP address; write IP:PORT", id="name"),
        pytest.param("eth0", "is not an address with a port; write IP:PORT", id="interface"),
        pytest.param(":::3128", 'is not an address with a port; write "[::]:3128"', id="IPv6 without brackets"),
        pytest.param("http://10.0.0.7:80/", 'is not an address with a port; write "10.0.0.7:80"', id="URL"),
        pytest.param(" 10.0.0.7:80 ", 'is not an address with a port; write "10.0.0.7:80"', id="blanks"),
        pytest.param("[fe80::1%eth0]:1", "which needs a zone, and zones are not supported; write IP:PORT", id="zone"),
        pytest.param("[fe80::1]:1", "has a host that is a link-local address, which needs a zone", id="link-local"),
        pytest.param("224.0.0.5:1", "has a host that is a multicast or broadcast address", id="multicast"),
        pytest.param("255.255.255.255:1", "has a host that is a multicast or broadcast address", id="broadcast"),
        pytest.param(
            "[::ffff:10.0.0.7]:80",
            'is the IPv4 address 10.0.0.7 in the form of IPv6; write "10.0.0.7:80"',
            id="IPv4 in the form of IPv6",
        ),
        pytest.param("[127.0.0.1]:80", 'has brackets around IPv4; write "127.0.0.1:80"', id="brackets around IPv4"),
        pytest.param("127.0.0.1:65536", "has the port 65536, which is not from 1 to 65535; write", id="port too high"),
        pytest.param("127.0.0.1:03128", 'is not an address with a port; write "127.0.0.1:3128"', id="leading zero"),
        pytest.param("127.0.0.1:+1", 'is not an address with a port; write "127.0.0.1:1"', id="sign"),
        pytest.param("010.0.0.1:3128", "has a host that is not an IP address; write IP:PORT", id="octal"),
        pytest.param("127.0.0.1:3128\n", 'is not an address with a port; write "127.0.0.1:3128"', id="line end"),
    ],
)
def test_invalid_listen_address_is_refused(text: str, words: str) -> None:
    assert words in refusal(read_listen, text)


@given(st.ip_addresses(), st.integers(0, 65535))
def test_an_address_to_listen_on_reads_back_as_it_prints(address: IPv4Address | IPv6Address, port: int) -> None:
    listen = ListenAddress(str(address), port)

    try:
        assert read_listen(str(listen)) == listen
    except ValueError:
        mapped = isinstance(address, IPv6Address) and (address.ipv4_mapped or address.is_link_local)
        assert mapped or address.is_multicast or str(address) == "255.255.255.255"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("10.0.0.0/8", "10.0.0.0/8", id="IPv4"),
        pytest.param("fd00::/8", "fd00::/8", id="IPv6"),
        pytest.param("192.0.2.17", "192.0.2.17/32", id="single IPv4"),
        pytest.param("2001:DB8::1", "2001:db8::1/128", id="single IPv6"),
        pytest.param("10.0.0.0/255.0.0.0", "10.0.0.0/8", id="netmask"),
        pytest.param("0.0.0.0/0", "0.0.0.0/0", id="everyone"),
        pytest.param("::/0", "::/0", id="everyone by IPv6"),
    ],
)
def test_a_network_of_clients_is_read(text: str, expected: str) -> None:
    assert read_network(text) == ip_network(expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("10.0.0.1/8", 'is an address inside a network; write "10.0.0.0/8"', id="host bits"),
        pytest.param("fd00::1/8", 'is an address inside a network; write "fd00::/8"', id="host bits of IPv6"),
        pytest.param("10.0.0.0/33", 'is not a network; write one like "10.0.0.0/8"', id="too long a prefix"),
        pytest.param("10/8", 'is not a network; write one like "10.0.0.0/8"', id="short form"),
        pytest.param("cucm.example.net", 'is not a network; write one like "10.0.0.0/8"', id="name"),
        pytest.param("", 'is not a network; write one like "10.0.0.0/8"', id="empty"),
        pytest.param("10.0.0.0 /8", 'is not a network; write "10.0.0.0/8"', id="blank before the slash"),
        pytest.param("10.0.0.0/8, fd00::/8", '; write "10.0.0.0/8", "fd00::/8"', id="two in one text"),
        pytest.param("any", '; write "0.0.0.0/0" and "::/0" for all clients', id="word for all"),
        pytest.param("fe80::%eth0/64", "has a zone, which is not supported here", id="zone"),
        pytest.param("::ffff:10.0.0.0/104", 'which are matched by their IPv4 address; write "10.0.0.0/8"', id="mapped"),
        pytest.param(
            "::ffff:10.0.0.1", 'which are matched by their IPv4 address; write "10.0.0.1/32"', id="mapped address"
        ),
    ],
)
def test_invalid_network_is_refused_with_a_remedy(text: str, words: str) -> None:
    assert words in refusal(read_network, text)


@given(st.ip_addresses(v=6), st.integers(0, 128))
def test_the_network_proposed_for_an_address_is_accepted(address: IPv6Address, prefix: int) -> None:
    try:
        read_network(f"{address}/{prefix}")
    except ValueError as error:
        proposed = str(error).split('"')[1]
        assert read_network(proposed).num_addresses == IPv6Network(f"{address}/{prefix}", strict=False).num_addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "tools.cisco.com:443:127.0.0.1:9443", ConnectTo("tools.cisco.com", 443, "127.0.0.1", 9443), id="IPv4"
        ),
        pytest.param("Tools.Cisco.com.:443:[::1]:9443", ConnectTo("tools.cisco.com", 443, "::1", 9443), id="IPv6"),
        pytest.param(
            "[2001:DB8::1]:443:192.0.2.1:1", ConnectTo("2001:db8::1", 443, "192.0.2.1", 1), id="from an address"
        ),
    ],
)
def test_a_target_can_be_sent_to_an_address(text: str, expected: ConnectTo) -> None:
    assert read_connect_to(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("tools.cisco.com:443", "is not an address for a target; write HOST:PORT:IP:PORT", id="half"),
        pytest.param("tools.cisco.com:443:9443", "is not an address for a target; write HOST:PORT:IP:PORT", id="no IP"),
        pytest.param(
            "tools.cisco.com:443::1:9443", "is not an address for a target; write HOST:PORT:IP:PORT", id="no brackets"
        ),
        pytest.param(
            "tools.cisco.com:443:localhost:9443", "has a host that is not an IP address; write HOST:PORT", id="name"
        ),
        pytest.param("::443:127.0.0.1:9443", "is not an address for a target; write HOST:PORT", id="colons"),
        pytest.param(":443:127.0.0.1:9443", "is not a host: no host; write a name", id="no host"),
        pytest.param("*.cisco.com:443:127.0.0.1:1", "is not a host: a wildcard is not allowed here", id="wildcard"),
        pytest.param(
            "a.example:0:127.0.0.1:9443", "has the port 0, which is not from 1 to 65535; write HOST", id="port 0"
        ),
        pytest.param(
            "a.example:443:127.0.0.1:0", "has the port 0, which is not from 1 to 65535; write HOST", id="second port 0"
        ),
        pytest.param(
            "a.example:443:127.0.0.1:99999", "has the port 99999, which is not from 1 to 65535", id="port too high"
        ),
    ],
)
def test_invalid_connect_to_is_refused(text: str, words: str) -> None:
    assert words in refusal(read_connect_to, text)


@pytest.mark.parametrize(
    ("read", "text", "words"),
    [
        pytest.param(read_ip, "eth0", 'is not an IP address; write one like "192.0.2.1"', id="interface"),
        pytest.param(read_ip, "fe80::1%eth0", "which needs a zone, and zones are not supported", id="zone"),
        pytest.param(read_ip, "::ffff:10.0.0.1", "is the IPv4 address 10.0.0.1 in the form of IPv6", id="mapped"),
        pytest.param(read_ip, "239.1.1.1", "is a multicast or broadcast address, not that of one host", id="multicast"),
        pytest.param(read_host, "*.example.com", "is not a host: a wildcard is not allowed here", id="wildcard"),
        pytest.param(read_host, "a b", "is not a host: ' ' in the host 'a b'; write a name", id="blank"),
        pytest.param(
            read_rule_host,
            "ssm.example.net:8443",
            "is not a host: a host must not have a port here: 'ssm.example.net:8443'; "
            'write host = "ssm.example.net" and port = 8443',
            id="port in the host",
        ),
        pytest.param(read_host, "gate.example.net:3128", '; write "gate.example.net"', id="port where none belongs"),
        pytest.param(
            read_rule_host, "[2001:db8::1]:8443", '; write host = "[2001:db8::1]" and port = 8443', id="IPv6 and port"
        ),
        pytest.param(read_rule_host, "https://ssm.example.net/", '; write "ssm.example.net"', id="URL"),
        pytest.param(
            read_rule_host,
            "https://ssm.example.net:8443/x?y",
            '; write host = "ssm.example.net" and port = 8443',
            id="URL with a port",
        ),
        pytest.param(read_rule_host, ".cisco.com", '; write "*.cisco.com"', id="domain with a leading dot"),
        pytest.param(read_rule_host, "*cisco.com", '; write "*.cisco.com"', id="wildcard without a dot"),
        pytest.param(read_host, ".example.net", '; write "example.net"', id="leading dot where no wildcard may stand"),
        pytest.param(read_rule_host, "10.0.0.0/8", "; write the address or the name of one host", id="network"),
        pytest.param(read_rule_host, "*", '; write a name, like "ssm.example.net"', id="everything"),
        pytest.param(read_rule_host, "a b:443", '; write a name, like "ssm.example.net"', id="blank before a port"),
        pytest.param(read_rule_host, "*.net", "labels after it: '*.net'; write a name, like ", id="wildcard too wide"),
    ],
)
def test_invalid_address_or_host_is_refused(read: Callable[[str], str], text: str, words: str) -> None:
    assert words in refusal(read, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("SSM.Example.net.", "ssm.example.net", id="case and final dot"),
        pytest.param("*.Example.net", "*.example.net", id="wildcard"),
        pytest.param("b\u00fccher.example", "xn--bcher-kva.example", id="internationalised"),
        pytest.param("2001:DB8::1", "2001:db8::1", id="IPv6"),
        pytest.param("[2001:DB8::1]", "2001:db8::1", id="IPv6 in brackets"),
    ],
)
def test_a_rules_host_is_normalised(text: str, expected: str) -> None:
    assert read_rule_host(text) == expected


def refusal(read: Callable[[str], object], text: str) -> str:
    with pytest.raises(ValueError) as raised:
        read(text)
    return str(raised.value)
