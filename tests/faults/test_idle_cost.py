"""Clients that hold a connection and do nothing: each must cost the gate nothing but its descriptor."""

import select
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.exchange import TARGET
from support.gate import Gate, lab
from support.raw import dial, open_tunnel, read_to_end
from support.upstream import SECONDS, Upstream

Still = Callable[[Gate], socket.socket]


def one_byte(gate: Gate) -> socket.socket:
    client = dial(gate)
    client.sendall(b"C")
    return client


def half_a_head(gate: Gate) -> socket.socket:
    client = dial(gate)
    client.sendall(b"CONNECT tools.cisco.com:443 HTTP/1.1\r\nHost: ")
    return client


def nothing_in_a_tunnel(gate: Gate) -> socket.socket:
    return open_tunnel(gate)


def client_has_ended(gate: Gate) -> socket.socket:
    client = open_tunnel(gate)
    client.shutdown(socket.SHUT_WR)
    return client


def upstream_has_ended(gate: Gate) -> socket.socket:
    client = open_tunnel(gate)
    client.sendall(b"END")
    assert read_to_end(client) == b""
    return client


def client_does_not_read(gate: Gate) -> socket.socket:
    client = open_tunnel(gate)
    client.sendall(b"MORE")
    return client


SITUATIONS = (
    one_byte,
    half_a_head,
    nothing_in_a_tunnel,
    client_has_ended,
    upstream_has_ended,
    client_does_not_read,
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


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_a_still_connection_costs_no_processor_time(tmp_path: Path, situation: Still) -> None:
    with Upstream(do_as_told) as upstream:
        settings = lab(f"{TARGET}:127.0.0.1:{upstream.port}", more="[limits]\ndrain_seconds = 0.1")
        with Gate(tmp_path, settings) as gate:
            clients = [situation(gate) for _ in range(3)]
            time.sleep(0.3)
            before = gate.processor_seconds()
            time.sleep(0.7)
            spent = gate.processor_seconds() - before
            for client in clients:
                client.close()

    assert spent < 0.1
