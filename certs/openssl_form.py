"""Certificates in the form that OpenSSL verifies. It reads them more strictly than cryptography does."""

from cryptography import x509
from OpenSSL.crypto import X509, Error


def for_openssl(certificate: x509.Certificate) -> X509:
    """Return the certificate for OpenSSL. Raises ValueError if it cannot read it."""
    try:
        return X509.from_cryptography(certificate)
    except Error as error:
        raise ValueError(reasons(error)) from None


def reasons(error: Error) -> str:
    """Return what OpenSSL says, as one phrase."""
    return ", ".join(dict.fromkeys(reason for *_, reason in error.args[0])) or "OpenSSL does not say why"
