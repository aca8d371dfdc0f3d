"""A stopping gate lets its tunnels drain for a limited time."""

import signal
import socket
import time
from pathlib import Path

import pytest

from support.gate import ANYTHING, Gate, cisco_at, gate_settings
from support.raw_client import CONNECT, dial, open_tunnel, read_answer, read_to_break, read_to_end
from support.upstream import SECONDS, Upstream, echo, read_nothing


def settings(upstream: Upstream, drain_seconds: float) -> str:
    return cisco_at(upstream.port, more=f"{ANYTHING}[limits]\ndrain_seconds = {drain_seconds}")


def wait_until_listeners_close(gate: Gate) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            dial(gate).close()
        except ConnectionRefusedError:
            return
        except ConnectionResetError:
            continue  # it was in the backlog when the listener closed
        assert time.monotonic() < deadline, "a stopping gate still accepts connections"


def test_a_client_that_waits_in_the_queue_at_a_stop_is_answered(tmp_path: Path) -> None:
    with Upstream(echo) as upstream, Gate(tmp_path, settings(upstream, 60)) as gate:
        gate.send(signal.SIGSTOP)
        with dial(gate) as client:
            client.sendall(CONNECT)
            gate.send(signal.SIGTERM)
            gate.send(signal.SIGCONT)
            assert read_answer(client).status in (200, 503)
        gate.await_end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_waits_for_open_tunnels_and_accepts_no_new_one(tmp_path: Path, number: signal.Signals) -> None:
    with Upstream(echo) as upstream, Gate(tmp_path, settings(upstream, 60)) as gate:
        client = open_tunnel(gate)
        gate.send(number)
        wait_until_listeners_close(gate)
        with client:
            client.sendall(b"still here")
            client.shutdown(socket.SHUT_WR)
            assert read_to_end(client) == b"still here"
        gate.await_end()
        (record,) = gate.records()

    assert record["outcome"] == "closed_by_client"
    assert "0 tunnels were cut" in gate.stderr[-1]


def test_a_tunnel_that_outlasts_the_drain_is_cut_and_recorded(tmp_path: Path) -> None:
    with Upstream(read_nothing) as upstream, Gate(tmp_path, settings(upstream, 0.2)) as gate:
        with open_tunnel(gate) as client:
            gate.stop()
            assert read_to_break(client) == b""
        (record,) = gate.records()

    assert record["outcome"] == "cut_by_stop"
    assert "1 tunnels were cut" in gate.stderr[-1]


def test_a_second_signal_ends_the_drain_at_once(tmp_path: Path) -> None:
    with Upstream(read_nothing) as upstream, Gate(tmp_path, settings(upstream, 3600)) as gate:
        with open_tunnel(gate):
            gate.send(signal.SIGTERM)
            gate.await_line("draining")
            gate.stop()
        (record,) = gate.records()

    assert record["outcome"] == "cut_by_stop"


def test_a_stopping_gate_refuses_a_reload_but_reopens_its_log(tmp_path: Path) -> None:
    with Upstream(read_nothing) as upstream, Gate(tmp_path, settings(upstream, 3600)) as gate:
        with open_tunnel(gate):
            gate.send(signal.SIGTERM)
            gate.await_line("draining")
            (tmp_path / "access.jsonl").rename(tmp_path / "access.jsonl.1")
            gate.send(signal.SIGHUP)
            gate.await_line("refused: the gate is stopping")
            wait_until_listeners_close(gate)
            gate.stop()
        (record,) = gate.records(1)

    assert record["outcome"] == "cut_by_stop"


def test_an_idle_gate_stops_with_nothing_to_cut(tmp_path: Path) -> None:
    with Gate(tmp_path, gate_settings()) as gate:
        with dial(gate):
            pass
        gate.stop()

    assert gate.records() == []
