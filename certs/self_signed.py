"""A certificate that the gate signs itself, for where nobody has given it one: made, and kept on a disk if it is to be.

It is no authority: whoever trusts it trusts this one key for these names, and nothing that it could sign.
"""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from licensegate.allowlist.target import is_address

from .identity import CertificateError

DAYS: Final = 3650
"""Appliances that trust a certificate are not visited each year. Only Apple's clients refuse more than 825 days."""

_EARLIER: Final = timedelta(days=1)  # clients whose clock is slow
_COMMON_NAME_CHARACTERS: Final = 64  # ub-common-name, RFC 5280 appendix A


class Pair(Struct, frozen=True):
    """A certificate and its key, in PEM."""

    certificate: bytes
    key: bytes


def make_pair(names: Sequence[str], days: int = DAYS) -> Pair:
    """Make a P-256 key, and a certificate of it for these names (normalised hosts, wildcards and addresses).

    The extensions are those that curl, Java, Chromium and OpenSSL's strict mode want of a server's certificate.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    # The common name is for people; who checks a name looks into the alternative names only (RFC 9525).
    common = next((name for name in names if len(name) <= _COMMON_NAME_CHARACTERS), "LicenseGate")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
    return Pair(
        certificate.public_bytes(encoding), key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, no_password)
    )


def _general_name(name: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(name)) if is_address(name) else x509.DNSName(name)


def keep_pair(certificate: Path, key: Path, names: Sequence[str]) -> None:
    """Make a pair in these files of one directory, unless the key is there by now. Raises CertificateError.

    The key is written last: without it, what is there is of no use to anybody.
    """
    with _alone_in(key.parent):
        if not key.exists():
            _write(make_pair(names), certificate, key)


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
