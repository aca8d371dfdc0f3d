"""A certificate and its key, in memory and on a disk, where it is written whole or not at all and never overwritten."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from .pem import CertificateError

KEPT_CERTIFICATE: Final = "gate.pem"
KEPT_KEY: Final = "gate.key"
"""What the gate makes for itself, in the state directory."""


class Pair(Struct, frozen=True):
    """A certificate and its key, in PEM."""

    certificate: bytes
    key: bytes


def keep_pair(certificate: Path, key: Path, make: Callable[[], Pair]) -> None:
    """Make a pair and keep it in these files of one directory, unless the key is there by now. Raises CertificateError.

    The key is written last: without it, what is there is of no use to anybody.
    """
    with _alone_in(key.parent):
        if not key.exists():
            _write(make(), certificate, key)


def write_pair(pair: Pair, certificate: Path, key: Path) -> None:
    """Write a pair into files of one directory that are not there yet. Raises CertificateError."""
    with _alone_in(key.parent):
        for path in (certificate, key):
            if os.path.lexists(path):
                raise CertificateError(f"{path}: is there already, and is not overwritten")
        _write(pair, certificate, key)


@contextlib.contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Keep other gates from writing there meanwhile; what cannot be done there becomes a CertificateError."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CertificateError(f"{directory}: no certificate can be kept there: {error.strerror}") from None


def _write(pair: Pair, certificate: Path, key: Path) -> None:
    _write_file(certificate, pair.certificate, 0o644)
    _write_file(key, pair.key, 0o600)


def _write_file(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole or not at all; nobody but us can read it before its mode says so."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
