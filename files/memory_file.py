"""Files in memory, for libraries that take only a path, where the gate has read the file already."""

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def memory_file(content: bytes) -> Iterator[str]:
    """Write the content to a file in memory and yield its path, which is valid inside the block."""
    descriptor = os.memfd_create("content", os.MFD_CLOEXEC)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        yield f"/proc/self/fd/{descriptor}"
