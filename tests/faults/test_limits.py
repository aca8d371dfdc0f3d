"""More tunnels, larger messages and longer waits than the limits allow."""

import select
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from support.client_hellos import extension, hello_message, in_records, server_name_extension
from support.flood import leaves_nothing_open
from support.gate import Gate, cisco_at
from support.raw_client import CONNECT, ask, dial, open_tunnel, read_answer, read_to_break
from support.upstream import SECONDS, Upstream, read_nothing

AT_MOST = 8


@pytest.mark.parametrize(
    ("limit", "status", "outcome"),
    [("tunnels_per_client", 429, "client_tunnels_exhausted"), ("tunnels", 503, "tunnels_exhausted")],
)
def test_a_tunnel_over_the_limit_is_refused_until_another_ends(
    tmp_path: Path, limit: str, status: int, outcome: str
) -> None:
    with Upstream(read_nothing) as upstream:
        settings = cisco_at(upstream.port, more=f"[limits]\n{limit} = {AT_MOST}")
        with Gate(tmp_path, settings) as gate:
            tunnels = [open_tunnel(gate) for _ in range(AT_MOST)]

            answer = ask(gate, CONNECT)

            assert (answer.status, answer.outcome) == (status, outcome)
            assert f"limits.{limit}" in answer.body.decode()
            assert int(answer.fields["Retry-After"]) > 0
            tunnels.pop().close()
            gate.records(2)
            tunnels.append(open_tunnel(gate))
            for tunnel in tunnels:
                tunnel.close()

    assert upstream.connections == AT_MOST + 1


# Limits on sizes and times


def in_tunnel(connection: socket.socket, first: bytes) -> None:
    """Open a tunnel and send these first bytes in it."""
    connection.sendall(CONNECT)
    assert read_answer(connection).status == 200
    connection.sendall(first)


def long_head(connection: socket.socket) -> None:
    connection.sendall(CONNECT[:-2] + b"X-Long: " + b"x" * 1024 + b"\r\n\r\n")


def unfinished_head(connection: socket.socket) -> None:
    connection.sendall(CONNECT[:-2])


def long_hello(connection: socket.socket) -> None:
    in_tunnel(connection, in_records(hello_message(server_name_extension(HOST), extension(0xFDE9, bytes(1024)))))


def unfinished_hello(connection: socket.socket) -> None:
    in_tunnel(connection, HELLO[:-1])


def idle(connection: socket.socket) -> None:
    in_tunnel(connection, HELLO)


def half_closed(connection: socket.socket) -> None:
    in_tunnel(connection, b"no TLS, which would end with its client")
    connection.shutdown(socket.SHUT_WR)


HOST = b"tools.cisco.com"
HELLO = in_records(hello_message(server_name_extension(HOST)))
SOON: dict[str, tuple[float, Callable[[socket.socket], None], str]] = {
    "head_bytes": (1024, long_head, "head_too_large"),
    "head_seconds": (0.5, unfinished_head, "head_timeout"),
    "hello_bytes": (1024, long_hello, "inner_hello_malformed"),
    "hello_seconds": (0.5, unfinished_hello, "inner_hello_timeout"),
    "idle_seconds": (0.8, idle, "idle_timeout"),
    "half_closed_seconds": (0.5, half_closed, "half_closed_timeout"),
}
"""Each limit, a client that exceeds it, and how that ends."""


def stay(connection: socket.socket) -> None:
    """A behaviour: say nothing and stay, even after the gate has ended its side."""
    poll = select.poll()
    poll.register(connection, 0)
    poll.poll(SECONDS * 1000)


def meet(gate: Gate, exceed: Callable[[socket.socket], None]) -> int:
    """Exceed a limit and wait for the end. Returns the client's port."""
    with dial(gate) as connection:
        port: int = connection.getsockname()[1]
        exceed(connection)
        read_to_break(connection)
    return port


def test_each_limit_on_sizes_and_times_ends_its_client_alone(tmp_path: Path) -> None:
    limits = "".join(f"{key} = {value}\n" for key, (value, *_) in SOON.items())
    with (
        Upstream(stay) as upstream,
        Gate(tmp_path, cisco_at(upstream.port, more=f"[tunnel]\nrequire_tls = false\n[limits]\n{limits}")) as gate,
        ThreadPoolExecutor(len(SOON)) as threads,
    ):
        meet(gate, idle)  # what stays open from the first tunnel on is no leak
        with leaves_nothing_open(gate):
            exceeding = [exceed for _, exceed, _ in SOON.values()]
            ports = dict(zip(SOON, threads.map(partial(meet, gate), exceeding), strict=True))
            outcomes = {record["client_port"]: record["outcome"] for record in gate.records(len(SOON) + 1)}
        open_tunnel(gate).close()

    ended = {key: outcomes[port] for key, port in ports.items()}
    assert ended == {key: outcome for key, (_, _, outcome) in SOON.items()}
