"""Checks of the files that the settings name: certificates, keys, passwords.

The gate may have permission to read a key that an operator who runs `licensegate check` has not, so a file without
read permission passes. The content is checked when the file is opened for use.
"""

import os
import stat
from pathlib import Path
from typing import Final

from licensegate.certs.pem import MAX_PEM_BYTES
from licensegate.files.read import not_regular, read_whole

_KEY: Final = b"PRIVATE KEY-----"  # ends the first line of each kind of key, RFC 7468 sections 10 and 11


def missing(path: Path) -> str:
    """Why `path` is not a file to read; empty if it is, or may be."""
    try:
        return not_regular(path.stat().st_mode)
    except PermissionError:
        return ""
    except OSError as error:
        return os.strerror(error.errno) if error.errno else str(error)


def holds_private_key(path: Path) -> bool:
    """Whether a PEM file has a private key; True if the file may not be read."""
    try:
        return _KEY in read_whole(path, MAX_PEM_BYTES)
    except OSError:
        return True


def others_may_read(path: Path) -> bool:
    """Whether everybody on this machine may read the file."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
