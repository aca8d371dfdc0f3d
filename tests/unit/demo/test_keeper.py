"""The keeper: whatever ends the demo, its processes and its folder go."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from licensegate.demo import keeper
from support.upstream import SECONDS

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
WILLING = "import time; print(flush=True); time.sleep(600)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as the demo makes it, with a file."""
    made = tmp_path / "demo"
    made.mkdir()
    (made / "parent.secret").write_text("secret")
    return made


def started(program: str) -> "subprocess.Popen[bytes]":
    """A process in a group of its own, which has begun."""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process


@pytest.fixture
def keeping(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A running keeper of the folder."""
    command = (sys.executable, "-P", "-m", "licensegate.demo.keeper", str(folder))
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        yield process


def test_the_end_of_its_input_ends_processes_and_folder(keeping: "subprocess.Popen[bytes]", folder: Path) -> None:
    part = started(WILLING)
    assert keeping.stdin is not None
    keeping.stdin.write(b"%d\n" % part.pid)
    keeping.stdin.flush()
    assert folder.exists()
    assert part.poll() is None

    keeping.stdin.close()

    assert part.wait(SECONDS) == -signal.SIGTERM
    assert keeping.wait(SECONDS) == 0
    assert not folder.exists()


def test_what_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "_PATIENCE", 0.0)
    part = started(STUBBORN)

    keeper.end([part.pid])

    assert part.wait(SECONDS) == -signal.SIGKILL


def test_a_group_that_has_ended_is_not_signalled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signalled = []
    monkeypatch.setattr(os, "killpg", lambda group, number: signalled.append(group))
    monkeypatch.setattr(keeper, "_PATIENCE", 0.0)
    reads, writes = os.pipe()
    with os.fdopen(writes, "wb") as told:
        told.write(b"41\n42\n-41\n")
    with os.fdopen(reads, "rb") as groups:
        keeper.keep(str(folder), groups)

    assert set(signalled) == {42}
    assert not folder.exists()
