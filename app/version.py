"""The version in pyproject.toml, and the git revision that the program was built or runs from.

A wheel, and so an image, carries its revision in `revision.txt` beside this file: `setup.py` writes it. A checkout is
asked with git. `setup.py` runs this file on its own, so it imports the standard library only.
"""

import os
import subprocess
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Final

REVISION_FILE: Final = Path(__file__).with_name("revision.txt")
_ROOT: Final = Path(__file__).resolve().parents[1]
_GIT_SECONDS: Final = 2.0
_DESCRIBE: Final = ("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")


def version() -> str:
    """The version of the installed package."""
    return metadata.version("licensegate")


@lru_cache(maxsize=1)
def revision() -> str:
    """The abbreviated commit, with `-dirty` for changes on top; "" if unknown. The first call may start git."""
    try:
        return REVISION_FILE.read_text(encoding="utf-8").strip()
    except OSError:
        return checkout_revision(_ROOT)


def full_version() -> str:
    """Version and revision, as in `0.1.0 (3ee587f0a1b2)`."""
    short = revision()
    return f"{version()} ({short})" if short else version()


def checkout_revision(root: Path) -> str:
    """The revision of the checkout with this root; "" if it is not a checkout, or git is missing or fails."""
    if not (root / ".git").exists():  # git would search the folders above
        return ""
    environ = os.environ | {"GIT_OPTIONAL_LOCKS": "0"}  # write nothing, and wait for no other git
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            _DESCRIBE, cwd=root, env=environ, capture_output=True, text=True, timeout=_GIT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
