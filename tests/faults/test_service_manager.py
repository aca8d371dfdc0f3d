"""A service manager that watches the gate, and a SIGHUP that comes too early."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.gate import ANYTHING, COMMAND, Gate, cisco_at, gate_settings
from support.raw_client import open_tunnel
from support.upstream import SECONDS, Upstream, echo


class Notified:
    """A service manager's socket and what was sent to it."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(SECONDS)
        self.environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "100000"}

    def assert_receives(self, first: str) -> None:
        """Wait for a message that begins with this line. Raises TimeoutError after SECONDS."""
        while self.socket.recv(1000).decode().splitlines()[0] != first:
            pass


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Notified]:
    notified = Notified(tmp_path / "notify")
    yield notified
    notified.socket.close()


def test_the_watchdog_is_fed_while_the_gate_serves_and_drains(tmp_path: Path, manager: Notified) -> None:
    with Upstream(echo) as upstream:
        settings = cisco_at(upstream.port, more=f"{ANYTHING}[limits]\ndrain_seconds = 600\n")
        with Gate(tmp_path, settings, environment=manager.environment) as gate:
            for _ in range(3):
                manager.assert_receives("WATCHDOG=1")
            with open_tunnel(gate):
                gate.send(signal.SIGTERM)
                manager.assert_receives("STOPPING=1")
                for _ in range(3):
                    manager.assert_receives("WATCHDOG=1")
            gate.await_end()


def test_a_gate_that_was_aborted_says_where_it_was(tmp_path: Path) -> None:
    """The service manager ends a frozen gate by SIGABRT."""
    (tmp_path / "gate.toml").write_text(gate_settings())
    command: list[str | Path] = [COMMAND, "serve", "--config", tmp_path / "gate.toml"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as gate:
        assert gate.stderr is not None
        while "ready" not in gate.stderr.readline():
            pass
        gate.send_signal(signal.SIGABRT)
        said = gate.stderr.read()

    assert gate.returncode == -signal.SIGABRT
    assert "most recent call first" in said
    assert "/app/service/run.py" in said


def test_a_hangup_while_starting_is_a_reload_once_ready(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(gate_settings())
    command: list[str | Path] = [COMMAND, "serve", "--config", tmp_path / "gate.toml"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as gate:
        assert gate.stderr is not None
        assert_eventually(lambda: blocks(gate.pid, signal.SIGHUP))
        gate.send_signal(signal.SIGHUP)
        lines: list[str] = []
        while "reload requested by SIGHUP" not in (line := gate.stderr.readline()):
            assert line, lines
            lines.append(line)
        gate.terminate()

    assert gate.returncode == 0
    assert any("ready: " in line for line in lines)


def test_a_serving_gate_does_not_block_hangups(tmp_path: Path) -> None:
    with Gate(tmp_path, gate_settings()) as gate:
        assert_eventually(lambda: not blocks(gate.pid, signal.SIGHUP))


def blocks(pid: int, number: signal.Signals) -> bool:
    """Whether the process's first thread blocks this signal (proc(5), SigBlk)."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = int(status.partition("SigBlk:")[2].split()[0], 16)
    return bool(mask & 1 << number - 1)


def assert_eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        os.sched_yield()
