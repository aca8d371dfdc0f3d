"""Balancers in front of the gate: the PROXY protocol on real sockets."""

import socket
import struct
from ipaddress import ip_network

import pytest

from licensegate.allowlist.client_block import client_block
from licensegate.proxy.settings import Limits, ListenAddress, TunnelChecks
from licensegate.records.outcome import Outcome
from support.running_gate import RunningGate, run_gate
from support.sockets import is_closed, receive, run, turns, until
from support.tls_client import IDENTITY, TlsClient
from support.tunnel_harness import ESTABLISHED, HELLO, connect_head

BALANCER, STRANGER = "127.0.0.5", "127.0.0.6"
BALANCED = ListenAddress("127.0.0.1", 0, proxy_protocol_from=(ip_network(f"{BALANCER}/32"),))
CONNECT = connect_head(443)

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v1(source: str, port: int = 40000) -> bytes:
    family, destination = ("TCP6", "2001:db8::1") if ":" in source else ("TCP4", "192.0.2.1")
    return f"PROXY {family} {source} {destination} {port} 443\r\n".encode()


def v2(source: str, port: int = 40000, tlvs: bytes = b"") -> bytes:
    family, number, destination = (
        (socket.AF_INET6, 0x21, "2001:db8::1") if ":" in source else (socket.AF_INET, 0x11, "192.0.2.1")
    )
    addresses = socket.inet_pton(family, source) + socket.inet_pton(family, destination) + struct.pack("!HH", port, 443)
    return SIGNATURE + struct.pack("!BBH", 0x21, number, len(addresses + tlvs)) + addresses + tlvs


LOCAL = SIGNATURE + struct.pack("!BBH", 0x20, 0, 0)
TLVS = b"\x01\x00\x02h2" + b"\x20\x00\x08\x01\x00\x00\x00\x00\x21\x00\x00" + b"\xe0\x00\x01x"

HEADERS = {
    "v1 IPv4": (v1("10.9.8.7"), "10.9.8.7"),
    "v1 IPv6": (v1("fd00::7"), "fd00::7"),
    "v2 IPv4": (v2("10.9.8.7"), "10.9.8.7"),
    "v2 IPv6": (v2("fd00::7"), "fd00::7"),
    "v2 with TLVs": (v2("10.9.8.7", tlvs=TLVS), "10.9.8.7"),
}

headers = pytest.mark.parametrize(("header", "client"), HEADERS.values(), ids=HEADERS.keys())


async def assert_served(running: RunningGate, balancer: socket.socket) -> None:
    """Assert that the balancer's connection became a tunnel."""
    await running.upstream.accept()
    assert await receive(balancer, len(ESTABLISHED)) == ESTABLISHED


@headers
def test_the_client_is_the_one_the_balancer_names(header: bytes, client: str) -> None:
    async def main() -> None:
        async with run_gate(listen=BALANCED) as running:
            balancer = running.connect(header + CONNECT, source=BALANCER)
            await assert_served(running, balancer)
            assert running.gate._context.counter.by_client == {client_block(client): 1}
            balancer.close()
            running.upstream.accepted[0].close()
            record = await running.wait_for_records(1)
            assert (record.client, record.client_port, record.balancer) == (client, 40000, BALANCER)
            assert record.outcome is Outcome.CLOSED_BY_CLIENT
            assert not running.gate._context.counter.by_client

    run(main())


@headers
def test_a_header_and_its_request_may_arrive_byte_by_byte(header: bytes, client: str) -> None:
    async def main() -> None:
        async with run_gate(listen=BALANCED) as running:
            balancer = running.connect(source=BALANCER)
            for byte in header + CONNECT:
                balancer.send(bytes([byte]))
                await turns(2)
            await assert_served(running, balancer)
            (tunnel,) = running.gate._context.connections
            assert tunnel.record.client == client  # type: ignore[attr-defined]

    run(main())


@headers
def test_a_client_behind_a_balancer_may_speak_tls_to_the_gate(header: bytes, client: str) -> None:
    async def main() -> None:
        async with run_gate(listen=BALANCED, identity=IDENTITY) as running:
            sock = running.connect(header, source=BALANCER)
            secure = TlsClient(sock)
            await secure.handshake()
            await secure.send(CONNECT)
            await running.upstream.accept()
            assert await secure.receive(len(ESTABLISHED)) == ESTABLISHED

    run(main())


