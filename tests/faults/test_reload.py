"""A reload applies to new tunnels and not to open ones, and is applied completely or not at all."""

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from support.gate import ANYTHING, COMMAND, Gate, gate_settings
from support.licensing_exchange import TARGET
from support.programs import run
from support.raw_client import ask, assert_carries, dial, open_tunnel
from support.upstream import Upstream, closed_port, echo

OTHER = b"CONNECT other.test:443 HTTP/1.1\r\n\r\n"
ALLOW_OTHER = '[[allowlist.rule]]\nhost = "other.test"\n'


def settings(upstream: Upstream, port: int, more: str = "") -> str:
    address = f"127.0.0.1:{upstream.port}"
    state = '[state]\ndirectory = "."\n'
    return gate_settings(f"{TARGET}:{address}", f"other.test:443:{address}", more=state + ANYTHING + more).replace(
        "127.0.0.1:0", f"127.0.0.1:{port}"
    )


def by_signal(gate: Gate) -> str:
    gate.send(signal.SIGHUP)
    return gate.await_line("reload requested by SIGHUP")


def by_command(gate: Gate) -> str:
    run(COMMAND, "reload", "--config", gate.settings)
    return gate.await_line(f"reload requested by uid {os.getuid()}")


@pytest.mark.parametrize("reload", [by_signal, by_command])
def test_a_reload_applies_to_new_tunnels_and_open_ones_go_on(tmp_path: Path, reload: Callable[[Gate], str]) -> None:
    port = closed_port()
    with Upstream(echo) as upstream, Gate(tmp_path, settings(upstream, port)) as gate:
        assert ask(gate, OTHER).status == 403
        with open_tunnel(gate) as before:
            gate.settings.write_text(settings(upstream, port, ALLOW_OTHER))
            said = reload(gate)

            with open_tunnel(gate, OTHER) as after:
                assert_carries(before, after)

        refused, *passed = gate.records(3)

    hashes = {refused["policy"], *(record["policy"] for record in passed)}
    assert len(hashes) == 2
    assert all(digits in said for digits in hashes)
    assert {record["target"]: record["policy"] == refused["policy"] for record in passed} == {
        f"{TARGET}": True,
        "other.test:443": False,
    }


def test_unusable_settings_are_refused_and_the_old_ones_stay(tmp_path: Path) -> None:
    port = closed_port()
    with Upstream(echo) as upstream, Gate(tmp_path, settings(upstream, port)) as gate:
        gate.settings.write_text(settings(upstream, port, ALLOW_OTHER + "\n[limits]\ntunels = 5\n"))
        line = by_signal(gate)
        assert ask(gate, OTHER).status == 403

    assert "refused: the settings in force stay" in line
    assert 'unknown key "tunels"' in line


def test_a_reload_with_an_address_in_use_changes_nothing(tmp_path: Path) -> None:
    port = closed_port()
    with Upstream(echo) as upstream, Gate(tmp_path, settings(upstream, port)) as gate:
        more = f'{ALLOW_OTHER}[[listen]]\naddress = "127.0.0.1:{upstream.port}"\n'
        gate.settings.write_text(settings(upstream, port, more))
        reply = run(COMMAND, "reload", "--config", gate.settings)
        assert ask(gate, OTHER).status == 403

    assert reply.returncode == 1
    assert f"cannot listen on 127.0.0.1:{upstream.port}" in reply.stderr


def test_a_listener_that_stays_keeps_its_socket_while_others_change(tmp_path: Path) -> None:
    stays, goes, comes = closed_port(), closed_port(), closed_port()
    with Upstream(echo) as upstream:
        first = settings(upstream, stays, f'[[listen]]\naddress = "127.0.0.1:{goes}"\n')
        with Gate(tmp_path, first) as gate:
            # The kernel accepts it before the reload, the gate perhaps after it: the socket must be the same.
            waiting = dial(gate)
            gate.settings.write_text(settings(upstream, stays, f'[[listen]]\naddress = "127.0.0.1:{comes}"\n'))
            said = by_signal(gate)

            waiting.sendall(OTHER)
            assert waiting.recv(100).startswith(b"HTTP/1.1 403 ")
            waiting.close()
            socket.create_connection(("127.0.0.1", comes)).close()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", goes))

    listening = said.partition("listening on ")[2]
    assert f"127.0.0.1:{comes}" in listening
    assert f"127.0.0.1:{goes}" not in listening


def test_a_reload_reopens_a_rotated_access_log(tmp_path: Path) -> None:
    port = closed_port()
    with Upstream(echo) as upstream, Gate(tmp_path, settings(upstream, port)) as gate:
        ask(gate, OTHER)
        gate.records(1)
        (tmp_path / "access.jsonl").rename(tmp_path / "access.jsonl.1")
        by_signal(gate)
        ask(gate, OTHER)
        assert len(gate.records(1)) == 1

    assert (tmp_path / "access.jsonl.1").read_text().count("\n") == 1


def test_a_refused_reload_reopens_a_rotated_access_log_too(tmp_path: Path) -> None:
    port = closed_port()
    with Upstream(echo) as upstream, Gate(tmp_path, settings(upstream, port)) as gate:
        (tmp_path / "access.jsonl").rename(tmp_path / "access.jsonl.1")
        gate.settings.write_text("unusable")
        assert "refused: " in by_signal(gate)
        ask(gate, OTHER)
        assert len(gate.records(1)) == 1


def test_a_new_state_folder_has_the_control_socket_after_a_reload(tmp_path: Path) -> None:
    port = closed_port()
    with Upstream(echo) as upstream, Gate(tmp_path, settings(upstream, port)) as gate:
        gate.settings.write_text(settings(upstream, port).replace('directory = "."', 'directory = "state"'))
        too_early = run(COMMAND, "reload", "--config", gate.settings)
        by_signal(gate)
        by_command(gate)

    assert too_early.returncode == 2
    assert "SIGHUP" in too_early.stderr
    assert not list(tmp_path.rglob("control.sock"))


def test_an_access_log_pipe_without_a_reader_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    port = closed_port()
    with Upstream(echo) as upstream, Gate(tmp_path, settings(upstream, port)) as gate, open_tunnel(gate) as tunnel:
        gate.settings.write_text(settings(upstream, port).replace("access.jsonl", "pipe"))
        line = by_signal(gate)
        assert_carries(tunnel)

    assert "this pipe has no reader" in line


def test_the_reload_command_fails_without_a_running_gate(tmp_path: Path) -> None:
    file = tmp_path / "gate.toml"
    file.write_text('[state]\ndirectory = "."\n')
    without_state = tmp_path / "stateless.toml"
    without_state.write_text("")

    not_running = run(COMMAND, "reload", "--config", file)
    stateless = run(COMMAND, "reload", "--config", without_state)

    assert (not_running.returncode, stateless.returncode) == (2, 2)
    assert "is it running?" in not_running.stderr
    assert "SIGHUP" in stateless.stderr


def test_a_stale_control_socket_is_replaced_and_removed_on_stop(tmp_path: Path) -> None:
    left = tmp_path / "control.sock"
    socket.socket(socket.AF_UNIX).bind(str(left))
    port = closed_port()
    with Upstream(echo) as upstream, Gate(tmp_path, settings(upstream, port)) as gate:
        by_command(gate)

    assert not left.exists()
