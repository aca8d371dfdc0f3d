"""The gate is handed over to a new process, or it is not, and nothing has changed."""

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from licensegate.app.service.control_protocol import Reply
from support.admin_client import get_page
from support.gate import ANYTHING, COMMAND, cisco_at
from support.handed_over import STATE, HandedOver, open_things
from support.programs import run
from support.raw_client import CONNECT, ask, assert_carries, dial, open_tunnel, read_answer, read_to_break
from support.sockets import spin_until
from support.upstream import SECONDS, Upstream, closed_port, echo

REFUSED = b"CONNECT other.test:443 HTTP/1.1\r\n\r\n"

_PYTHON = f'[ "$1" = -I ] && exec {sys.executable} "$@"\n'  # starts the new process in the background
SILENT = f"#!/bin/sh\n{_PYTHON}touch started\nexec sleep 600\n"
CRASHING = f"#!/bin/sh\n{_PYTHON}exit 7\n"
NEVER_SERVING = f"""#!/bin/sh
{_PYTHON}exec {sys.executable} -c '
import os, sys
line = int(sys.argv[-1])
for said in (b"ask", b"ready"):
    os.write(line, b"{{\\"step\\": \\"" + said + b"\\"}}")
    os.read(line, 9999)
' "$@"
"""
"""Programs that a gate may be asked to start instead of an interpreter with a gate."""


def settings(upstream: Upstream, port: int, more: str = "", admin: str = "") -> str:
    """Settings for a gate on `port`, whose target is the upstream."""
    listen = f"127.0.0.1:{port}"
    return cisco_at(upstream.port, more=STATE + ANYTHING + more, admin=admin).replace("127.0.0.1:0", listen)


def program(folder: Path, script: str) -> str:
    """The path of an executable file."""
    path = folder / "program"
    path.write_text(script)
    path.chmod(0o755)
    return str(path)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(echo) as running:
        yield running


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[HandedOver]:
    """A gate that each test hands over, with settings of its own."""
    with HandedOver(tmp_path_factory.mktemp("gate"), settings(upstream, closed_port())) as running:
        yield running


def hand_over(gate: HandedOver, text: str, drain_seconds: float = 0) -> Reply:
    """Hand over to a process with these settings, which listens on the port of the first listener."""
    gate.settings.write_text(text)
    reply = gate.hand_over(drain_seconds=drain_seconds)
    assert reply.ok, reply.message
    return reply


def test_the_command_takes_settings_admin_server_and_control_along(gate: HandedOver, upstream: Upstream) -> None:
    other, admin = closed_port(), f"127.0.0.1:{closed_port()}"
    more = f'[[listen]]\naddress = "127.0.0.1:{other}"\n[[allowlist.rule]]\nhost = "other.test"\n'
    assert ask(gate, REFUSED).status == 403
    gate.settings.write_text(
        settings(upstream, gate.port, more, admin).replace(
            'to = ["', f'to = ["other.test:443:127.0.0.1:{upstream.port}", "'
        )
    )
    control = (gate.folder / "control.sock").stat().st_ino
    done = run(COMMAND, "handover", "--config", gate.settings, "--drain", "0")
    assert done.returncode == 0, done.stderr
    gate.follow(done.stdout)
    gate.await_old_end()

    with open_tunnel(gate, REFUSED) as tunnel:
        assert_carries(tunnel)
    socket.create_connection(("127.0.0.1", other), SECONDS).close()
    assert get_page(gate, "/readyz").json["listeners"] == [f"127.0.0.1:{gate.port}", f"127.0.0.1:{other}"]
    assert "nothing has changed" in gate.ask("reload").message
    assert (gate.folder / "control.sock").stat().st_ino == control


def test_clients_at_an_address_that_the_new_gate_drops_are_served(gate: HandedOver, upstream: Upstream) -> None:
    second = closed_port()
    with dial(gate) as accepted, open_tunnel(gate) as open_before:
        hand_over(gate, settings(upstream, second), drain_seconds=SECONDS)
        accepted.sendall(CONNECT)
        assert read_answer(accepted).status == 200
        assert_carries(accepted, open_before)
        with pytest.raises(ConnectionRefusedError):
            dial(gate)
        gate.listeners = [("127.0.0.1", second)]
        open_tunnel(gate).close()
    gate.await_old_end()


def test_a_wider_address_takes_the_place_of_the_narrower(gate: HandedOver, upstream: Upstream) -> None:
    wide = settings(upstream, gate.port).replace(f"127.0.0.1:{gate.port}", f"0.0.0.0:{gate.port}")
    hand_over(gate, wide)
    gate.await_old_end()

    open_tunnel(gate).close()
    with pytest.raises(OSError, match="Address already in use"):
        socket.create_server(("127.0.0.1", gate.port))


def test_a_drain_after_a_handover_is_bounded(gate: HandedOver) -> None:
    with open_tunnel(gate) as tunnel:
        reply = hand_over(gate, gate.settings.read_text(), drain_seconds=0.2)
        assert "drains its 1 open connections for up to 0.2 s" in reply.message
        assert read_to_break(tunnel) == b""
    gate.await_old_end()

    assert [record["outcome"] for record in gate.records()].count("cut_by_stop") == 1


