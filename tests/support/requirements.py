"""Programs and files that tests need beside Python. A test is skipped, visibly, where one is missing.

The skip's reason names the remedy, the end of the run lists all reasons (`tests/conftest.py`), and with `CI=true` a
missing part fails the test.
"""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

NOT_TRIED = "NOT TRIED"
"""The prefix of every such skip's reason."""


def require_command(name: str, package: str) -> str:
    """The path of a command from the Debian package `package`."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"  # an ordinary user's PATH has no daemons
    return shutil.which(name, path=path) or missing(f"the command {name}", f"install the Debian package {package}")


def require_file(path: Path, package: str) -> Path:
    """A file or folder of the system from the Debian package `package`."""
    return path if path.exists() else missing(str(path), f"install the Debian package {package}")


def missing(part: str, remedy: str) -> NoReturn:
    """Skip the test, or fail it with `CI=true`."""
    reason = f"{NOT_TRIED}: {part} is missing; {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
