"""Roots that the certificate of a server is verified by."""

import ssl
from pathlib import Path

from licensegate.files.memory_file import memory_file
from licensegate.files.read import read_whole

from .pem import MAX_PEM_BYTES


def roots_context(file: Path | None) -> ssl.SSLContext:
    """Return a context for clients that trusts the roots in a PEM file, or the system's without a file.

    A certificate in the file is trusted though it is no root, and those of appliances need not be strict RFC 5280: as
    curl does, and alike with every Python. Raises OSError; an ssl.SSLError if the file holds no certificate.
    """
    if file is None:
        context = ssl.create_default_context()
    else:
        with memory_file(read_whole(file, MAX_PEM_BYTES)) as path:
            context = ssl.create_default_context(cafile=path)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # with VERIFY_X509_STRICT the default from Python 3.13 on
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
