"""A network mount that stops answering costs nothing but the freshness of what is on it."""

import os
import signal
import socket
import subprocess
from pathlib import Path

from support.certificates import issue
from support.gate import ANYTHING, COMMAND, Gate, cisco_at, gate_settings
from support.hanging_mount import hanging_mount
from support.logins import htpasswd_line
from support.raw_client import assert_carries, open_tunnel
from support.sockets import spin_until
from support.upstream import Upstream, echo

SETTINGS = """
[tls]
certificate = "gate.pem"
key = "gate.key"
[auth]
htpasswd = "mount/users.htpasswd"
"""


def test_a_hanging_mount_stops_no_tunnel_no_renewal_and_no_stop(tmp_path: Path) -> None:
    issue().write(tmp_path)
    users = {"users.htpasswd": htpasswd_line("cucm").encode()}
    with (
        hanging_mount(tmp_path / "mount", users) as mount,
        Upstream(echo) as upstream,
        Gate(tmp_path, cisco_at(upstream.port, more=SETTINGS + ANYTHING)) as gate,
    ):
        before = open_tunnel(gate)
        mount.hang()
        assert mount.waits.wait(20)
        issue().write(tmp_path)
        gate.await_line("a new certificate is in force")
        gate.await_line("the users in force stay: the files have not been read for 10 s")
        still_serves(gate, before)
        threads = Path(f"/proc/{gate.pid}/task")
        count = len(list(threads.iterdir()))
        for _ in range(5):
            gate.send(signal.SIGHUP)
        assert "does a network mount hang?" in gate.await_line("reload requested by SIGHUP refused")
        assert len(list(threads.iterdir())) <= count + 2  # five hangups are at most two reloads
        mount.answer()
        gate.await_line("the files of the users can be read again")
        mount.hang()
        assert mount.waits.wait(20)
        before.close()
        gate.stop()


def still_serves(gate: Gate, before: socket.socket) -> None:
    """Assert that open and new tunnels carry bytes."""
    with open_tunnel(gate) as after:
        assert_carries(before, after)


def test_a_reload_gets_away_from_a_mount_that_hangs(tmp_path: Path) -> None:
    users = htpasswd_line("cucm").encode()
    (tmp_path / "users.htpasswd").write_bytes(users)
    optional = "[auth]\nrequired = false\nhtpasswd = "
    with (
        hanging_mount(tmp_path / "mount", {"users.htpasswd": users}) as mount,
        Upstream(echo) as upstream,
        Gate(tmp_path, cisco_at(upstream.port, more=f'{optional}"mount/users.htpasswd"\n{ANYTHING}')) as gate,
        open_tunnel(gate) as before,
    ):
        mount.hang()
        gate.send(signal.SIGHUP)
        assert "does a network mount hang?" in gate.await_line("reload requested by SIGHUP refused")
        gate.settings.write_text(cisco_at(upstream.port, more=f'{optional}"users.htpasswd"\n{ANYTHING}'))
        gate.send(signal.SIGHUP)
        assert "auth.htpasswd from" in gate.await_line("reload requested by SIGHUP")
        still_serves(gate, before)
        mount.answer()


def test_an_access_log_on_a_mount_that_hangs_stops_no_tunnel(tmp_path: Path) -> None:
    with (
        hanging_mount(tmp_path / "mount", {"access.jsonl": b""}) as mount,
        Upstream(echo) as upstream,
        Gate(tmp_path, cisco_at(upstream.port, more=ANYTHING).replace("access.jsonl", "mount/access.jsonl")) as gate,
        open_tunnel(gate) as before,
    ):
        mount.hang()
        gate.send(signal.SIGHUP)
        assert mount.waits.wait(20)
        still_serves(gate, before)
        assert "does a network mount hang?" in gate.await_line("reload requested by SIGHUP refused")
        assert "mount/access.jsonl has not been opened" in gate.await_line("the logs were not reopened")
        still_serves(gate, before)
        mount.answer()
        gate.send(signal.SIGHUP)
        assert "nothing has changed" in gate.await_line("reload requested by SIGHUP")
        spin_until(lambda: len(links_to(tmp_path / "mount/access.jsonl", gate)) == 1)


def test_a_gate_whose_access_log_hangs_at_the_start_can_be_stopped(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(gate_settings().replace("access.jsonl", "mount/access.jsonl"))
    with hanging_mount(tmp_path / "mount", {"access.jsonl": b""}) as mount:
        assert (mount.folder / "access.jsonl").stat().st_size == 0  # it is mounted
        mount.hang()
        command: list[str | Path] = [COMMAND, "serve", "--config", tmp_path / "gate.toml"]
        # Counting coverage would handle the signal itself, once the mount lets it.
        uncounted = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
        with subprocess.Popen(command, cwd=tmp_path, env=uncounted) as gate:
            assert mount.waits.wait(20)
            gate.terminate()

    assert gate.returncode in (0, -signal.SIGTERM), "the settings are checked before the signal is handled"


def test_a_control_socket_on_a_mount_that_hangs_stops_nothing(tmp_path: Path) -> None:
    issue().write(tmp_path)
    state = '[state]\ndirectory = "mount"\n[tls]\ncertificate = "gate.pem"\nkey = "gate.key"\n'
    with (
        hanging_mount(tmp_path / "mount", {}) as mount,
        Upstream(echo) as upstream,
        Gate(tmp_path, cisco_at(upstream.port, more=state + ANYTHING)) as gate,
        open_tunnel(gate) as before,
    ):
        mount.hang()
        gate.send(signal.SIGHUP)
        assert mount.waits.wait(20)
        still_serves(gate, before)
        assert "mount/control.sock: it takes too long" in gate.await_line("cannot make the control socket")
        still_serves(gate, before)


def links_to(file: Path, gate: Gate) -> list[Path]:
    """The gate's descriptors that are open on this file."""
    descriptors = Path(f"/proc/{gate.pid}/fd").iterdir()
    return [descriptor for descriptor in descriptors if os.path.realpath(descriptor) == str(file)]
