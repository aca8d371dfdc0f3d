"""What a test needs to look at files as another user."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from stat import S_IXOTH

import pytest

from support.gate import COMMAND
from support.requirements import NOT_TRIED, missing


def require_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the test where `--user` is impossible. Not counted for coverage: that user may not write our counts."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    if os.geteuid() != 0:
        missing("root", "run this test as root, to look as another user")
    if not all(folder.stat().st_mode & S_IXOTH for folder in COMMAND.parents):
        pytest.skip(f"{NOT_TRIED}: another user may not read this checkout; put it outside /root")


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter. pytest's own are closed to others, and any run of it closes them again."""
    with tempfile.TemporaryDirectory(prefix="licensegate-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
