"""Reads a whole file that the settings name: a regular file, up to a size limit, without waiting for a writer."""

import errno
import os
import stat
from pathlib import Path
from typing import Final

_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK  # opening a pipe would wait for its writer
_KINDS: Final = {
    stat.S_IFDIR: "directory",
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


def read_whole(path: Path, at_most: int) -> bytes:
    """Return the content of a regular file of at most `at_most` bytes; links are followed.

    Raises OSError: EFBIG for a larger file, EINVAL for a pipe, a device or anything else that is not a regular file.
    """
    descriptor = _open(path)
    try:
        if fault := not_regular(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, fault)
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(at_most + 1)
    finally:
        os.close(descriptor)
    if len(content) > at_most:
        raise OSError(errno.EFBIG, f"it is larger than such a file may be ({at_most} bytes)")
    return content


def not_regular(mode: int) -> str:
    """What a file of this mode (`st_mode`) is instead of a regular file; empty for a regular file."""
    if stat.S_ISREG(mode):
        return ""
    return f"it is a {_KINDS.get(stat.S_IFMT(mode), 'special file')}, not a regular file"


def _open(path: Path) -> int:
    try:
        return os.open(path, _FLAGS)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            raise OSError(errno.EINVAL, not_regular(os.stat(path).st_mode)) from None
        raise
