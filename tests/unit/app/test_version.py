"""The version names the git revision where it can be known, and never fails for want of one."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from licensegate.app import version


@pytest.fixture(autouse=True)
def forget_revision() -> Iterator[None]:
    version.revision.cache_clear()
    yield
    version.revision.cache_clear()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of the checkout that this runs from, without a history."""
    monkeypatch.setattr(version, "_ROOT", tmp_path)
    return tmp_path


def commit(folder: Path) -> str:
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.net"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "first"], check=True)
    done = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return done.stdout[:12]


def test_revision_of_a_checkout_is_read_from_git(checkout: Path) -> None:
    revision = commit(checkout)

    assert version.full_version() == f"{version.VERSION} ({revision})"


def test_revision_written_into_a_wheel_wins(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(checkout)
    monkeypatch.setitem(sys.modules, "licensegate.app._revision", SimpleNamespace(REVISION="0123456789ab"))

    assert version.revision() == "0123456789ab"


@pytest.mark.parametrize("path", ["", "/nowhere"])
def test_unknown_revision_is_left_out(checkout: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    assert version.full_version() == version.VERSION, "no history"

    version.revision.cache_clear()
    (checkout / ".git").mkdir()
    monkeypatch.setenv("PATH", path)
    assert version.full_version() == version.VERSION, "no git, or a history that it cannot read"
