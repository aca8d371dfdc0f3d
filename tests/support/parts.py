"""What a test needs beside Python, and a loud skip where it is missing.

A skip that nobody reads hides a client that was never tried. So its reason names the Debian package, the end of the run
lists every one (`tests/conftest.py`), and where `CI=true` a missing part is a failure.
"""

import importlib
import os
import shutil
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

NOT_TRIED = "NOT TRIED"
"""How the reason of every such skip begins."""


def require_command(name: str, package: str) -> str:
    """The path of a command; `package` is the Debian package that brings it."""
    return shutil.which(name) or missing(f"the command {name}", package)


def require_file(path: Path, package: str) -> Path:
    """A file or folder of the system; `package` is the Debian package that brings it."""
    return path if path.exists() else missing(str(path), package)


def require_module(name: str, package: str) -> ModuleType:
    """An importable module; `package` is the Python package that brings it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        missing(f"the module {name}", package)


def missing(part: str, package: str) -> NoReturn:
    """Skip the test, or fail it where nothing may be missing."""
    reason = f"{NOT_TRIED}: {part} is missing; install {package}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
