"""Two gates behind HAProxy, with the configuration on docs/fleet.md and one ledger in PostgreSQL."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.fleet_page import BALANCER, GATES, Ports, blocks, haproxy_configuration
from support.gate import ANYTHING, Gate, cisco_at
from support.postgresql import PostgreSql
from support.programs import run
from support.raw_client import CONNECT, read_answer
from support.requirements import require_command
from support.sockets import spin_until
from support.upstream import SECONDS, Upstream, echo

BENCH = Path(__file__).parents[3] / "bench" / "run.py"


def haproxy() -> str:
    return require_command("haproxy", "haproxy")


def test_haproxy_takes_the_configuration_as_it_stands(tmp_path: Path) -> None:
    (text,) = blocks("haproxy")
    (tmp_path / "haproxy.cfg").write_text(text)

    done = run(haproxy(), "-c", "-f", str(tmp_path / "haproxy.cfg"))

    assert done.returncode == 0, done.stdout + done.stderr


def test_two_gates_serve_the_day_of_a_fleet_and_lose_no_tunnel(tmp_path: Path, postgresql: PostgreSql) -> None:
    """Of 1,000 products at 50 sites, three tunnels each, within a second: a hundredth of what the benchmark sends."""
    haproxy()
    numbers = tmp_path / "numbers.json"
    day = ("--measure=fleet", "--instances=1000", "--sites=50", "--seconds=1", f"--ledger={postgresql.new_database()}")

    done = subprocess.run(
        [sys.executable, str(BENCH), *day, f"--json={numbers}"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    fleet = json.loads(numbers.read_text())["fleet"]
    assert (fleet["tunnels"], fleet["served"], fleet["lost"]) == (3000, 3000, 0), fleet["reasons"]
    assert all(fleet["by_gate"])
    assert sum(fleet["by_gate"]) == fleet["in_ledger"] == 3000
    assert fleet["sites_agree"]
    assert fleet["failed_in_ledger"] == 0


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Gate, Gate, Ports]]:
    """Two gates to which every tunnel is an echo, and HAProxy in front of them."""
    ports = Ports.free()
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(Upstream(echo))
        gates = []
        for address in GATES:
            listen = f'"{address}:{ports.gate}"\nproxy_protocol_from = ["{BALANCER}"]'
            settings = cisco_at(upstream.port, more=ANYTHING, admin=f"{address}:{ports.admin}")
            (tmp_path / address).mkdir()
            gate = Gate(tmp_path / address, settings.replace('"127.0.0.1:0"', listen))
            gates.append(stack.enter_context(gate))
        configuration = tmp_path / "haproxy.cfg"
        configuration.write_text(haproxy_configuration(ports))
        process = stack.enter_context(subprocess.Popen([haproxy(), "-db", "-f", configuration]))
        stack.callback(process.terminate)
        spin_until(lambda: can_connect(ports))
        yield gates[0], gates[1], ports


def can_connect(ports: Ports) -> bool:
    with contextlib.suppress(ConnectionRefusedError), contextlib.closing(dial(ports)):
        return True
    return False


def dial(ports: Ports) -> socket.socket:
    return socket.create_connection((BALANCER, ports.front), SECONDS)


def is_served(ports: Ports) -> bool:
    with dial(ports) as client:
        client.sendall(CONNECT)
        return read_answer(client).status == 200


def test_a_gate_that_stops_refuses_nobody_behind_haproxy(pair: tuple[Gate, Gate, Ports]) -> None:
    stopping, staying, ports = pair
    assert all(is_served(ports) for _ in range(4))

    stopping.send(signal.SIGTERM)
    served = [is_served(ports) for _ in range(40)]
    stopping.await_end()
    served += [is_served(ports) for _ in range(4)]

    assert all(served)
    assert len(staying.records(at_least=4)) + len(stopping.records()) >= len(served)