def test_a_reload_during_a_handover_reaches_the_new_gate(gate: HandedOver) -> None:
    """So that a log rotation at that moment has its log reopened."""
    log, replies = gate.folder / "access.jsonl", []
    asking = threading.Thread(target=lambda: replies.append(gate.hand_over()))
    asking.start()
    gate.await_line("handover requested by")
    log.rename(gate.folder / "access.jsonl.1")
    said = gate.ask("reload")
    asking.join()
    gate.await_old_end()

    assert said.ok, said.message
    assert replies[0].ok
    assert ask(gate, b"GET / HTTP/1.1\r\n\r\n").status
    assert gate.records(1)


def test_a_gate_that_does_not_become_ready_changes_nothing(tmp_path: Path, upstream: Upstream) -> None:
    """Whatever goes wrong before the new gate serves, the old one goes on, and a later handover succeeds."""
    in_force = settings(upstream, closed_port())
    wrong, taken = tmp_path / "wrong.toml", tmp_path / "taken.toml"
    wrong.write_text(in_force + "[limits]\ntunels = 5\n")
    taken.write_text(f'{in_force}[[listen]]\naddress = "127.0.0.1:{upstream.port}"\n')
    with HandedOver(tmp_path, in_force) as gate, open_tunnel(gate) as tunnel:
        failures: tuple[tuple[str, Callable[[], Reply]], ...] = (
            ("No such file", lambda: gate.hand_over(program="/nowhere/python3")),
            ("it ended with status 1", lambda: gate.hand_over(program="/bin/false")),
            ("before it said 'ask'", lambda: gate.hand_over(program=program(tmp_path, CRASHING))),
            ("before it said 'serving'", lambda: gate.hand_over(program=program(tmp_path, NEVER_SERVING))),
            ("not ready within 0.3 s", lambda: gate.hand_over(program=program(tmp_path, SILENT), ready_seconds=0.3)),
            ("not ready within 0.01 s", lambda: gate.hand_over(ready_seconds=0.01)),
            ('unknown key "tunels"', lambda: gate.hand_over(config=str(wrong))),
            ("another program has this port", lambda: gate.hand_over(config=str(taken))),
        )
        base = gate.settled()
        for said, failing in failures:
            reply = failing()
            assert not reply.ok
            assert said in reply.message
            assert "the gate goes on serving as before" in reply.message
            assert_carries(tunnel)
            assert ask(gate, REFUSED).status == 403
            spin_until(lambda: open_things(gate.pid) <= base)
        assert gate.hand_over(drain_seconds=SECONDS).ok
        assert_carries(tunnel)
        tunnel.close()
        gate.await_old_end()


def test_a_stop_ends_all_gates_and_records_what_was_cut(tmp_path: Path, upstream: Upstream) -> None:
    """Also one that drains since the handover before the last."""
    more = "[limits]\ndrain_seconds = 0.2\n"
    with HandedOver(tmp_path, settings(upstream, closed_port(), more)) as gate, open_tunnel(gate) as old:
        assert gate.hand_over(drain_seconds=3600).ok
        with open_tunnel(gate) as newer:
            assert gate.hand_over(drain_seconds=3600).ok
            with open_tunnel(gate) as newest:
                gate.stop()
                assert read_to_break(old) == read_to_break(newer) == read_to_break(newest) == b""
        cut = gate.records(3)

    assert [record["outcome"] for record in cut] == ["cut_by_stop"] * 3


def test_a_stop_during_a_handover_wins(tmp_path: Path, upstream: Upstream) -> None:
    replies: list[Reply] = []
    with HandedOver(tmp_path, settings(upstream, closed_port())) as gate:
        asking = threading.Thread(target=lambda: replies.append(gate.hand_over(program=program(tmp_path, SILENT))))
        asking.start()
        spin_until((tmp_path / "started").exists)
        gate.stop()
        asking.join()

    assert [reply.message for reply in replies] == ["refused: the gate is stopping"]


def test_the_service_manager_follows_the_new_process(tmp_path: Path, upstream: Upstream) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(SECONDS)
        manager.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "10000000"}
        with HandedOver(tmp_path, settings(upstream, closed_port()), environment=environment) as gate:
            old = gate.pid
            assert gate.hand_over().ok
            gate.await_old_end()
            said = [notification(manager)]
            while said[-1] != (gate.pid, "READY=1"):
                said.append(notification(manager))

    others = [(pid, line) for pid, line in said if line != "WATCHDOG=1"]
    assert others == [(old, "READY=1"), (old, f"MAINPID={gate.pid}"), (gate.pid, "READY=1")]


def notification(manager: socket.socket) -> tuple[int, str]:
    """The sender and the first line of the next notification."""
    data, ancillary, _, _ = manager.recvmsg(4096, 1024)
    (credentials,) = [value for _, kind, value in ancillary if kind == socket.SCM_CREDENTIALS]
    return int.from_bytes(credentials[:4], sys.byteorder), data.decode().splitlines()[0]
