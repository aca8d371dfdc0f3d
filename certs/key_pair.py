"""A certificate and its key, in memory and on disk: each file is written atomically and never overwritten."""

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
"""The names of the gate's own certificate and key in the state directory."""


class KeyPair(Struct, frozen=True):
    """A certificate and its key, in PEM."""

    certificate: bytes
    key: bytes


def keep_key_pair(certificate: Path, key: Path, make: Callable[[], KeyPair]) -> None:
    """Create a key pair in these files of one directory, unless the key exists already. Raises CertificateError.

    The key is written last: a certificate without a key is created again.
    """
    with _locked(key.parent):
        if not key.exists():
            _write(make(), certificate, key)


def write_key_pair(pair: KeyPair, certificate: Path, key: Path) -> None:
    """Write a key pair to new files in one directory. Raises CertificateError, also if one of them exists."""
    with _locked(key.parent):
        for path in (certificate, key):
            if os.path.lexists(path):
                raise CertificateError(f"{path}: already exists and is not overwritten")
        _write(pair, certificate, key)


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Lock the directory against other gates. Raises CertificateError for any OSError inside."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CertificateError(f"{directory}: cannot write a certificate there: {error.strerror}") from None


def _write(pair: KeyPair, certificate: Path, key: Path) -> None:
    _write_file(certificate, pair.certificate, 0o644)
    _write_file(key, pair.key, 0o600)


def _write_file(path: Path, content: bytes, mode: int) -> None:
    """Write a file atomically; until its mode is set, only this user can read it."""
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
