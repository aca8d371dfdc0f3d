"""The search list of the gate's own host must not lead an allowed name elsewhere."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from support.dns_server import DnsServer
from support.gate import Gate, gate_settings
from support.network import Network
from support.raw_client import Answer, read_answer

DOMAIN = "corp.example.net"
RESOLV_CONF = f"nameserver 127.0.0.1\nsearch {DOMAIN}\noptions ndots:5\n"  # as in every pod of Kubernetes
RULES = "".join(
    f'[[allowlist.rule]]\nhost = "{host}"\nport = 9\nprivate = true\n'
    for host in ("tools.example.com", "gone.example.com", "listed.example.com", "intranet", f"*.{DOMAIN}")
)
ELSEWHERE = ("127.0.0.66",)
ZONE = {
    ("tools.example.com", "A"): ("127.0.0.2",),
    ("listed.example.com", "A"): ELSEWHERE,
    ("proxy.example.com", "A"): ("127.0.0.4",),
    (f"intranet.{DOMAIN}", "A"): ("127.0.0.5",),
    **{(f"{host}.example.com.{DOMAIN}", "A"): ELSEWHERE for host in ("tools", "gone", "listed", "proxy")},
}


class Searching(Struct):
    """A gate on a host with a search list, and the host's name server."""

    network: Network
    gate: Gate
    dns_server: DnsServer

    def connect(self, target: str) -> Answer:
        """Ask for a tunnel and return the refusal: nothing listens at any address."""
        with self.network.new_socket() as connection:
            connection.connect(("127.0.0.1", self.gate.port))
            connection.sendall(f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())
            return read_answer(connection)

    def addresses(self, target: str) -> list[str]:
        """Ask for a tunnel and return the addresses that the gate found for it."""
        found = self.gate.record(self.connect(target).record).get("addresses", [])
        return list(found)


@contextlib.contextmanager
def searching(folder: Path, more: str) -> Iterator[Searching]:
    names = {"listed.example.com": "127.0.0.3"}
    with (
        Network(folder, names, resolv_conf=RESOLV_CONF) as network,
        DnsServer(network.new_datagram_socket(), ZONE) as dns_server,
        Gate(folder, gate_settings(more=more), prefix=network.inside) as gate,
    ):
        yield Searching(network, gate, dns_server)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searching]:
    with searching(tmp_path_factory.mktemp("searching"), RULES) as made:
        yield made


@pytest.mark.parametrize(
    ("name", "address"),
    [
        pytest.param("tools.example.com", "127.0.0.2", id="absolute name"),
        pytest.param("listed.example.com", "127.0.0.3", id="name in /etc/hosts"),
        pytest.param("intranet", "127.0.0.5", id="single label of a rule"),
    ],
)
def test_only_a_single_label_is_searched_for(host: Searching, name: str, address: str) -> None:
    assert host.addresses(f"{name}:9") == [address]


def test_a_missing_name_is_not_replaced_by_another(host: Searching) -> None:
    answer = host.connect("gone.example.com:9")
    assert (answer.status, answer.outcome) == (502, "dns_not_found")
    assert (f"gone.example.com.{DOMAIN}", "A") not in host.dns_server.asked


def test_a_parents_name_is_not_searched_for_either(tmp_path: Path) -> None:
    parent = f'[[parent]]\nurl = "http://proxy.example.com:9"\n{RULES}'
    with searching(tmp_path, parent) as host:
        assert host.addresses("tools.example.com:9") == ["127.0.0.4"]
