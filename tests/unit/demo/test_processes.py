"""The folder of the demo, and its processes, which may be missing."""

import subprocess
from pathlib import Path

import pytest

from licensegate.demo import processes
from licensegate.demo.processes import Processes, new_folder
from licensegate.demo.stop_signals import StopSignals


def test_the_folder_is_for_its_user_alone(tmp_path: Path) -> None:
    short = Path("/tmp") / tmp_path.name
    short.mkdir()
    made = new_folder(str(short))
    mode = made.stat().st_mode & 0o777
    made.rmdir()
    short.rmdir()

    assert (made.parent, mode) == (short, 0o700)


def test_a_path_too_long_for_a_socket_is_left(tmp_path: Path) -> None:
    made = new_folder(str(tmp_path / ("long-" * 20)))
    made.rmdir()

    assert made.parent == Path("/tmp")


def test_without_a_keeper_no_folder_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refused(*_: object, **__: object) -> None:
        raise BlockingIOError("no more processes")

    folder = tmp_path / "demo"
    folder.mkdir()
    monkeypatch.setattr(processes, "new_folder", lambda parent: folder)
    monkeypatch.setattr(subprocess, "Popen", refused)

    with pytest.raises(BlockingIOError):
        Processes(StopSignals())
    assert not folder.exists()
