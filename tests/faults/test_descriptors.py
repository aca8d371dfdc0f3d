"""A gate without free file descriptors logs it, does not spin, and recovers when descriptors are free again."""

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.gate import Gate, cisco_at
from support.licensing_exchange import TARGET
from support.raw_client import CONNECT, dial, open_tunnel, read_answer
from support.requirements import require_command
from support.standin import StandIn

DESCRIPTORS = 20
"""So few that waiting connections take all of them, although the gate keeps a quarter for itself."""


@pytest.fixture
def limited_gate(tmp_path: Path, standin: StandIn) -> Iterator[Gate]:
    """A gate with fewer descriptors than each test has clients."""
    prefix = (require_command("prlimit", "util-linux"), f"--nofile={DESCRIPTORS}")
    with Gate(tmp_path, cisco_at(standin.port), prefix=prefix) as gate:
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
        before = limited_gate.processor_seconds()
        time.sleep(0.7)
        spent = limited_gate.processor_seconds() - before

    assert spent < 0.1


def test_a_client_gets_503_when_no_descriptor_is_left_to_dial(limited_gate: Gate, standin: StandIn) -> None:
    with crowded(limited_gate) as crowd:
        crowd[0].sendall(CONNECT)
        answer = read_answer(crowd[0])

    assert (answer.status, answer.outcome) == (503, "descriptors_exhausted")
    assert answer.fields["Retry-After"].isdigit()
    assert standin.connections == 0
