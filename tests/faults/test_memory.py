"""Memory of idle tunnels, which licensing clients may hold open for hours, and of a gate that runs for years."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from soak.process import Held, environment, held, settled
from soak.soaking import REMEMBERED
from support.admin_client import get_page
from support.gate import ANYTHING, Gate, cisco_at
from support.raw_client import Dial, break_off, dial, dial_tls, open_tunnel
from support.sockets import spin_until

TUNNELS = 500
KIB = 1024
LINGERING = "licensegate.proxy.tunnel.linger.Lingering"


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


def test_reloads_and_clients_leave_no_object_behind(tmp_path: Path, silent_port: int) -> None:
    settings = cisco_at(silent_port, more=ANYTHING, admin="127.0.0.1:0")
    seen = 0

    def held_after(gate: Gate, rounds: int) -> Held:
        nonlocal seen
        for _ in range(rounds):
            break_off(open_tunnel(gate))
            break_off(open_tunnel(gate, dial=dial_tls))
            assert get_page(gate, "/").status == 200
            gate.send(signal.SIGHUP)
            gate.await_line("reload requested by SIGHUP")
            seen += 1
        gate.records(2 * seen)
        spin_until(lambda: not held(gate).objects[LINGERING])
        return settled(gate)

    with Gate(tmp_path, settings, environment=environment(tmp_path)) as gate:
        few = held_after(gate, 5)
        many = held_after(gate, 10)

    assert few.objects.total() > 100
    assert {kind: many.objects[kind] for kind in (many.objects - few.objects).keys() - REMEMBERED} == {}
