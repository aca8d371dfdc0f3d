"""Which LicenseGate this is: the version of pyproject.toml, and the git revision it was built or runs from."""

import subprocess
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[1]
_GIT_SECONDS: Final = 2.0

VERSION: Final = installed_version("licensegate")


@lru_cache(maxsize=1)
def revision() -> str:
    """The revision: from the wheel, where it was written when that was built, else from the checkout; "" if unknown."""
    try:
        return str(import_module("licensegate.app._revision").REVISION)  # written by scripts/wheelhouse.sh
    except ImportError:
        return _revision_of_checkout()


def full_version() -> str:
    """Version and revision, as in `0.1.0 (3ee587f)`."""
    short = revision()
    return f"{VERSION} ({short})" if short else VERSION


def _revision_of_checkout() -> str:
    if not (_ROOT / ".git").exists():  # installed from a wheel, or a checkout without its history
        return ""
    command = ("git", "-C", str(_ROOT), "describe", "--always", "--dirty", "--abbrev=12", "--exclude", "*")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_SECONDS, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
