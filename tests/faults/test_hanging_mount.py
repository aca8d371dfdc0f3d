"""A network mount that stops answering costs nothing but the freshness of what is on it."""

import signal
from pathlib import Path

from support.certificates import issue
from support.gate import ANYTHING, Gate, cisco_at
from support.hanging_mount import hanging_mount
from support.logins import htpasswd_line
from support.raw_client import open_tunnel
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
        for tunnel in (before, open_tunnel(gate)):
            tunnel.sendall(b"still here")
            assert tunnel.recv(100) == b"still here"
        threads = Path(f"/proc/{gate.pid}/task")
        count = len(list(threads.iterdir()))
        for _ in range(5):
            gate.send(signal.SIGHUP)
        assert "does a network mount hang?" in gate.await_line("reload requested by SIGHUP refused")
        assert len(list(threads.iterdir())) <= count + 1
        mount.answer()
        gate.await_line("the files of the users can be read again")
        mount.hang()
        assert mount.waits.wait(20)
        before.close()
        gate.stop()
