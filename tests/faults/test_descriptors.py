"""A gate that has run out of file descriptors: it says so, does not spin, and is whole again when they come back."""

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.exchange import TARGET
from support.gate import Gate, lab
from support.raw_client import CONNECT, dial, open_tunnel, read_answer
from support.requirements import require_command
from support.standin import StandIn

DESCRIPTORS = 40


@pytest.fixture
def poor_gate(tmp_path: Path, standin: StandIn) -> Iterator[Gate]:
    """A gate with few descriptors, fewer than the clients of each test."""
    prefix = (require_command("prlimit", "util-linux"), f"--nofile={DESCRIPTORS}")
    with Gate(tmp_path, lab(f"{TARGET}:127.0.0.1:{standin.port}"), prefix=prefix) as gate:
        yield gate


@contextlib.contextmanager
def crowded(gate: Gate) -> Iterator[list[socket.socket]]:
    """More clients than the gate has descriptors for, which it has noticed."""
    crowd = [dial(gate) for _ in range(2 * DESCRIPTORS)]
    gate.await_line("cannot accept")
    yield crowd
    for client in crowd:
        client.close()


def test_when_the_descriptors_come_back_so_does_the_gate(poor_gate: Gate) -> None:
    with crowded(poor_gate):
        pass

    open_tunnel(poor_gate).close()

    (record,) = poor_gate.records(1)
    assert record["target"] == TARGET


def test_waiting_for_descriptors_costs_no_processor_time(poor_gate: Gate) -> None:
    with crowded(poor_gate):
        before = poor_gate.processor_seconds()
        time.sleep(0.7)
        spent = poor_gate.processor_seconds() - before

    assert spent < 0.1


def test_a_client_for_whom_no_descriptor_is_left_learns_it(poor_gate: Gate, standin: StandIn) -> None:
    with crowded(poor_gate) as crowd:
        crowd[0].sendall(CONNECT)
        answer = read_answer(crowd[0])

    assert (answer.status, answer.reason.partition(":")[0]) == (503, "descriptors_exhausted")
    assert answer.fields["Retry-After"].isdigit()
    assert standin.connections == 0
