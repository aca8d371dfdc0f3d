"""proxy.py as the parent, with Basic."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.gate import Gate
from support.gate_with_parents import assert_posted_through, parent_gate_settings, parent_with_login
from support.licensing_exchange import HOST
from support.standin import StandIn
from support.upstream import SECONDS, closed_port

Post = Callable[[Gate], subprocess.CompletedProcess[str]]

USER, PASSWORD = "svc", "correct-horse"


@pytest.fixture
def parent() -> Iterator[int]:
    """The port of a proxy.py that wants a login."""
    port = closed_port()
    command = Path(sys.executable).with_name("proxy")
    process = subprocess.Popen(
        [command, "--hostname", "127.0.0.1", "--port", str(port), "--basic-auth", f"{USER}:{PASSWORD}",
         "--num-workers", "1", "--num-acceptors", "1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + SECONDS
    while True:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            break
        assert process.poll() is None, "proxy.py ended"
        assert time.monotonic() < deadline, "proxy.py never came up"
        time.sleep(0.05)
    yield port
    process.terminate()
    process.wait(SECONDS)


def settings(parent: int, standin: StandIn, auth: str) -> str:
    """Settings that ask proxy.py, which cannot redirect a target, for the stand-in's address."""
    return parent_gate_settings(
        parent_with_login(f"http://127.0.0.1:{parent}", auth, USER),
        connect_to=(f"{HOST}:443:127.0.0.1:{standin.port}",),
    )


@pytest.mark.parametrize("auth", ["basic", "auto"])
def test_the_gate_logs_in_for_a_client_that_cannot(
    tmp_path: Path, post: Post, standin: StandIn, parent: int, auth: str
) -> None:
    (tmp_path / "parent.secret").write_text(PASSWORD)
    with Gate(tmp_path, settings(parent, standin, auth)) as gate:
        done = post(gate)

        assert done.returncode == 0, done.stderr
        assert_posted_through(gate, standin, login="basic")


def test_a_wrong_password_is_reported(tmp_path: Path, post: Post, standin: StandIn, parent: int) -> None:
    (tmp_path / "parent.secret").write_text("wrong")
    with Gate(tmp_path, settings(parent, standin, "basic")) as gate:
        for _ in range(2):
            assert post(gate).stdout.startswith("HTTP/1.1 502 parent_login_refused: ")
        assert standin.connections == 0
