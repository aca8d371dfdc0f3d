"""An allowed name must not lead to a private address or to the gate itself."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from licensegate.proxy.settings import ListenAddress
from support.gate import Gate, gate_settings
from support.licensing_exchange import TARGET
from support.namespaces import with_hosts
from support.raw_client import CONNECT, Answer, ask, open_tunnel
from support.upstream import Upstream, closed_port, read_nothing


def connect(port: int) -> bytes:
    """A CONNECT to localhost, which every system resolves."""
    return f"CONNECT localhost:{port} HTTP/1.1\r\n\r\n".encode()


PRIVATE = {
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
    """A gate that allows every name of PRIVATE. Its hosts file resolves them so, and two Cisco names to loopback."""
    folder = tmp_path_factory.mktemp("misled")
    rules = "".join(f'[[allowlist.rule]]\nhost = "{name}"\n' for name in PRIVATE)
    presets = '[allowlist]\npresets = ["cisco-licensing"]\n'
    prefix = with_hosts(folder, PRIVATE | {"tools.cisco.com": "127.0.0.1", "api.cisco.com": "::1"})
    with Gate(folder, gate_settings(more=presets + rules), prefix=prefix) as gate:
        yield gate


@pytest.mark.parametrize("name", PRIVATE)
def test_an_allowed_name_with_a_private_address_is_not_dialled(misled_gate: Gate, name: str) -> None:
    answer = ask(misled_gate, f"CONNECT {name}:443 HTTP/1.1\r\n\r\n".encode())

    assert_refused(answer, 502, "destination_ip_prohibited")
    assert "private = true" in answer.body.decode()
    record = misled_gate.record(answer.record)
    assert record["outcome"] == "destination_ip_prohibited"
    assert "attempts" not in record


@pytest.mark.parametrize("name", ["tools.cisco.com", "api.cisco.com"])
def test_a_filters_answer_for_cisco_is_not_dialled_but_explained(misled_gate: Gate, name: str) -> None:
    answer = ask(misled_gate, f"CONNECT {name}:443 HTTP/1.1\r\n\r\n".encode())

    assert_refused(answer, 502, "destination_ip_prohibited")
    assert "DNS filter" in answer.body.decode()
    assert misled_gate.record(answer.record)["finding"] == "dns_sinkhole"


def rule_for_localhost(port: int) -> str:
    return f'[[allowlist.rule]]\nhost = "localhost"\nport = {port}\nprivate = true\n'


def test_a_rule_with_private_true_allows_a_private_address(tmp_path: Path) -> None:
    with Upstream(read_nothing) as target, Gate(tmp_path, gate_settings(more=rule_for_localhost(target.port))) as gate:
        with open_tunnel(gate, connect(target.port)):
            pass
        (record,) = gate.records(1)

    assert record["target"] == f"localhost:{target.port}"
    assert target.accepted(1) == 1


def test_a_name_that_resolves_to_the_gate_is_not_dialled(tmp_path: Path) -> None:
    port = closed_port()
    addresses = {found[4][0] for found in socket.getaddrinfo("localhost", port)}
    listeners = "".join(f'[[listen]]\naddress = "{ListenAddress(str(host), port)}"\n' for host in sorted(addresses))
    with Gate(tmp_path, listeners + gate_settings(more=rule_for_localhost(port))) as gate:
        answer = ask(gate, connect(port))
        assert len(gate.records(1)) == 1

    assert_refused(answer, 502, "target_is_gate")


@pytest.mark.parametrize(
    ("address", "outcome"),
    [("127.0.0.1", "target_is_gate"), ("127.0.0.2", "target_is_gate"), ("0.0.0.0", "destination_ip_prohibited")],
)
def test_no_spelling_of_the_gates_address_is_dialled(tmp_path: Path, address: str, outcome: str) -> None:
    port = closed_port()
    settings = gate_settings(f"{TARGET}:{address}:{port}").replace("127.0.0.1:0", f"0.0.0.0:{port}")
    with Gate(tmp_path, settings) as gate:
        answer = ask(gate, CONNECT)
        assert len(gate.records(1)) == 1

    assert_refused(answer, 502, outcome)


def assert_refused(answer: Answer, status: int, outcome: str) -> None:
    assert (answer.status, answer.outcome) == (status, outcome)
