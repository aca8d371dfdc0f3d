"""A name server that answers for one address family only: the gate uses what it has."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.dns_server import DnsServer, Fault, Zone
from support.gate import Gate, gate_settings
from support.network import Network
from support.raw_client import Answer, read_answer

IPV6_OF_THIS_HOST = "2001:db8::9"
SETTINGS = """
[dns]
timeout_seconds = 4

[[allowlist.rule]]
host = "*.example.com"
port = 9
private = true
"""
ZONE: Zone = {
    ("silent6.example.com", "A"): ("127.0.0.2",),
    ("silent6.example.com", "AAAA"): Fault.SILENCE,
    ("failing6.example.com", "A"): ("127.0.0.2",),
    ("failing6.example.com", "AAAA"): Fault.SERVER_FAILURE,
    ("refused6.example.com", "A"): ("127.0.0.2",),
    ("refused6.example.com", "AAAA"): Fault.REFUSED,
    ("missing6.example.com", "A"): ("127.0.0.2",),
    ("missing6.example.com", "AAAA"): Fault.NO_SUCH_NAME,
    ("silent4.example.com", "A"): Fault.SILENCE,
    ("silent4.example.com", "AAAA"): ("::1",),
    ("failing4.example.com", "A"): Fault.SERVER_FAILURE,
    ("failing4.example.com", "AAAA"): ("::1",),
    ("gone.example.com", "A"): Fault.NO_SUCH_NAME,
    ("gone.example.com", "AAAA"): Fault.SILENCE,
    ("both.example.com", "A"): ("127.0.0.2",),
    ("both.example.com", "AAAA"): ("::1",),
}


@contextlib.contextmanager
def resolving(folder: Path, *addresses: str) -> Iterator[tuple[Network, Gate, DnsServer]]:
    with (
        Network(folder, {}, *addresses, resolv_conf="nameserver 127.0.0.1\n") as network,
        DnsServer(network.new_datagram_socket(), ZONE) as dns_server,
        Gate(folder, gate_settings(more=SETTINGS), prefix=network.inside) as gate,
    ):
        yield network, gate, dns_server


def ask(network: Network, gate: Gate, name: str) -> Answer:
    """Ask for a tunnel to a closed port."""
    with network.new_socket() as connection:
        connection.connect(("127.0.0.1", gate.port))
        connection.sendall(f"CONNECT {name}:9 HTTP/1.1\r\n\r\n".encode())
        return read_answer(connection)


def addresses(network: Network, gate: Gate, name: str) -> list[str]:
    """The addresses that the gate finds for a name within its time limit."""
    record = gate.record(ask(network, gate, name).record)
    assert record["outcome"] == "connection_refused", record
    return list(record["addresses"])


@pytest.fixture(scope="module")
def with_ipv6(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Network, Gate, DnsServer]]:
    with resolving(tmp_path_factory.mktemp("with_ipv6"), IPV6_OF_THIS_HOST) as made:
        yield made


@pytest.fixture(scope="module")
def without_ipv6(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Network, Gate, DnsServer]]:
    with resolving(tmp_path_factory.mktemp("without_ipv6")) as made:
        yield made


@pytest.mark.parametrize("name", sorted({name for name, _ in ZONE} - {"both.example.com", "gone.example.com"}))
def test_one_familys_addresses_are_used_without_the_others(
    with_ipv6: tuple[Network, Gate, DnsServer], name: str
) -> None:
    network, gate, _ = with_ipv6
    assert addresses(network, gate, name) == ["::1" if "4" in name else "127.0.0.2"]


def test_both_address_families_are_used_when_both_are_answered(with_ipv6: tuple[Network, Gate, DnsServer]) -> None:
    network, gate, _ = with_ipv6
    assert sorted(addresses(network, gate, "both.example.com")) == ["127.0.0.2", "::1"]


def test_a_host_without_ipv6_does_not_ask_for_it(without_ipv6: tuple[Network, Gate, DnsServer]) -> None:
    network, gate, dns_server = without_ipv6
    assert addresses(network, gate, "silent6.example.com") == ["127.0.0.2"]
    assert ("silent6.example.com", "A") in dns_server.asked
    assert ("silent6.example.com", "AAAA") not in dns_server.asked


def test_a_missing_name_is_reported_while_ipv6_is_silent(
    with_ipv6: tuple[Network, Gate, DnsServer], without_ipv6: tuple[Network, Gate, DnsServer]
) -> None:
    for network, gate, _ in (with_ipv6, without_ipv6):
        answer = ask(network, gate, "gone.example.com")
        assert (answer.status, answer.outcome) == (502, "dns_not_found")