def test_a_client_behind_a_balancer_may_use_tls_without_connect() -> None:
    async def main() -> None:
        async with run_gate(listen=BALANCED, checks=TunnelChecks()) as running:
            running.connect(v2("10.9.8.7") + HELLO, source=BALANCER)
            far = await running.upstream.accept()
            assert await receive(far, len(HELLO)) == HELLO

    run(main())


@headers
def test_a_header_from_another_client_is_refused(header: bytes, client: str) -> None:
    async def main() -> None:
        async with run_gate(listen=BALANCED) as running:
            stranger = running.connect(header + CONNECT, source=STRANGER)
            record = await running.wait_for_records(1)
            assert record.outcome is Outcome.PROXY_HEADER_NOT_ALLOWED
            assert (record.client, record.balancer) == (STRANGER, "")
            await until(lambda: is_closed(stranger))
            assert not running.upstream.accepted

    run(main())


@headers
def test_without_balancers_every_header_is_refused(header: bytes, client: str) -> None:
    async def main() -> None:
        async with run_gate() as running:
            running.connect(header + CONNECT, source=BALANCER)
            assert (await running.wait_for_records(1)).outcome is Outcome.PROXY_HEADER_NOT_ALLOWED

    run(main())


def test_other_clients_are_served_without_a_header() -> None:
    async def main() -> None:
        async with run_gate(listen=BALANCED) as running:
            await assert_served(running, running.connect(CONNECT, source=STRANGER))

    run(main())


@pytest.mark.parametrize(
    "sent",
    [CONNECT, HELLO, b"PROXY ", b"PROXY TCP4 10.0.0.1 10.0.0.2 1\r\n", SIGNATURE + b"\x31\x11\x00\x0c", b"x"],
    ids=["HTTP", "TLS", "half a header", "a malformed header", "another version", "neither"],
)
def test_a_balancer_without_a_header_is_closed_without_an_answer(sent: bytes) -> None:
    async def main() -> None:
        async with run_gate(Limits(head_seconds=0.1), listen=BALANCED) as running:
            balancer = running.connect(sent, source=BALANCER)
            record = await running.wait_for_records(1)
            assert record.outcome is Outcome.PROXY_HEADER_MISSING
            assert record.client == BALANCER
            assert await receive(balancer) == b""
            assert not running.upstream.accepted

    run(main())


@pytest.mark.parametrize("sent", [b"", LOCAL], ids=["only connects", "says LOCAL"])
def test_a_balancers_port_check_is_not_a_client(sent: bytes) -> None:
    async def main() -> None:
        async with run_gate(listen=BALANCED) as running:
            running.connect(sent, source=BALANCER).close()
            assert (await running.wait_for_records(1)).outcome is Outcome.CLOSED_UNUSED

    run(main())


def test_a_balancer_that_names_no_client_is_its_own_client() -> None:
    async def main() -> None:
        async with run_gate(listen=BALANCED) as running:
            balancer = running.connect(LOCAL + CONNECT, source=BALANCER)
            await assert_served(running, balancer)
            assert running.gate._context.counter.by_client == {BALANCER: 1}

    run(main())


@pytest.mark.parametrize("header", [v1("198.51.100.7"), v2("198.51.100.7"), v2("2001:db8::7")])
def test_client_networks_apply_to_the_client_behind_the_balancer(header: bytes) -> None:
    async def main() -> None:
        async with run_gate(listen=BALANCED) as running:
            balancer = running.connect(header + CONNECT, source=BALANCER)
            assert (await receive(balancer)).startswith(b"HTTP/1.1 403 client_not_allowed")
            assert not running.upstream.accepted

    run(main())


def test_the_limit_per_client_applies_to_the_client_behind_it() -> None:
    async def main() -> None:
        async with run_gate(Limits(tunnels_per_client=1), listen=BALANCED) as running:
            for client in ("10.0.0.1", "10.0.0.2", "10.0.0.3"):
                await assert_served(running, running.connect(v2(client) + CONNECT, source=BALANCER))
            again = running.connect(v2("10.0.0.2") + CONNECT, source=BALANCER)
            assert (await receive(again)).startswith(b"HTTP/1.1 429 client_tunnels_exhausted")
            again.close()
            await running.wait_for_records(1)
            assert running.gate._context.counter.by_client == {"10.0.0.1": 1, "10.0.0.2": 1, "10.0.0.3": 1}

    run(main())
