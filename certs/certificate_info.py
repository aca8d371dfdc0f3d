"""Parses a certificate into values for people. Reads PEM in memory; opens no file and judges no trust."""

from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from msgspec import Struct

from .pem import CertificateError, fingerprint

_CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


class CertificateInfo(Struct, frozen=True):
    """The contents of one certificate.

    `subject` and `issuer` are in the form of RFC 4514, `names` are host names and IP addresses, times are in UTC.
    `is_authority` means that it may sign other certificates, `serves` that a server may use it.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    fingerprint: str
    key: str
    is_authority: bool
    serves: bool


X509_ERRORS: Final = (
    *(ValueError, TypeError, IndexError, UnsupportedAlgorithm),
    *(x509.DuplicateExtension, x509.InvalidVersion, x509.UnsupportedGeneralNameType),
)
"""What cryptography raises for a certificate or a list that it cannot read: names and extensions on their first use."""


def parse(certificate: bytes, source: str) -> x509.Certificate:
    """Parse one certificate in PEM. Raises CertificateError, which names `source`."""
    try:
        return x509.load_pem_x509_certificate(certificate)
    except X509_ERRORS as error:
        raise CertificateError(f"{source}: the certificate cannot be read: {in_one_line(error)}") from None


def certificate_info(certificate: bytes, source: str) -> CertificateInfo:
    """Return the contents of one certificate in PEM. Raises CertificateError."""
    parsed = parse(certificate, source)
    try:
        return CertificateInfo(
            subject=parsed.subject.rfc4514_string(),
            issuer=parsed.issuer.rfc4514_string(),
            names=names_in(parsed),
            not_before=parsed.not_valid_before_utc,
            not_after=parsed.not_valid_after_utc,
            fingerprint=fingerprint(certificate),
            key=_key(parsed),
            is_authority=_is_authority(parsed),
            serves=may_serve(parsed),
        )
    except X509_ERRORS as error:
        raise CertificateError(f"{source}: the certificate cannot be read: {in_one_line(error)}") from None


def names_in(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the host names and IP addresses that a certificate is for. Raises ValueError if it cannot be read."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = (str(address) for address in names.get_values_for_type(x509.IPAddress))
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def _key(certificate: x509.Certificate) -> str:
    try:
        key = certificate.public_key()
    except X509_ERRORS:
        return "a key of an unknown kind"
    match key:
        case rsa.RSAPublicKey():
            return f"RSA, {key.key_size} bits"
        case ec.EllipticCurvePublicKey():
            return f"ECDSA on {_CURVES.get(key.curve.name, key.curve.name)}"
    return type(key).__name__.removesuffix("PublicKey")


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def may_serve(certificate: x509.Certificate) -> bool:
    """Tell whether a server may use it: without an extended key usage, any may (RFC 5280 section 4.2.1.12)."""
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.SERVER_AUTH in usages or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages


def in_one_line(error: Exception) -> str:
    """Return the message of a library's error, which may span several lines, as one line."""
    return " ".join(str(error).split())
