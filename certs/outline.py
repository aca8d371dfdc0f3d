"""The outline of a certificate for logs, pages and findings: printable, bounded, without keys."""

from typing import Final

from cryptography import x509

from licensegate.records.certificate import CertificateOutline
from licensegate.records.text import printable

from .certificate_info import names_in

_MOST_NAMES: Final = 16
_NAME_CHARACTERS: Final = 200


def outline(certificate: x509.Certificate) -> CertificateOutline:
    """Return the outline. Raises ValueError if the certificate cannot be read."""
    return CertificateOutline(
        subject=distinguished_name(certificate.subject),
        issuer=distinguished_name(certificate.issuer),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        names=tuple(_shown(name) for name in names_in(certificate)[:_MOST_NAMES]),
    )


def distinguished_name(name: x509.Name) -> str:
    """Return a name like `CN=tools.cisco.com, O=Cisco Systems Inc.`, the closest part first."""
    return _shown(", ".join(part.rfc4514_string() for part in reversed(list(name.rdns))))


def _shown(text: str) -> str:
    return printable(text.encode(), _NAME_CHARACTERS)
