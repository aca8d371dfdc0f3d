"""A gate without free file descriptors logs it, does not spin, and recovers when descriptors are free again."""

import contextlib
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.admin_client import ANY_PORT, get_page, scrape
from support.gate import ANYTHING, Gate, cisco_at
from support.licensing_exchange import TARGET
from support.programs import run
from support.raw_client import CONNECT, ask, break_off, dial, open_tunnel, read_answer
from support.requirements import require_command
from support.standin import StandIn

DESCRIPTORS = 20


@pytest.fixture
def limited_gate(tmp_path: Path, standin: StandIn) -> Iterator[Gate]:
    """A gate that has lost most of its descriptors since its start, so that it counts on more than there are."""
    prlimit = require_command("prlimit", "util-linux")
    with Gate(tmp_path, cisco_at(standin.port)) as gate:
        highest = max(int(number) for number in os.listdir(f"/proc/{gate.pid}/fd"))
        run(prlimit, f"--pid={gate.pid}", f"--nofile={highest + DESCRIPTORS}:")
        yield gate


@contextlib.contextmanager
def crowded(gate: Gate) -> Iterator[list[socket.socket]]:
    """Connect more clients than the gate has descriptors for, and wait until it logs that."""
    crowd = [dial(gate) for _ in range(2 * DESCRIPTORS)]
    gate.await_line("cannot accept")
    yield crowd
    for client in crowd:
        client.close()


def test_the_gate_serves_again_once_descriptors_are_free(limited_gate: Gate) -> None:
    with crowded(limited_gate):
        pass

    open_tunnel(limited_gate).close()

    (record,) = limited_gate.records(1)
    assert record["target"] == TARGET


def test_waiting_for_descriptors_costs_no_processor_time(limited_gate: Gate) -> None:
    with crowded(limited_gate):
        assert limited_gate.comes_to_rest()


def test_a_client_gets_503_when_no_descriptor_is_left_to_dial(limited_gate: Gate, standin: StandIn) -> None:
    with crowded(limited_gate) as crowd:
        crowd[0].sendall(CONNECT)
        answer = read_answer(crowd[0])

    assert (answer.status, answer.outcome) == (503, "descriptors_exhausted")
    assert answer.fields["Retry-After"].isdigit()
    assert standin.connections == 0


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port whose backlog completes connections, so that they cost the test no thread."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        yield listener.getsockname()[1]


def test_as_many_tunnels_are_served_as_the_warning_says(tmp_path: Path, silent_port: int) -> None:
    prefix = (require_command("prlimit", "util-linux"), "--nofile=256:256")
    with Gate(tmp_path, cisco_at(silent_port, more=ANYTHING, admin=ANY_PORT), prefix=prefix) as gate:
        (warning,) = [line for line in gate.stderr if "open files are allowed" in line]
        found = re.search(r"256 open files are allowed, enough for ([0-9]+) tunnels", warning)
        assert found is not None, warning
        tunnels = [open_tunnel(gate) for _ in range(int(found[1]))]
        answers = [ask(gate, CONNECT) for _ in range(20)]

        assert {answer.outcome for answer in answers} == {"tunnels_exhausted"}
        assert get_page(gate, "/healthz").status == get_page(gate, "/readyz").status == 200
        assert scrape(gate).value("licensegate_connections_limit") == len(tunnels)
        assert not [line for line in gate.stderr if "cannot accept" in line]
        break_off(tunnels.pop())
        gate.records(len(answers) + 1)
        tunnels.append(open_tunnel(gate))
        for tunnel in tunnels:
            break_off(tunnel)


def test_a_full_gate_with_silent_clients_still_answers(tmp_path: Path, silent_port: int) -> None:
    prefix = (require_command("prlimit", "util-linux"), "--nofile=256:256")
    with Gate(tmp_path, cisco_at(silent_port, more=ANYTHING, admin=ANY_PORT), prefix=prefix) as gate:
        limit = int(scrape(gate).value("licensegate_connections_limit"))
        tunnels = [open_tunnel(gate) for _ in range(limit)]
        silent = [dial(gate) for _ in range(200)]

        assert ask(gate, CONNECT).outcome == "tunnels_exhausted"
        assert get_page(gate, "/healthz").status == get_page(gate, "/readyz").status == 200
        assert not [line for line in gate.stderr if "cannot accept" in line]
        for client in (*silent, *tunnels):
            break_off(client)
