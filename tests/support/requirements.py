"""What a test needs beside Python, and a loud skip where it is missing.

A skip that nobody reads hides a client that was never tried. So its reason names the remedy, the end of the run lists
every one (`tests/conftest.py`), and where `CI=true` a missing part is a failure.
"""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

NOT_TRIED = "NOT TRIED"
"""How the reason of every such skip begins."""


def require_command(name: str, package: str) -> str:
    """The path of a command; `package` is the Debian package that brings it."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"  # daemons are not on an ordinary user's
    return shutil.which(name, path=path) or missing(f"the command {name}", f"install the Debian package {package}")


def require_file(path: Path, package: str) -> Path:
    """A file or folder of the system; `package` is the Debian package that brings it."""
    return path if path.exists() else missing(str(path), f"install the Debian package {package}")


def missing(part: str, remedy: str) -> NoReturn:
    """Skip the test, or fail it where nothing may be missing."""
    reason = f"{NOT_TRIED}: {part} is missing; {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
