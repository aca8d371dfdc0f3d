"""What a hosts file says about a name."""

import pytest

from licensegate.proxy.dial.hosts_file import addresses_in

NAME = "tools.cisco.com"


@pytest.mark.parametrize(
    ("line", "addresses"),
    [
        pytest.param("192.0.2.1 tools.cisco.com", ("192.0.2.1",), id="name"),
        pytest.param("192.0.2.1\ttools tools.cisco.com\r", ("192.0.2.1",), id="alias, tab, carriage return"),
        pytest.param("192.0.2.1 Tools.CISCO.com", ("192.0.2.1",), id="other case"),
        pytest.param("192.0.2.1 tools.cisco.com.", ("192.0.2.1",), id="absolute"),
        pytest.param("2001:DB8::1 tools.cisco.com", ("2001:db8::1",), id="IPv6"),
        pytest.param("::ffff:192.0.2.1 tools.cisco.com", ("192.0.2.1",), id="IPv4 inside IPv6"),
        pytest.param("192.0.2.1 a#b tools.cisco.com", (), id="comment within"),
        pytest.param("# 192.0.2.1 tools.cisco.com", (), id="comment"),
        pytest.param("192.0.2.1 xtools.cisco.com tools.cisco.com.example", (), id="part of other names"),
        pytest.param("tools.cisco.com 192.0.2.1", (), id="turned round"),
        pytest.param("127.1 tools.cisco.com", (), id="short address"),
        pytest.param("fe80::1%eth0 tools.cisco.com", (), id="zone id"),
        pytest.param("192.0.2.1", (), id="no name"),
        pytest.param("", (), id="nothing"),
        pytest.param("\udcff\udcfe tools.cisco.com", (), id="not text"),
    ],
)
def test_a_line_gives_a_name_its_address(line: str, addresses: tuple[str, ...]) -> None:
    assert addresses_in(line.encode(errors="surrogateescape"), NAME) == addresses


def test_all_lines_of_a_name_count_each_address_once() -> None:
    lines = b"192.0.2.2 tools.cisco.com\n2001:db8::1 tools.cisco.com\n192.0.2.3 other\n192.0.2.2 tools.cisco.com"
    assert addresses_in(lines, NAME) == ("192.0.2.2", "2001:db8::1")
