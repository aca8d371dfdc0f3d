"""Whether the files that the settings name are there: certificates, keys, passwords.

What is in them is for whoever opens them to judge: the gate may be let read a key that an operator who checks its
settings may not, so what cannot be read for want of permission passes here.
"""

import os
import stat
from pathlib import Path
from typing import Final

_MOST_BYTES: Final = 1_048_576  # of what was perhaps named by mistake
_KEY: Final = b"PRIVATE KEY-----"  # ends the first line of each kind of key, RFC 7468 sections 10 and 11


def missing(path: Path) -> str:
    """Why `path` cannot be a file to read; empty if it can be one."""
    try:
        return "" if stat.S_ISREG(path.stat().st_mode) else "not a file"
    except PermissionError:
        return ""
    except OSError as error:
        return os.strerror(error.errno) if error.errno else str(error)


def holds_private_key(path: Path) -> bool:
    """Whether there is a private key in a PEM file, as far as it may be read."""
    try:
        with path.open("rb") as file:
            return _KEY in file.read(_MOST_BYTES)
    except OSError:
        return True


def others_may_read(path: Path) -> bool:
    """Whether everybody on this machine may read the file."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
