"""HAProxy in TCP mode in front of the gate, with both versions of the PROXY protocol.

Rules apply to the client behind it. The gate accepts PROXY headers only from HAProxy's address. HAProxy checks the
gate's health ten times a second, which must leave no records.
"""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from support.authority import Authority
from support.client_program import GateProtocol
from support.gate import Gate
from support.licensing_exchange import MESSAGE, TARGET, URL, assert_posted, assert_served
from support.network import Network
from support.programs import run
from support.raw_client import read_to_break
from support.requirements import require_command
from support.standin import StandIn
from support.upstream import SECONDS

BALANCER, GATE, GATE_PORT = "127.0.0.9", "127.0.0.10", 3128
SERVED, REFUSED = "127.0.0.2", "127.0.0.3"

PORTS_BY_MODE = {
    "send-proxy": 8001,
    "send-proxy-v2": 8002,
    "send-proxy-v2 proxy-v2-options unique-id,crc32c": 8003,  # fields after the addresses
    "": 8004,
}
"""HAProxy's options for the PROXY header, and the port on which it uses them."""

HEADERS = {
    "v1": f"PROXY TCP4 {SERVED} {GATE} 40000 {GATE_PORT}\r\n".encode(),
    "v2": bytes.fromhex("0d0a0d0a000d0a515549540a 21 11 000c 7f000002 7f00000a 9c40 0c38"),
}
"""PROXY headers for a client that the gate serves."""

CONFIGURATION = """
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
"""
LISTEN = """
listen on{port}
    bind 127.0.0.1:{port}
    bind [::1]:{port}
    unique-id-format %ci-%cp
    server gate {gate}:{gate_port} source {balancer} {mode} check inter 100ms
"""
SETTINGS = """
[[listen]]
address = "{gate}:{gate_port}"
proxy_protocol_from = ["{balancer}/32"]

[clients]
networks = ["{served}/32", "::1/128"]

[dial]
connect_to = ["{target}:127.0.0.1:{port}"]

[log]
access = "access.jsonl"
"""


class Balanced(Struct, frozen=True):
    """A gate behind HAProxy, in one network namespace."""

    network: Network
    gate: Gate
    standin: StandIn
    authority: Authority

    def post(self, protocol: GateProtocol, port: int, client: str) -> subprocess.CompletedProcess[str]:
        """Post the message with curl from this address through this port of HAProxy."""
        local = "[::1]" if ":" in client else "127.0.0.1"
        by_proxy, by_name = ("--proxy", f"{protocol}://{local}:{port}"), ("--connect-to", f"{TARGET}:{local}:{port}")
        route = by_name if protocol is GateProtocol.TLS else by_proxy
        fixed = ("--silent", "--show-error", "--proxy-insecure", "--interface", client, "--cacert", self.authority.root)
        curl = require_command("curl", "curl")
        return run(*self.network.inside, curl, *fixed, *route, "--data-binary", "@-", URL, stdin=MESSAGE)

    def dial(self, source: str, address: tuple[str, int]) -> socket.socket:
        """Connect from this source address."""
        connection = self.network.new_socket()
        connection.bind((source, 0))
        connection.connect(address)
        return connection


@pytest.fixture(scope="module")
def _balanced(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Balanced]:
    folder = tmp_path_factory.mktemp("balanced")
    where = {"gate": GATE, "gate_port": GATE_PORT, "balancer": BALANCER}
    configuration = folder / "haproxy.cfg"
    listens = [LISTEN.format(**where, port=port, mode=mode) for mode, port in PORTS_BY_MODE.items()]
    configuration.write_text(CONFIGURATION + "".join(listens))
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Network(folder, {}))
        standin = stack.enter_context(StandIn(authority, listener=network.new_listener()))
        settings = SETTINGS.format(**where, served=SERVED, target=TARGET, port=standin.port)
        gate = stack.enter_context(Gate(folder, settings, prefix=network.inside))
        made = Balanced(network, gate, standin, authority)
        stack.enter_context(haproxy(made, configuration))
        yield made


@contextlib.contextmanager
def haproxy(balanced: Balanced, configuration: Path) -> Iterator[None]:
    """Run HAProxy and wait until it listens."""
    command = [*balanced.network.inside, require_command("haproxy", "haproxy"), "-db", "-f", str(configuration)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + SECONDS
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                balanced.dial(REFUSED, ("127.0.0.1", min(PORTS_BY_MODE.values()))).close()
                break
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline, "HAProxy does not listen"
            time.sleep(0.02)
        yield
        process.terminate()


@pytest.fixture
def balanced(_balanced: Balanced) -> Balanced:
    _balanced.gate.forget_records()
    _balanced.standin.received.clear()
    return _balanced


every_header = pytest.mark.parametrize(
    "port", [port for mode, port in PORTS_BY_MODE.items() if mode], ids=filter(None, PORTS_BY_MODE)
)
every_protocol = pytest.mark.parametrize("protocol", GateProtocol, ids=str)


@every_header
@every_protocol
@pytest.mark.parametrize("client", [SERVED, "::1"])
def test_a_client_behind_haproxy_is_recorded_by_its_own_address(
    balanced: Balanced, protocol: GateProtocol, port: int, client: str
) -> None:
    done = balanced.post(protocol, port, client)

    assert '"stand_in": true' in done.stdout, done.stderr
    assert_posted([balanced.standin], 1)
    (record,) = balanced.gate.records(1)
    assert_served(record)
    assert (record["protocol"], record["client"], record["balancer"]) == (protocol, client, BALANCER)


@every_header
@every_protocol
def test_a_client_outside_the_networks_behind_haproxy_is_refused(
    balanced: Balanced, protocol: GateProtocol, port: int
) -> None:
    done = balanced.post(protocol, port, REFUSED)

    assert ("response 403" if protocol is GateProtocol.HTTP else "access denied") in done.stderr
    (record,) = balanced.gate.records(1)
    assert (record["outcome"], record["client"]) == ("client_not_allowed", REFUSED)
    assert record["balancer"] == BALANCER


def test_a_missing_proxy_header_is_closed_without_an_answer(balanced: Balanced) -> None:
    done = balanced.post(GateProtocol.HTTP, PORTS_BY_MODE[""], SERVED)

    assert "HTTP" not in done.stdout
    (record,) = balanced.gate.records(1)
    assert (record["outcome"], record["client"]) == ("proxy_header_missing", BALANCER)


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_a_proxy_header_from_another_address_is_refused(balanced: Balanced, header: bytes) -> None:
    request = f"CONNECT {TARGET} HTTP/1.1\r\n\r\n".encode()

    with balanced.dial(SERVED, (GATE, GATE_PORT)) as connection:
        connection.sendall(header + request)
        assert read_to_break(connection) == b""

    (record,) = balanced.gate.records(1)
    assert (record["outcome"], record["client"]) == ("proxy_header_not_allowed", SERVED)
    assert "balancer" not in record
