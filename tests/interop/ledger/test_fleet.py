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
from msgspec import Struct

from support.fleet_page import BALANCER, GATES, Ports, blocks, haproxy_configuration
from support.gate import ANYTHING, Gate, cisco_at
from support.postgresql import PostgreSql
from support.programs import run
from support.raw_client import CONNECT, read_answer, read_to_end
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
    assert sum(fleet["by_gate"]) == fleet["in_ledger"] == fleet["answered_in_ledger"] == 3000
    assert fleet["sites_agree"]


class Pair(Struct, frozen=True):
    """Two gates to which every tunnel is an echo, and HAProxy in front of them."""

    gates: tuple[Gate, Gate]
    ports: Ports
    control: Path

    def dial(self) -> socket.socket:
        return socket.create_connection((BALANCER, self.ports.front), SECONDS)

    def is_served(self) -> bool:
        with self.dial() as client:
            client.sendall(CONNECT)
            return read_answer(client).status == 200

    def tell_haproxy(self, words: str) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.control))
            connection.sendall(words.encode() + b"\n")
            assert read_to_end(connection).strip() == b""

    def can_connect(self) -> bool:
        with contextlib.suppress(ConnectionRefusedError), self.dial():
            return True
        return False


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    ports, control = Ports.free(), tmp_path / "haproxy.sock"
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(Upstream(echo))
        gates = []
        for address in GATES:
            (tmp_path / address).mkdir()
            listen = f'"{address}:{ports.gate}"\nproxy_protocol_from = ["{BALANCER}"]'
            settings = cisco_at(upstream.port, more=ANYTHING, admin=f"{address}:{ports.admin}")
            gates.append(stack.enter_context(Gate(tmp_path / address, settings.replace('"127.0.0.1:0"', listen))))
        configuration = tmp_path / "haproxy.cfg"
        configuration.write_text(haproxy_configuration(ports, control))
        process = stack.enter_context(subprocess.Popen([haproxy(), "-db", "-f", configuration]))
        stack.callback(process.terminate)
        made = Pair((gates[0], gates[1]), ports, control)
        spin_until(made.can_connect)
        yield made


def test_clients_notice_no_planned_stop_of_a_gate(pair: Pair) -> None:
    leaving, staying = pair.gates
    assert all(pair.is_served() for _ in range(4))

    pair.tell_haproxy("set server gates/gate1 state drain")
    served = [pair.is_served() for _ in range(4)]
    leaving.send(signal.SIGTERM)
    served += [pair.is_served() for _ in range(20)]
    leaving.await_end()

    assert all(served)
    before = len(leaving.records())
    assert before <= 4
    assert len(staying.records(at_least=28 - before)) >= 28 - before


def test_haproxy_sends_clients_of_a_dead_gate_to_the_other(pair: Pair) -> None:
    dead, staying = pair.gates
    dead.stop()

    assert all(pair.is_served() for _ in range(8))
    assert len(staying.records(at_least=8)) >= 8
