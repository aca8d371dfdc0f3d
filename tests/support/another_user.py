"""What a test needs to look at files as another user."""

import os
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


def open_to_others(folder: Path) -> None:
    """Let every user enter the folders above a test's files."""
    for each in (folder, *folder.parents):
        if each.stat().st_uid == os.getuid() and each != Path("/tmp"):
            each.chmod(each.stat().st_mode | 0o055)
