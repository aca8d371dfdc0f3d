"""Where an allowed name must not lead: to addresses inside, and to the gate itself."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from licensegate.proxy.settings import ListenAddress
from support.exchange import TARGET
from support.gate import Gate, lab
from support.namespaces import with_hosts
from support.raw_client import CONNECT, Answer, ask, open_tunnel
from support.upstream import Upstream, closed_port, read_nothing


def connect(port: int) -> bytes:
    """A CONNECT to localhost, the one name that every system resolves."""
    return f"CONNECT localhost:{port} HTTP/1.1\r\n\r\n".encode()


INSIDE = {
    "private-10.test": "10.0.0.1",
    "private-172.test": "172.16.0.1",
    "private-192.test": "192.168.0.1",
    "shared.test": "100.64.0.1",
    "link-local.test": "169.254.169.254",
    "unspecified.test": "0.1.2.3",
    "multicast.test": "224.0.0.1",
    "broadcast.test": "255.255.255.255",
    "unique-local.test": "fd00::1",
    "link-local-6.test": "fe80::1",
    "multicast-6.test": "ff02::1",
    "mapped.test": "::ffff:10.0.0.1",
    "compatible.test": "::10.0.0.1",
    "nat64.test": "64:ff9b::10.0.0.1",
    "local-nat64.test": "64:ff9b:1::808:808",
    "6to4.test": "2002:a00:1::",
    "teredo.test": "2001:0:4136:e378:8000:63bf:f5ff:fffe",
}


@pytest.fixture(scope="module")
def misled_gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gate whose rules allow every name of INSIDE, and whose hosts file leads them there, and Cisco to itself."""
    folder = tmp_path_factory.mktemp("misled")
    rules = "".join(f'[[allowlist.rule]]\nhost = "{name}"\n' for name in INSIDE)
    presets = '[allowlist]\npresets = ["cisco-licensing"]\n'
    prefix = with_hosts(folder, INSIDE | {"tools.cisco.com": "127.0.0.1", "api.cisco.com": "::1"})
    with Gate(folder, lab(more=presets + rules), prefix=prefix) as gate:
        yield gate


@pytest.mark.parametrize("name", INSIDE)
def test_an_allowed_name_that_resolves_to_an_address_inside_is_not_dialled(misled_gate: Gate, name: str) -> None:
    answer = ask(misled_gate, f"CONNECT {name}:443 HTTP/1.1\r\n\r\n".encode())

    assert_is(answer, 502, "destination_ip_prohibited")
    assert "private = true" in answer.body.decode()
    record = misled_gate.record(answer.record)
    assert record["outcome"] == "destination_ip_prohibited"
    assert "attempts" not in record


@pytest.mark.parametrize("name", ["tools.cisco.com", "api.cisco.com"])
def test_a_dns_override_that_leads_cisco_to_the_gate_is_named(misled_gate: Gate, name: str) -> None:
    answer = ask(misled_gate, f"CONNECT {name}:443 HTTP/1.1\r\n\r\n".encode())

    assert_is(answer, 502, "target_is_gate")
    assert "DNS override" in answer.body.decode()


def rule_for_localhost(port: int) -> str:
    return f'[[allowlist.rule]]\nhost = "localhost"\nport = {port}\nprivate = true\n'


def test_an_allowed_name_may_lead_inside_where_its_rule_says_so(tmp_path: Path) -> None:
    with Upstream(read_nothing) as inside, Gate(tmp_path, lab(more=rule_for_localhost(inside.port))) as gate:
        with open_tunnel(gate, connect(inside.port)):
            pass
        (record,) = gate.records(1)

    assert record["target"] == f"localhost:{inside.port}"
    assert inside.connections == 1


def test_a_name_that_resolves_to_the_gate_itself_is_not_dialled(tmp_path: Path) -> None:
    port = closed_port()
    addresses = {found[4][0] for found in socket.getaddrinfo("localhost", port)}
    doors = "".join(f'[[listen]]\naddress = "{ListenAddress(str(host), port)}"\n' for host in sorted(addresses))
    with Gate(tmp_path, doors + lab(more=rule_for_localhost(port))) as gate:
        answer = ask(gate, connect(port))
        assert len(gate.records(1)) == 1

    assert_is(answer, 502, "target_is_gate")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "0.0.0.0", "[::ffff:127.0.0.1]"])
def test_no_address_of_the_gate_is_dialled_however_it_is_written(tmp_path: Path, address: str) -> None:
    port = closed_port()
    settings = lab(f"{TARGET}:{address}:{port}").replace("127.0.0.1:0", f"0.0.0.0:{port}")
    with Gate(tmp_path, settings) as gate:
        answer = ask(gate, CONNECT)
        assert len(gate.records(1)) == 1

    assert_is(answer, 502, "target_is_gate")


def assert_is(answer: Answer, status: int, outcome: str) -> None:
    assert (answer.status, answer.reason.partition(":")[0]) == (status, outcome)
