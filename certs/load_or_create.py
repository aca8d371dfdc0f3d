"""Loads the certificate the gate serves: the one in the settings, or a self-signed one, created if needed."""

import os
import ssl
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from licensegate.files.watch import FileWatch

from .client_authorities import ClientAuthorities
from .host_names import host_names
from .identity import ServerIdentity, client_authorities, load_identity, load_key_pair, server_context
from .key_pair import KEPT_CERTIFICATE, KEPT_KEY, KeyPair, keep_key_pair
from .pem import CertificateError


def load_or_create_identity(
    certificate: Path | None,
    key: Path | None,
    names: Sequence[str],
    client_ca: Path | None,
    state_directory: Path | None,
    client_crl: Path | None = None,
) -> FileWatch[ServerIdentity]:
    """Load the configured certificate or the one in the state directory, or create one, and watch the files.

    A created certificate is valid for `names`, or for all names of this machine if there are none. Without a state
    directory it lasts as long as the process. Raises CertificateError.
    """
    client_files = tuple(filter(None, (client_ca, client_crl)))
    server = partial(server_context, client_ca, client_crl)
    if certificate is None:
        if state_directory is None:
            return FileWatch(_created(names, server, partial(client_authorities, client_ca, client_crl)), client_files)
        certificate, key = _in_state_directory(state_directory, names)
    key = key or certificate
    load = partial(load_identity, certificate, key, names, client_ca, client_crl)
    return FileWatch(load, (certificate, key, *client_files))


def _in_state_directory(directory: Path, names: Sequence[str]) -> tuple[Path, Path]:
    certificate, key = directory / KEPT_CERTIFICATE, directory / KEPT_KEY
    if not os.path.exists(key):  # or it cannot be seen: then creating one reports why
        keep_key_pair(certificate, key, partial(_create, names or host_names()))
    return certificate, key


def _created(
    names: Sequence[str], server: Callable[[], ssl.SSLContext], trust: Callable[[], ClientAuthorities | None]
) -> Callable[[], ServerIdentity]:
    pair = _create(names or host_names())

    def load() -> ServerIdentity:
        context = server()
        load_key_pair(context, [pair.certificate], pair.key)
        return ServerIdentity(context, [pair.certificate], names, "made for this run only", trust())

    return load


def _create(names: Sequence[str]) -> KeyPair:
    """Create a key pair in another process, so that this one does not load cryptography. Raises CertificateError."""
    command = [sys.executable, "-I", "-m", "licensegate.certs.self_signed", *names]
    made = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - the names are parsed hosts
    certificate, marker, key = made.stdout.partition(b"-----BEGIN PRIVATE KEY-----")
    if not marker:
        why = made.stderr.decode(errors="replace").splitlines() or [f"exit status {made.returncode}"]
        raise CertificateError(f"no certificate could be made: {why[-1]}")
    return KeyPair(certificate, marker + key)
