"""An idle connection costs the gate no CPU time in any state."""

import select
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from support.client_hellos import hello_message, in_records, server_name_extension
from support.gate import ANYTHING, Gate, cisco_at
from support.licensing_exchange import HOST
from support.raw_client import Dial, dial, dial_tls, open_tunnel, read_to_end
from support.tls_memory import MemoryTlsClient, client_context
from support.upstream import SECONDS, Upstream

OpenIdle = Callable[[Gate, Dial], socket.socket]

HELLO = in_records(hello_message(server_name_extension(HOST.encode())))


def one_byte(gate: Gate, dial: Dial) -> socket.socket:
    return after_sending(b"C", dial(gate))


def half_a_head(gate: Gate, dial: Dial) -> socket.socket:
    return after_sending(b"CONNECT tools.cisco.com:443 HTTP/1.1\r\nHost: ", dial(gate))


def one_byte_of_a_hello(gate: Gate, dial: Dial) -> socket.socket:
    return after_sending(HELLO[:1], dial(gate))


def half_a_hello(gate: Gate, dial: Dial) -> socket.socket:
    return after_sending(HELLO[: len(HELLO) // 2], dial(gate))


def half_a_handshake(gate: Gate, dial: Dial) -> socket.socket:
    client, tls = dial(gate), MemoryTlsClient(client_context(None), "127.0.0.1")
    assert not tls.handshake()
    client.sendall(tls.take_ciphertext())
    assert client.recv(65536)
    return client


def nothing(gate: Gate, dial: Dial) -> socket.socket:
    return dial(gate)


def nothing_in_a_tunnel(gate: Gate, dial: Dial) -> socket.socket:
    return open_tunnel(gate, dial=dial)


def one_byte_of_a_hello_in_a_tunnel(gate: Gate, dial: Dial) -> socket.socket:
    return after_sending(HELLO[:1], open_tunnel(gate, dial=dial))


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
    client = after_sending(b"END", open_tunnel(gate, dial=dial))
    assert read_to_end(client) == b""
    return client


def client_does_not_read(gate: Gate, dial: Dial) -> socket.socket:
    return after_sending(b"MORE", open_tunnel(gate, dial=dial))


def after_sending(data: bytes, client: socket.socket) -> socket.socket:
    client.sendall(data)
    return client


BEFORE_THE_RELAY = (
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
RELAYING = (
    (nothing_in_a_tunnel, dial),
    (nothing_in_a_tunnel, dial_tls),
    (client_has_ended, dial),
    (client_has_ended, dial_tls),
    (upstream_has_ended, dial),
    (upstream_has_ended, dial_tls),
    (client_does_not_read, dial),
    (client_does_not_read, dial_tls),
)


def case_id(case: object) -> str:
    """The test id of a situation or a way of dialling."""
    if case is dial:
        return "plain"
    return "inside TLS" if case is dial_tls else str(getattr(case, "__name__", case)).replace("_", " ")


def obey_client(connection: socket.socket) -> None:
    """On END end this side, on MORE send more than the client reads; then keep the connection open."""
    match connection.recv(4):
        case b"END":
            connection.shutdown(socket.SHUT_WR)
        case b"MORE":
            connection.sendall(bytes(1 << 26))
    broken = select.poll()
    broken.register(connection, 0)
    broken.poll(SECONDS * 1000)


def send_banner_then_obey(connection: socket.socket) -> None:
    """Send a banner first, then do what the client asks."""
    connection.sendall(b"220 smtp.example ESMTP\r\n")
    obey_client(connection)


@pytest.mark.parametrize(("situation", "dial"), RELAYING, ids=case_id)
def test_an_idle_tunnel_costs_no_cpu_time(tmp_path: Path, situation: OpenIdle, dial: Dial) -> None:
    with Upstream(obey_client) as upstream:
        assert rests(tmp_path, upstream, situation, dial, ANYTHING)


@pytest.mark.parametrize(("situation", "dial"), BEFORE_THE_RELAY, ids=case_id)
def test_a_connection_idle_before_its_relay_costs_no_cpu_time(tmp_path: Path, situation: OpenIdle, dial: Dial) -> None:
    with Upstream(send_banner_then_obey) as upstream:
        assert rests(tmp_path, upstream, situation, dial)


def rests(folder: Path, upstream: Upstream, situation: OpenIdle, dial: Dial, more: str = "") -> bool:
    """Whether a gate with three such connections comes to rest."""
    settings = cisco_at(upstream.port, more=f"{more}[limits]\ndrain_seconds = 0.1")
    with Gate(folder, settings) as gate:
        clients = [situation(gate, dial) for _ in range(3)]
        at_rest = gate.comes_to_rest()
        assert gate.records() == [], "a connection did not stay open"
        for client in clients:
            client.close()
    return at_rest
