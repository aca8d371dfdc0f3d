"""Connections that never finish a request keep no other client out, from one address or from many."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.client_hellos import hello_message, in_records, server_name_extension
from support.flood import Flood, allow_descriptors, leaves_nothing_open, outcomes_so_far, tunnel_from
from support.gate import Gate, cisco_at
from support.raw_client import CONNECT, read_answer, read_to_break, secured
from support.sockets import spin_until
from support.tls_memory import MemoryTlsClient, client_context
from support.upstream import SECONDS, Upstream, read_nothing

HONEST, ATTACKER, STRANGER, BALANCER = "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"
TUNNELS, SHARE = 64, 16
PLACES = TUNNELS + 8
ROUNDS, AT_ONCE = 6, 20
SETTINGS = f"""
[clients]
networks = ["127.0.0.1", "127.0.0.2", "127.0.0.4", "127.1.0.0/16", "10.0.0.0/8"]

[limits]
tunnels = {TUNNELS}
waiting_per_client = {SHARE}
"""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(read_nothing) as server:
        yield server


@pytest.fixture
def gate(tmp_path: Path, upstream: Upstream) -> Iterator[Gate]:
    """A gate with few places."""
    with Gate(tmp_path, cisco_at(upstream.port, more=SETTINGS)) as running:
        yield running


def nothing(connection: socket.socket) -> None:
    """Say nothing."""


def part_of_a_head(connection: socket.socket) -> None:
    connection.sendall(CONNECT[:-2])


def part_of_a_hello(connection: socket.socket) -> None:
    connection.sendall(in_records(hello_message(server_name_extension(b"tools.cisco.com")))[:-1])


def part_of_a_handshake(connection: socket.socket) -> None:
    tls = MemoryTlsClient(client_context(None), "127.0.0.1")
    tls.handshake()
    connection.sendall(tls.take_ciphertext())


def a_handshake(connection: socket.socket) -> socket.socket:
    return secured(connection)


def a_refused_request(connection: socket.socket) -> None:
    connection.sendall(b"GET / HTTP/1.1\r\n\r\n")


@pytest.mark.parametrize("say", [nothing, part_of_a_head, part_of_a_hello, part_of_a_handshake, a_refused_request])
@pytest.mark.parametrize("spread", [1, 7, 200], ids=["one address", "seven addresses", "many addresses"])
def test_a_flood_keeps_no_honest_client_out(gate: Gate, spread: int, say: Callable[[socket.socket], None]) -> None:
    sources = [f"127.1.0.{number % spread + 1}" for number in range(ROUNDS * AT_ONCE)]
    tunnel_from(gate, HONEST).close()
    gate.records(1)
    with leaves_nothing_open(gate), Flood(gate) as flood:
        for start in range(0, len(sources), AT_ONCE):
            for source in sources[start : start + AT_ONCE]:
                flood.grow(1, source, say)
            tunnel_from(gate, HONEST).close()
    outcomes = outcomes_so_far(gate)
    tunnel_from(gate, ATTACKER).close()

    assert outcomes["client_left_in_inner_hello"] == 1 + ROUNDS
    assert not outcomes.keys() & {"internal_error", "connections_exhausted", "tunnels_exhausted"}


def test_connections_after_a_handshake_keep_nobody_out(gate: Gate) -> None:
    with leaves_nothing_open(gate), Flood(gate) as flood:
        flood.grow(2 * SHARE, ATTACKER, a_handshake)
        tunnel_from(gate, HONEST).close()
        flood.grow(SHARE, ATTACKER, nothing)
        tunnel_from(gate, HONEST).close()  # by then the gate has accepted them
    outcomes = outcomes_so_far(gate)

    assert outcomes["client_left_in_inner_hello"] == 2
    assert outcomes["client_crowded_out"] == 2 * SHARE


def test_bytes_that_trickle_in_keep_no_place(gate: Gate) -> None:
    with Flood(gate) as flood:
        flood.grow(SHARE, ATTACKER)
        for byte in CONNECT[:20]:
            for connection in flood.connections:
                connection.sendall(bytes([byte]))
        slow = list(flood.connections)
        tunnel_from(gate, HONEST).close()  # by then the gate has read them
        flood.grow(SHARE, ATTACKER)
        assert all(read_to_break(connection) == b"" for connection in slow)

    assert outcomes_so_far(gate)["client_crowded_out"] == SHARE
    assert {record["client_read"] for record in gate.records() if record["client"] == ATTACKER} == {20}


def test_a_client_under_attack_from_its_own_address_is_served(gate: Gate) -> None:
    with Flood(gate) as flood:
        for _ in range(ROUNDS):
            flood.grow(AT_ONCE, HONEST)
            tunnel_from(gate, HONEST).close()
    outcomes = outcomes_so_far(gate)

    assert outcomes["client_left_in_inner_hello"] == ROUNDS


def test_tunnels_outlive_a_flood(gate: Gate, upstream: Upstream) -> None:
    pushed_out = 2 * PLACES - (PLACES - TUNNELS)
    tunnels = [tunnel_from(gate, HONEST) for _ in range(TUNNELS // 2)]
    with Flood(gate) as flood:
        flood.grow(PLACES * 2, ATTACKER)
        tunnels += [tunnel_from(gate, f"127.1.0.{number}") for number in range(1, TUNNELS // 2 + 1)]
        for tunnel in tunnels:
            tunnel.sendall(in_records(hello_message(server_name_extension(b"tools.cisco.com"))))
        spin_until(lambda: upstream.connections == TUNNELS)
        for tunnel in tunnels:
            tunnel.close()
        gate.records(TUNNELS + pushed_out)  # a tunnel is over once its upstream has ended, too
    outcomes = outcomes_so_far(gate)

    assert outcomes["closed_by_client"] == TUNNELS
    assert outcomes["client_crowded_out"] + outcomes["crowded_out"] == pushed_out


@pytest.mark.parametrize("say", [nothing, part_of_a_head, part_of_a_hello])
def test_a_flood_from_outside_the_networks_takes_no_place(gate: Gate, say: Callable[[socket.socket], None]) -> None:
    with leaves_nothing_open(gate), Flood(gate) as flood:
        for _ in range(ROUNDS):
            flood.grow(AT_ONCE, STRANGER, say)
            tunnel_from(gate, HONEST).close()
    outcomes = outcomes_so_far(gate)

    assert outcomes["client_left_in_inner_hello"] == ROUNDS
    if say is not nothing:
        assert outcomes["client_not_allowed"] == ROUNDS * AT_ONCE
    assert not outcomes.keys() - {"client_left_in_inner_hello", "client_not_allowed", "closed_unused"}


def test_a_stranger_reads_why_while_others_of_its_kind_flood(gate: Gate) -> None:
    with Flood(gate) as flood:
        flood.grow(4 * AT_ONCE, STRANGER)
        connection = socket.create_connection(("127.0.0.1", gate.port), SECONDS, ("127.0.0.99", 0))
        flood.connections.append(connection)
        connection.sendall(CONNECT)

        assert read_answer(connection).outcome == "client_not_allowed"


@pytest.mark.parametrize(
    ("flooding", "header"),
    [
        (BALANCER, b""),
        (BALANCER, b"PROXY TCP4 10.0.0.1 192.0.2.1 40000 443\r\n"),
        (BALANCER, b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 443\r\n"),
    ],
    ids=["without a header", "from one client", "from a stranger"],
)
def test_a_flood_behind_a_balancer_keeps_no_other_client_out(
    tmp_path: Path, upstream: Upstream, flooding: str, header: bytes
) -> None:
    behind = f'\nproxy_protocol_from = ["{BALANCER}"]'
    listen = '[[listen]]\naddress = "127.0.0.1:0"'
    settings = cisco_at(upstream.port, more=SETTINGS).replace(listen, listen + behind)
    with Gate(tmp_path, settings) as gate, leaves_nothing_open(gate), Flood(gate) as flood:
        for number in range(ROUNDS):
            flood.grow(AT_ONCE, flooding, lambda connection: connection.sendall(header))
            client = b"PROXY TCP4 10.0.0.%d 192.0.2.1 40000 443\r\n" % (number + 2)
            tunnel_from(gate, flooding, before=client).close()
            tunnel_from(gate, HONEST).close()
        assert outcomes_so_far(gate)["client_left_in_inner_hello"] == 2 * ROUNDS


COUNT, ATTEMPTS, LEFT_OVER = 4700, 129, 1 << 20


def test_4700_silent_connections_leave_a_gate_as_it_was(tmp_path: Path, upstream: Upstream) -> None:
    allow_descriptors(2 * COUNT)
    settings = cisco_at(upstream.port, more='[clients]\nnetworks = ["127.0.0.1", "127.0.0.2"]')

    def bytes_after_a_flood(gate: Gate) -> int:
        with leaves_nothing_open(gate), Flood(gate) as flood:
            for _ in range(ATTEMPTS):
                for source in (ATTACKER, STRANGER):
                    flood.grow(COUNT // ATTEMPTS // 2, source)
                tunnel_from(gate, HONEST).close()
        return gate.resident_bytes()

    with Gate(tmp_path, settings) as gate:
        first, second = bytes_after_a_flood(gate), bytes_after_a_flood(gate)
        outcomes = outcomes_so_far(gate)
        tunnel_from(gate, HONEST).close()

    assert outcomes["client_left_in_inner_hello"] == 2 * ATTEMPTS
    assert not outcomes.keys() - {"client_left_in_inner_hello", "client_not_allowed", "client_crowded_out"}
    assert second - first < LEFT_OVER
