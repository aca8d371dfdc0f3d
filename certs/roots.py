"""Roots that the certificate of a server is verified by."""

import ssl
from pathlib import Path

from licensegate.files.memory_file import memory_file
from licensegate.files.read import read_whole

from .pem import MAX_PEM_BYTES


def roots_context(file: Path | None) -> ssl.SSLContext:
    """Return a context for clients that trusts the roots in a PEM file, or the system's without a file.

    Raises OSError; an ssl.SSLError if the file holds no certificate.
    """
    if file is None:
        return ssl.create_default_context()
    with memory_file(read_whole(file, MAX_PEM_BYTES)) as path:
        return ssl.create_default_context(cafile=path)
