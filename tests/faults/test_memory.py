"""Memory of idle tunnels, which licensing clients may hold open for hours."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.gate import ANYTHING, Gate, cisco_at
from support.raw_client import Dial, break_off, dial, dial_tls, open_tunnel

TUNNELS = 500
KIB = 1024


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port whose backlog completes connections, so that they cost the test no thread."""
    with socket.create_server(("127.0.0.1", 0), backlog=4 * TUNNELS) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("dial", "at_most", "left_over"),
    [(dial, 20 * KIB, 2 * KIB), (dial_tls, 40 * KIB, 8 * KIB)],  # part of what TLS leaves is held by the allocator
    ids=["plain", "with TLS on the client's leg"],
)
def test_an_idle_tunnel_costs_little_memory_and_gives_it_back(
    tmp_path: Path, silent_port: int, dial: Dial, at_most: int, left_over: int
) -> None:
    def bytes_held_by_all(gate: Gate) -> int:
        tunnels = [open_tunnel(gate, dial=dial) for _ in range(TUNNELS)]
        held = gate.resident_bytes()
        for tunnel in tunnels:
            break_off(tunnel)
        return held

    with Gate(tmp_path, cisco_at(silent_port, more=ANYTHING)) as gate:
        break_off(open_tunnel(gate, dial=dial))
        before = gate.resident_bytes()
        first = bytes_held_by_all(gate)
        gate.records(1 + TUNNELS)
        second = bytes_held_by_all(gate)  # with what the gate remembers of the first ones
        gate.records(1 + 2 * TUNNELS)
        third = bytes_held_by_all(gate)
        gate.records(1 + 3 * TUNNELS)

    assert first - before < TUNNELS * at_most
    assert third - second < TUNNELS * left_over, "ended tunnels still take memory"
