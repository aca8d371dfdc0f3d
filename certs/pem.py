"""Finds certificates, revocation lists and keys in PEM files (RFC 7468), without parsing them."""

import hashlib
import re
import ssl
from pathlib import Path
from typing import Final

from licensegate.files.read import read_whole

MAX_PEM_BYTES: Final = 1 << 20
"""A chain has a few KB, a revocation list or a bundle of roots some hundred."""

_CERTIFICATE: Final = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_CRL: Final = re.compile(rb"-----BEGIN X509 CRL-----[A-Za-z0-9+/=\s]+-----END X509 CRL-----")
_KEY_BEGINS: Final = re.compile(rb"-----BEGIN ([A-Z ]{0,32})PRIVATE KEY-----")


class CertificateError(Exception):
    """A certificate or key cannot be used. `str()` is one line: which file, what is wrong, what to change."""


def read_chain(path: Path) -> list[bytes]:
    """Return the certificates in a PEM file, in order. Raises CertificateError."""
    content = _read(path)
    chain = _CERTIFICATE.findall(content)
    if chain:
        return chain
    if content[:1] == b"0":  # an ASN.1 sequence
        convert = "convert it with `openssl x509 -inform DER`, or `openssl pkcs12` if it is a .p12"
        raise CertificateError(f"{path}: is not in PEM form; {convert}")
    raise CertificateError(f"{path}: contains no certificate in PEM form (-----BEGIN CERTIFICATE-----)")


def read_crls(path: Path) -> list[bytes]:
    """Return the revocation lists in a PEM file. Raises CertificateError."""
    content = _read(path)
    lists = _CRL.findall(content)
    if lists:
        return lists
    convert = "; convert it with `openssl crl -inform DER`" if content[:1] == b"0" else ""
    raise CertificateError(f"{path}: contains no revocation list in PEM form (-----BEGIN X509 CRL-----){convert}")


def read_key(path: Path) -> bytes:
    """Return the first private key in a PEM file. Raises CertificateError, also for an encrypted key."""
    key = _first_key(_read(path))
    if not key:
        raise CertificateError(f"{path}: contains no private key in PEM form (-----BEGIN PRIVATE KEY-----)")
    if b"ENCRYPTED" in key:
        raise CertificateError(
            f"{path}: the key is encrypted, and the gate cannot ask for the password; "
            "decrypt it with `openssl pkey`, and let only the gate read the result"
        )
    return key


def _first_key(content: bytes) -> bytes:
    """Return the first private key with its end; empty if there is none."""
    endless = set()
    for begin in _KEY_BEGINS.finditer(content):
        kind = begin[1]
        if kind in endless:
            continue
        end = b"-----END %bPRIVATE KEY-----" % kind
        position = content.find(end, begin.end())
        if position >= 0:
            return content[begin.start() : position + len(end)]
        endless.add(kind)
    return b""


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate in PEM, as browsers and `openssl x509 -fingerprint -sha256` show it."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.decode("ascii"))).digest().hex(":").upper()


def _read(path: Path) -> bytes:
    try:
        return read_whole(path, MAX_PEM_BYTES)
    except OSError as error:
        raise CertificateError(f"{path}: {error.strerror}") from None
