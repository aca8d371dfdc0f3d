"""A pipe where the gate expects a file: the error names it, nothing waits for it, and what was read before stays."""

import os
import signal
from pathlib import Path

import pytest

from support.authority import Authority
from support.certificates import issue
from support.gate import ANYTHING, COMMAND, Gate, GateEndedError, cisco_at, gate_settings
from support.logins import htpasswd_line, write_user_files
from support.programs import run
from support.raw_client import assert_carries, open_tunnel
from support.upstream import Upstream, echo

KIND = "it is a named pipe, not a regular file"
SETTINGS = """
[tls]
certificate = "gate.pem"
key = "gate.key"
[auth]
htpasswd = "users.htpasswd"
htdigest = "users.htdigest"
client_ca = "ca.pem"
nonce_key_file = "nonce.key"
"""
TOKEN = 'token_file = "token"\n'
WATCHED = ("gate.pem", "gate.key", "ca.pem", "users.htpasswd", "users.htdigest")
READ_AT_A_RELOAD = (*WATCHED, "nonce.key", "token", "licensegate.toml")


def write_files(folder: Path, authority: Authority) -> None:
    issue().write(folder)
    write_user_files(folder)
    (folder / "users.htpasswd").write_text(htpasswd_line("cucm"))
    (folder / "ca.pem").write_bytes(authority.root.read_bytes())
    for name in ("nonce.key", "token"):
        (folder / name).write_text("ab" * 32)


def settings(port: int) -> str:
    usual = cisco_at(port, more=SETTINGS + ANYTHING, admin="127.0.0.1:0")
    return usual.replace('listen = "127.0.0.1:0"\n', f'listen = "127.0.0.1:0"\n{TOKEN}')


def put_pipe_in_place_of(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def test_tunnels_go_on_when_each_watched_file_became_a_pipe(tmp_path: Path, authority: Authority) -> None:
    write_files(tmp_path, authority)
    with Upstream(echo) as upstream, Gate(tmp_path, settings(upstream.port)) as gate, open_tunnel(gate) as before:
        for name in WATCHED:
            content = (tmp_path / name).read_bytes()
            put_pipe_in_place_of(tmp_path / name)
            assert f"{name}: {KIND}" in gate.await_line("in force stay")
            assert_carries(before, open_tunnel(gate))
            (tmp_path / name).unlink()
            (tmp_path / name).write_bytes(content)


def test_a_reload_names_the_pipe_and_changes_nothing(tmp_path: Path, authority: Authority) -> None:
    write_files(tmp_path, authority)
    with Upstream(echo) as upstream, Gate(tmp_path, settings(upstream.port)) as gate, open_tunnel(gate) as before:
        for name in READ_AT_A_RELOAD:
            content = (tmp_path / name).read_bytes()
            put_pipe_in_place_of(tmp_path / name)
            gate.send(signal.SIGHUP)
            line = gate.await_line("reload requested by SIGHUP refused")
            assert f"{name}: {KIND}" in line
            assert_carries(before, open_tunnel(gate))
            (tmp_path / name).unlink()
            (tmp_path / name).write_bytes(content)


def test_a_gate_ends_on_sigterm_when_a_file_became_a_pipe(tmp_path: Path, authority: Authority) -> None:
    write_files(tmp_path, authority)
    with Gate(tmp_path, settings(9)) as gate:
        put_pipe_in_place_of(tmp_path / "users.htpasswd")
        gate.await_line(KIND)
        gate.stop()

    assert [line for line in gate.stderr if KIND in line]


@pytest.mark.parametrize("name", READ_AT_A_RELOAD)
def test_a_pipe_at_the_start_is_named_and_ends_the_gate(tmp_path: Path, authority: Authority, name: str) -> None:
    write_files(tmp_path, authority)
    gate = Gate(tmp_path, settings(9))
    put_pipe_in_place_of(tmp_path / name)

    with pytest.raises(GateEndedError) as ended, gate:
        pass

    assert f"{name}: {KIND}" in str(ended.value)


@pytest.mark.parametrize("key", ["ca", "password_file"])
def test_check_names_a_pipe_of_a_parent_proxy(tmp_path: Path, key: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    login = 'username = "svc"\n' if key == "password_file" else ""
    (tmp_path / "gate.toml").write_text(
        gate_settings(more=f'[[parent]]\nurl = "https://proxy.test:3128"\n{login}{key} = "pipe"\n')
    )

    done = run(COMMAND, "check", tmp_path / "gate.toml")

    assert done.returncode == 2
    assert KIND in done.stderr
