"""Which certificate the gate serves: the one it was given, else one of its own, kept where state is kept."""

import os
import ssl
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from licensegate.files.watch import FileWatch

from .host_names import host_names
from .identity import ServerIdentity, load_identity, load_pair, server_context
from .pair import KEPT_CERTIFICATE, KEPT_KEY, Pair, keep_pair
from .pem import CertificateError


def obtain_identity(
    certificate: Path | None,
    key: Path | None,
    names: Sequence[str],
    client_ca: Path | None,
    state_directory: Path | None,
    client_crl: Path | None = None,
) -> FileWatch[ServerIdentity]:
    """Load the certificate that was given, or the one in the state directory, or make one; and watch the files.

    What is made is made for `names`, else for all of this machine's, and lasts only as long as the process where there
    is no state directory. Raises CertificateError.
    """
    beside = tuple(filter(None, (client_ca, client_crl)))
    server = partial(server_context, client_ca, client_crl)
    if certificate is None:
        if state_directory is None:
            return FileWatch(_made(names, server), beside)
        certificate, key = _kept(state_directory, names)
    key = key or certificate
    load = partial(load_identity, certificate, key, names, client_ca, client_crl)
    return FileWatch(load, (certificate, key, *beside))


def _kept(directory: Path, names: Sequence[str]) -> tuple[Path, Path]:
    certificate, key = directory / KEPT_CERTIFICATE, directory / KEPT_KEY
    if not os.path.exists(key):  # nor where it may not be seen: keeping one says why not
        keep_pair(certificate, key, partial(_make, names or host_names()))
    return certificate, key


def _made(names: Sequence[str], server: Callable[[], ssl.SSLContext]) -> Callable[[], ServerIdentity]:
    pair = _make(names or host_names())

    def load() -> ServerIdentity:
        context = server()
        load_pair(context, [pair.certificate], pair.key)
        return ServerIdentity(context, [pair.certificate], names, "made for this run only")

    return load


def _make(names: Sequence[str]) -> Pair:
    """Make a pair in another process, so that this one never loads what it takes. Raises CertificateError."""
    command = [sys.executable, "-I", "-m", "licensegate.certs.self_signed", *names]
    made = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - names have been read as hosts
    certificate, marker, key = made.stdout.partition(b"-----BEGIN PRIVATE KEY-----")
    if not marker:
        why = made.stderr.decode(errors="replace").splitlines() or [f"exit status {made.returncode}"]
        raise CertificateError(f"no certificate could be made: {why[-1]}")
    return Pair(certificate, marker + key)
