"""tinyproxy as the parent, which answers 407 to a missing login and 401 to a wrong one."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.gate import Gate
from support.gate_with_parents import assert_posted_through, parent_gate_settings, parent_with_login
from support.licensing_exchange import TARGET
from support.standin import StandIn
from support.tinyproxy import Tinyproxy

Post = Callable[[Gate], subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("auth", ["auto", "basic"])
def test_a_wrong_password_is_sent_once_and_a_right_one_opens(
    tmp_path: Path, post: Post, standin: StandIn, secret: Path, auth: str
) -> None:
    with Tinyproxy(tmp_path) as parent:
        secret.write_text("wrong\n")
        table = parent_with_login(f"http://127.0.0.1:{parent.port}", auth)
        to_standin = (f"{TARGET}:127.0.0.1:{standin.port}",)
        with Gate(tmp_path, parent_gate_settings(table, connect_to=to_standin)) as gate:
            for _ in range(3):
                assert post(gate).stdout.startswith("HTTP/1.1 502 parent_login_refused: ")
            assert parent.log.count("Failed auth attempt") <= 1
            gate.await_line("was refused")
            assert sum("was refused" in line for line in gate.stderr) == 1
            assert gate.records(3)[0]["parent_status"] == 401

            secret.write_text(f"{parent.password}\n")
            done = post(gate)
            assert done.returncode == 0, done.stderr
            gate.records(4)
            assert_posted_through(gate, standin, login="basic")
