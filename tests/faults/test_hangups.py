"""Many reloads at once, each with many users to read: they are few in the end, and tunnels go on meanwhile."""

import signal
from pathlib import Path

from support.gate import ANYTHING, COMMAND, Gate, cisco_at
from support.programs import run
from support.raw_client import assert_carries, open_tunnel
from support.upstream import Upstream, echo

USERS = 14_000
SIGNALS = 200
BCRYPT = "$2y$05$" + "a" * 53


def test_many_hangups_with_many_users_become_few_reloads(tmp_path: Path) -> None:
    (tmp_path / "users.htpasswd").write_text("".join(f"u{number:05}:{BCRYPT}\n" for number in range(USERS)))
    more = '[auth]\nhtpasswd = "users.htpasswd"\n[state]\ndirectory = "."\n' + ANYTHING
    with Upstream(echo) as upstream, Gate(tmp_path, cisco_at(upstream.port, more=more)) as gate:
        with open_tunnel(gate) as before:
            for _ in range(SIGNALS):
                gate.send(signal.SIGHUP)
            with open_tunnel(gate) as after:
                assert_carries(before, after)
        asked = run(COMMAND, "reload", "--config", gate.settings)  # a reload of its own, after all others
        gate.stop()

    reloads = [line for line in gate.stderr if "reload requested by " in line]
    assert asked.returncode == 0
    assert "refused" not in "".join(reloads)
    assert 2 <= len(reloads) < SIGNALS / 4


def test_a_gate_stops_while_reloads_wait(tmp_path: Path) -> None:
    (tmp_path / "users.htpasswd").write_text("".join(f"u{number:05}:{BCRYPT}\n" for number in range(USERS)))
    with Gate(tmp_path, cisco_at(9, more='[auth]\nhtpasswd = "users.htpasswd"\n')) as gate:
        for _ in range(SIGNALS):
            gate.send(signal.SIGHUP)
        gate.stop()

    assert "tunnels were cut" in gate.stderr[-1]
