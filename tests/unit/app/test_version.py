"""The version names the git revision if there is one, and never fails without it."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from licensegate.app import version
from support.requirements import require_command

ROOT = Path(__file__).resolve().parents[3]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = {Path(folder).parts[0] for folder in PYPROJECT["tool"]["setuptools"]["package-dir"].values()}
SOURCES = (*sorted(FOLDERS), "deploy", "pyproject.toml", "setup.py", "README.md", "LICENSE")


@pytest.fixture(autouse=True)
def forget_revision() -> Iterator[None]:
    version.revision.cache_clear()
    yield
    version.revision.cache_clear()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a git history, used instead of this checkout."""
    require_command("git", "git")
    monkeypatch.setattr(version, "_ROOT", tmp_path)
    return tmp_path


def commit(folder: Path) -> str:
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.net"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "first"], check=True)
    done = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return done.stdout[:12]


def build_wheel(source: Path, into: Path) -> zipfile.ZipFile:
    """The wheel of the project in this folder."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    done = subprocess.run([*command, "--wheel-dir", into, source], cwd=into, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = into.glob("licensegate-*.whl")
    return zipfile.ZipFile(wheel)


def test_version_is_that_of_pyproject() -> None:
    assert version.version() == PYPROJECT["project"]["version"]


def test_revision_of_a_checkout_is_read_from_git(checkout: Path) -> None:
    revision = commit(checkout)

    assert version.full_version() == f"{version.version()} ({revision})"


def test_uncommitted_changes_are_named_in_the_revision(checkout: Path) -> None:
    (checkout / "file").write_text("one")
    subprocess.run(["git", "-C", str(checkout), "init", "--quiet"], check=True)
    subprocess.run(["git", "-C", str(checkout), "add", "file"], check=True)
    revision = commit(checkout)
    (checkout / "file").write_text("two")

    assert version.revision() == f"{revision}-dirty"


def test_folder_inside_another_checkout_has_no_revision(checkout: Path) -> None:
    commit(checkout)
    (checkout / "inside").mkdir()

    assert version.checkout_revision(checkout / "inside") == ""


def test_revision_written_into_a_wheel_wins(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(checkout)
    (checkout / "revision.txt").write_text("0123456789ab\n")
    monkeypatch.setattr(version, "REVISION_FILE", checkout / "revision.txt")

    assert version.revision() == "0123456789ab"


def test_wheel_holds_the_revision_only_where_it_is_known(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for name in SOURCES:
        (checkout / name).symlink_to(ROOT / name)
    revision = commit(checkout)
    (checkout / ".git" / "info" / "exclude").write_text("*\n")

    with build_wheel(checkout, tmp_path_factory.mktemp("known")) as wheel:
        assert wheel.read("licensegate/app/revision.txt").decode() == f"{revision}\n"

    shutil.rmtree(checkout / ".git")
    with build_wheel(checkout, tmp_path_factory.mktemp("unknown")) as wheel:
        assert "licensegate/app/version.py" in wheel.namelist()
        assert "licensegate/app/revision.txt" not in wheel.namelist()


@pytest.mark.parametrize("path", ["", "/nowhere"])
def test_unknown_revision_is_left_out(checkout: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    assert version.full_version() == version.version(), "no history"

    version.revision.cache_clear()
    (checkout / ".git").mkdir(exist_ok=True)
    monkeypatch.setenv("PATH", path)
    assert version.full_version() == version.version(), "no git, or a history that it cannot read"
