"""Clients that hold a connection and do nothing: each must cost the gate nothing but its descriptor."""

import select
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.exchange import HOST, TARGET
from support.gate import ANYTHING, Gate, lab
from support.hellos import in_records, message, server_name
from support.raw import dial, dial_tls, open_tunnel, read_to_end
from support.tls import MemoryClient, trusting
from support.upstream import SECONDS, Upstream

Still = Callable[[Gate], socket.socket]

HELLO = in_records(message(server_name(HOST.encode())))


def one_byte(gate: Gate) -> socket.socket:
    client = dial(gate)
    client.sendall(b"C")
    return client


def half_a_head(gate: Gate) -> socket.socket:
    client = dial(gate)
    client.sendall(b"CONNECT tools.cisco.com:443 HTTP/1.1\r\nHost: ")
    return client


def one_byte_of_a_hello(gate: Gate) -> socket.socket:
    client = dial(gate)
    client.sendall(HELLO[:1])
    return client


def half_a_hello(gate: Gate) -> socket.socket:
    client = dial(gate)
    client.sendall(HELLO[: len(HELLO) // 2])
    return client


def half_a_handshake(gate: Gate) -> socket.socket:
    client, tls = dial(gate), MemoryClient(trusting(None), "127.0.0.1")
    assert not tls.handshake()
    client.sendall(tls.take())
    assert client.recv(65536)
    return client


def nothing_inside_tls(gate: Gate) -> socket.socket:
    return dial_tls(gate)


def half_a_head_inside_tls(gate: Gate) -> socket.socket:
    client = dial_tls(gate)
    client.sendall(b"CONNECT tools.cisco.com:443 HTTP/1.1\r\nHost: ")
    return client


def nothing_in_a_tunnel(gate: Gate) -> socket.socket:
    return open_tunnel(gate)


def nothing_in_a_tunnel_inside_tls(gate: Gate) -> socket.socket:
    return open_tunnel(gate, dial=dial_tls)


def one_byte_of_a_hello_in_a_tunnel(gate: Gate) -> socket.socket:
    client = open_tunnel(gate)
    client.sendall(HELLO[:1])
    return client


def one_byte_of_a_hello_in_a_tunnel_inside_tls(gate: Gate) -> socket.socket:
    client = open_tunnel(gate, dial=dial_tls)
    client.sendall(HELLO[:1])
    return client


def client_has_ended(gate: Gate) -> socket.socket:
    client = open_tunnel(gate)
    client.shutdown(socket.SHUT_WR)
    return client


def client_has_ended_inside_tls(gate: Gate) -> socket.socket:
    client = open_tunnel(gate, dial=dial_tls)
    assert isinstance(client, ssl.SSLSocket)
    client.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.unwrap()
    return client


def upstream_has_ended(gate: Gate) -> socket.socket:
    client = open_tunnel(gate)
    client.sendall(b"END")
    assert read_to_end(client) == b""
    return client


def upstream_has_ended_inside_tls(gate: Gate) -> socket.socket:
    client = open_tunnel(gate, dial=dial_tls)
    client.sendall(b"END")
    assert read_to_end(client) == b""
    return client


def client_does_not_read(gate: Gate) -> socket.socket:
    client = open_tunnel(gate)
    client.sendall(b"MORE")
    return client


def client_does_not_read_inside_tls(gate: Gate) -> socket.socket:
    client = open_tunnel(gate, dial=dial_tls)
    client.sendall(b"MORE")
    return client


BEFORE_A_TUNNEL_IS_USED = (
    one_byte,
    half_a_head,
    one_byte_of_a_hello,
    half_a_hello,
    half_a_handshake,
    nothing_inside_tls,
    half_a_head_inside_tls,
    nothing_in_a_tunnel,
    nothing_in_a_tunnel_inside_tls,
    one_byte_of_a_hello_in_a_tunnel,
    one_byte_of_a_hello_in_a_tunnel_inside_tls,
)
IN_ITS_USE = (
    nothing_in_a_tunnel,
    nothing_in_a_tunnel_inside_tls,
    client_has_ended,
    client_has_ended_inside_tls,
    upstream_has_ended,
    upstream_has_ended_inside_tls,
    client_does_not_read,
    client_does_not_read_inside_tls,
)


def do_as_told(connection: socket.socket) -> None:
    """END this side, send MORE than the client reads, or do nothing; then stay, even if the client has ended."""
    match connection.recv(4):
        case b"END":
            connection.shutdown(socket.SHUT_WR)
        case b"MORE":
            connection.sendall(bytes(1 << 26))
    broken = select.poll()
    broken.register(connection, 0)
    broken.poll(SECONDS * 1000)


def speaks_and_stays(connection: socket.socket) -> None:
    """Speak first, whether anybody hears it or not; then stay."""
    connection.sendall(b"220 smtp.example ESMTP\r\n")
    do_as_told(connection)


@pytest.mark.parametrize("situation", IN_ITS_USE, ids=lambda situation: situation.__name__)
def test_a_still_connection_costs_no_processor_time(tmp_path: Path, situation: Still) -> None:
    with Upstream(do_as_told) as upstream:
        assert processor_seconds(tmp_path, upstream, situation, ANYTHING) < 0.1


@pytest.mark.parametrize("situation", BEFORE_A_TUNNEL_IS_USED, ids=lambda situation: situation.__name__)
def test_a_connection_that_stops_on_its_way_costs_no_processor_time(tmp_path: Path, situation: Still) -> None:
    with Upstream(speaks_and_stays) as upstream:
        assert processor_seconds(tmp_path, upstream, situation) < 0.1


def processor_seconds(folder: Path, upstream: Upstream, situation: Still, more: str = "") -> float:
    """What three such connections cost a gate in most of a second."""
    settings = lab(f"{TARGET}:127.0.0.1:{upstream.port}", more=f"{more}[limits]\ndrain_seconds = 0.1")
    with Gate(folder, settings) as gate:
        clients = [situation(gate) for _ in range(3)]
        time.sleep(0.3)
        before = gate.processor_seconds()
        time.sleep(0.7)
        spent = gate.processor_seconds() - before
        assert gate.records() == [], "it did not stay"
        for client in clients:
            client.close()
    return spent
