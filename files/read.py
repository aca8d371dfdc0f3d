"""Reads a whole file, up to a size limit."""

import errno
from pathlib import Path


def read_whole(path: Path, at_most: int) -> bytes:
    """Return the content of a file of at most `at_most` bytes. Raises OSError, with EFBIG for a larger file.

    The limit keeps a file named by mistake, such as `/dev/zero`, from filling the memory.
    """
    with path.open("rb") as file:
        content = file.read(at_most + 1)
    if len(content) > at_most:
        raise OSError(errno.EFBIG, f"it is larger than such a file may be ({at_most} bytes)")
    return content
