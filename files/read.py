"""Files that the settings name: read whole, but never more than such a file can be."""

import errno
from pathlib import Path


def read_whole(path: Path, at_most: int) -> bytes:
    """The content of a file of at most so many bytes. Raises OSError, for a larger one too: its `strerror` says so.

    Reading on would only fill memory with whatever was named by mistake, `/dev/zero` for instance.
    """
    with path.open("rb") as file:
        content = file.read(at_most + 1)
    if len(content) > at_most:
        raise OSError(errno.EFBIG, f"it is larger than such a file may be ({at_most} bytes)")
    return content
