"""Looks at targets disturb nothing: a hung target, a killed process, a stop and a reload in the middle."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.client_hellos import hello_message, in_records, server_name_extension
from support.gate import ANYTHING, COMMAND, Gate, gate_settings
from support.licensing_exchange import HOST, TARGET
from support.programs import run
from support.raw_client import assert_carries, open_tunnel
from support.sockets import spin_until
from support.upstream import Upstream, closed_port, echo, read_nothing

STATE = '[state]\ndirectory = "."\n'


def settings(port: int, more: str = "") -> str:
    return gate_settings(f"{TARGET}:127.0.0.1:{port}", more=STATE + ANYTHING + more)


def children(gate: Gate) -> list[int]:
    """The processes that the gate has started and not yet ended."""
    listed = Path(f"/proc/{gate.pid}/task/{gate.pid}/children").read_text().split()
    return [int(pid) for pid in listed]


def connections(gate: Gate) -> int:
    """The sockets and pipes that the gate has open."""
    kinds = ("socket:", "pipe:")
    found = 0
    for descriptor in Path(f"/proc/{gate.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += os.readlink(descriptor).startswith(kinds)
    return found


@contextlib.contextmanager
def asked(gate: Gate) -> Iterator["subprocess.Popen[str]"]:
    """`licensegate probe` for the target, while its process looks."""
    asking = subprocess.Popen(
        [COMMAND, "probe", "--config", gate.settings, "--json", TARGET],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        spin_until(lambda: children(gate))
        yield asking
    finally:
        asking.kill()
        asking.communicate()


def test_the_command_prints_a_report_of_each_target(tmp_path: Path) -> None:
    with Gate(
        tmp_path, settings(closed_port(), f'[allowlist]\npresets = []\n[[allowlist.rule]]\nhost = "{HOST}"\n')
    ) as gate:
        done = run(COMMAND, "probe", "--config", gate.settings, "--json")
        assert done.returncode == 1
        report = json.loads(done.stdout)
        assert (report["target"], report["verdict"]) == (TARGET, "not_reached")
        assert report["outcome"] == "connection_refused"
        refused = run(COMMAND, "probe", "--config", gate.settings, "elsewhere.example:443")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "elsewhere.example:443 is not in the allowlist" in refused.stderr
        gate.stop()
        assert gate.records() == []


def test_a_target_that_hangs_delays_no_tunnel_and_no_stop(tmp_path: Path) -> None:
    hangs = threading.Event()

    def behaviour(connection: object) -> None:
        if hangs.is_set():
            read_nothing(connection)  # type: ignore[arg-type]
        else:
            echo(connection)  # type: ignore[arg-type]

    with Upstream(behaviour) as upstream, Gate(tmp_path, settings(upstream.port)) as gate:
        with open_tunnel(gate) as tunnel:
            assert_carries(tunnel)
            hangs.set()
            with asked(gate) as asking:
                (process,) = children(gate)
                assert_carries(tunnel)
                tunnel.close()
                gate.stop()
                assert "the gate is stopping" in asking.communicate()[1]
        assert not Path(f"/proc/{process}").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_probe_process_that_dies_is_only_logged(tmp_path: Path, number: signal.Signals) -> None:
    with Upstream(read_nothing) as upstream, Gate(tmp_path, settings(upstream.port)) as gate:
        base = connections(gate)
        with asked(gate) as asking:
            (process,) = children(gate)
            os.kill(process, number)
            error = asking.communicate()[1]
        assert f"the probe process ended with status {-number}" in error
        spin_until(lambda: connections(gate) == base)
        assert children(gate) == []


def test_a_reload_during_a_look_goes_through(tmp_path: Path) -> None:
    with Upstream(read_nothing) as upstream, Gate(tmp_path, settings(upstream.port)) as gate, asked(gate):
        assert run(COMMAND, "reload", "--config", gate.settings).returncode == 0
        assert len(children(gate)) == 1


def test_a_gate_that_is_killed_takes_its_probe_process_along(tmp_path: Path) -> None:
    with Upstream(read_nothing) as upstream, Gate(tmp_path, settings(upstream.port)) as gate:
        with asked(gate):
            (process,) = children(gate)
            gate.send(signal.SIGKILL)
            spin_until(lambda: not Path(f"/proc/{process}").exists())
        with pytest.raises(AssertionError, match="ended with -9"):
            gate.await_end()


def test_a_suspicious_end_is_followed_by_a_look(tmp_path: Path) -> None:
    looks = '[probe]\nhandshake = "6h"\n'

    def cut(connection: socket.socket) -> None:
        connection.recv(4096)

    text = gate_settings(f"{TARGET}:127.0.0.1:{{port}}", more=STATE + looks)
    with Upstream(cut) as upstream, Gate(tmp_path, text.replace("{port}", str(upstream.port))) as gate:
        hello = in_records(hello_message(server_name_extension(HOST.encode())))
        with open_tunnel(gate) as tunnel:
            tunnel.sendall(hello)
            assert tunnel.recv(1) == b""
        assert f"a look at {TARGET} found hello_cut" in gate.await_line("a look at")
        assert upstream.connections == 3  # the client's, and two tries
