"""What a certificate says, in values and words for people. Reads PEM in memory; opens no file and trusts nobody."""

from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from msgspec import Struct

from .pem import CertificateError, fingerprint

_CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


class Facts(Struct, frozen=True):
    """What one certificate says.

    `subject` and `issuer` are written as RFC 4514 wants, `names` are its host names and IP addresses, times are in UTC.
    `is_authority` says that it may sign others, `serves` that it may stand for a server.
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


def parse(certificate: bytes, source: str) -> x509.Certificate:
    """Parse one certificate in PEM; `source` names it in the CertificateError raised if that cannot be done."""
    try:
        return x509.load_pem_x509_certificate(certificate)
    except ValueError as error:
        raise CertificateError(f"{source}: the certificate cannot be read: {in_one_line(error)}") from None


def facts_of(certificate: bytes, source: str) -> Facts:
    """Read one certificate in PEM. Raises CertificateError."""
    parsed = parse(certificate, source)
    try:
        return Facts(
            subject=parsed.subject.rfc4514_string(),
            issuer=parsed.issuer.rfc4514_string(),
            names=_names(parsed),
            not_before=parsed.not_valid_before_utc,
            not_after=parsed.not_valid_after_utc,
            fingerprint=fingerprint(certificate),
            key=_key(parsed),
            is_authority=_is_authority(parsed),
            serves=_serves(parsed),
        )
    except ValueError as error:  # cryptography reads names and extensions only when they are asked for
        raise CertificateError(f"{source}: the certificate cannot be read: {in_one_line(error)}") from None


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = (str(address) for address in names.get_values_for_type(x509.IPAddress))
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def _key(certificate: x509.Certificate) -> str:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "a key of a kind that cannot be told"
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


def _serves(certificate: x509.Certificate) -> bool:
    """Without an extended key usage a certificate may be used for anything (RFC 5280 section 4.2.1.12)."""
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.SERVER_AUTH in usages or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages


def in_one_line(error: Exception) -> str:
    """What a library says of an error, which may go over several lines."""
    return " ".join(str(error).split())
