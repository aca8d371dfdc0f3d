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
from support.raw_client import Dial, dial, dial_tls, open_tunnel, read_to_end
from support.tls import MemoryClient, trusting
from support.upstream import SECONDS, Upstream

Still = Callable[[Gate, Dial], socket.socket]

HELLO = in_records(message(server_name(HOST.encode())))


def one_byte(gate: Gate, dial: Dial) -> socket.socket:
    return having_said(b"C", dial(gate))


def half_a_head(gate: Gate, dial: Dial) -> socket.socket:
    return having_said(b"CONNECT tools.cisco.com:443 HTTP/1.1\r\nHost: ", dial(gate))


def one_byte_of_a_hello(gate: Gate, dial: Dial) -> socket.socket:
    return having_said(HELLO[:1], dial(gate))


def half_a_hello(gate: Gate, dial: Dial) -> socket.socket:
    return having_said(HELLO[: len(HELLO) // 2], dial(gate))


def half_a_handshake(gate: Gate, dial: Dial) -> socket.socket:
    client, tls = dial(gate), MemoryClient(trusting(None), "127.0.0.1")
    assert not tls.handshake()
    client.sendall(tls.take())
    assert client.recv(65536)
    return client


def nothing(gate: Gate, dial: Dial) -> socket.socket:
    return dial(gate)


def nothing_in_a_tunnel(gate: Gate, dial: Dial) -> socket.socket:
    return open_tunnel(gate, dial=dial)


def one_byte_of_a_hello_in_a_tunnel(gate: Gate, dial: Dial) -> socket.socket:
    return having_said(HELLO[:1], open_tunnel(gate, dial=dial))


def client_has_ended(gate: Gate, dial: Dial) -> socket.socket:
    client = open_tunnel(gate, dial=dial)
    if isinstance(client, ssl.SSLSocket):
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.unwrap()
    else:
        client.shutdown(socket.SHUT_WR)
    return client


def upstream_has_ended(gate: Gate, dial: Dial) -> socket.socket:
    client = having_said(b"END", open_tunnel(gate, dial=dial))
    assert read_to_end(client) == b""
    return client


def client_does_not_read(gate: Gate, dial: Dial) -> socket.socket:
    return having_said(b"MORE", open_tunnel(gate, dial=dial))


def having_said(data: bytes, client: socket.socket) -> socket.socket:
    client.sendall(data)
    return client


BEFORE_A_TUNNEL_IS_USED = (
    (one_byte, dial),
    (half_a_head, dial),
    (half_a_head, dial_tls),
    (one_byte_of_a_hello, dial),
    (half_a_hello, dial),
    (half_a_handshake, dial),
    (nothing, dial_tls),
    (nothing_in_a_tunnel, dial),
    (nothing_in_a_tunnel, dial_tls),
    (one_byte_of_a_hello_in_a_tunnel, dial),
    (one_byte_of_a_hello_in_a_tunnel, dial_tls),
)
IN_ITS_USE = (
    (nothing_in_a_tunnel, dial),
    (nothing_in_a_tunnel, dial_tls),
    (client_has_ended, dial),
    (client_has_ended, dial_tls),
    (upstream_has_ended, dial),
    (upstream_has_ended, dial_tls),
    (client_does_not_read, dial),
    (client_does_not_read, dial_tls),
)


def called(case: object) -> str:
    """A situation, or a way of dialling, in words."""
    if case is dial:
        return "plain"
    return "inside TLS" if case is dial_tls else str(getattr(case, "__name__", case)).replace("_", " ")


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


@pytest.mark.parametrize(("situation", "dial"), IN_ITS_USE, ids=called)
def test_a_still_connection_costs_no_processor_time(tmp_path: Path, situation: Still, dial: Dial) -> None:
    with Upstream(do_as_told) as upstream:
        assert processor_seconds(tmp_path, upstream, situation, dial, ANYTHING) < 0.1


@pytest.mark.parametrize(("situation", "dial"), BEFORE_A_TUNNEL_IS_USED, ids=called)
def test_a_connection_that_stops_on_its_way_costs_no_processor_time(
    tmp_path: Path, situation: Still, dial: Dial
) -> None:
    with Upstream(speaks_and_stays) as upstream:
        assert processor_seconds(tmp_path, upstream, situation, dial) < 0.1


def processor_seconds(folder: Path, upstream: Upstream, situation: Still, dial: Dial, more: str = "") -> float:
    """What three such connections cost a gate in most of a second."""
    settings = lab(f"{TARGET}:127.0.0.1:{upstream.port}", more=f"{more}[limits]\ndrain_seconds = 0.1")
    with Gate(folder, settings) as gate:
        clients = [situation(gate, dial) for _ in range(3)]
        time.sleep(0.3)
        before = gate.processor_seconds()
        time.sleep(0.7)
        spent = gate.processor_seconds() - before
        assert gate.records() == [], "it did not stay"
        for client in clients:
            client.close()
    return spent
