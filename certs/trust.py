"""Checks with OpenSSL, through pyOpenSSL, whether this machine trusts a certificate, and by which authority.

The result names the authority that clients must trust. It checks neither names nor a client's own authorities.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from OpenSSL.crypto import X509, Error, X509StoreContext, X509StoreContextError

from .certificate_info import parse
from .openssl_form import for_openssl, reasons
from .trust_stores import system_store

# X509_V_ERR_ of OpenSSL's x509_vfy.h
_SELF_SIGNED: Final = 18
_ROOT_UNKNOWN: Final = 19
_ISSUER_MISSING: Final = frozenset({2, 20, 21})


class Trust(Struct, frozen=True):
    """Whether this machine trusts a certificate, and the reason in words."""

    trusted: bool
    text: str


def check_trust(chain: Sequence[bytes], source: str) -> Trust:
    """Check a chain, each certificate in PEM. Raises CertificateError if one cannot be read."""
    store = system_store()
    try:
        own, *others = [for_openssl(parse(part, source)) for part in chain]
        path = X509StoreContext(store, own, chain=others).get_verified_chain()
    except X509StoreContextError as error:
        return Trust(False, _why_not(error))
    except ValueError as error:
        return Trust(False, f"OpenSSL cannot read it: {error}")
    except Error as error:
        return Trust(False, f"OpenSSL cannot verify it: {reasons(error)}")
    return Trust(True, f"this machine trusts it, by {_subject(path[-1])}")


def _why_not(error: X509StoreContextError) -> str:
    code, _, message = error.errors
    certificate = error.certificate.to_cryptography()
    if code == _SELF_SIGNED:
        return "it is self-signed: every client must be told to trust this certificate"
    if code == _ROOT_UNKNOWN:
        return f"this machine does not know {certificate.subject.rfc4514_string()}: clients must trust that authority"
    if code in _ISSUER_MISSING:
        issuer = certificate.issuer.rfc4514_string()
        return f"this machine does not know {issuer}: add it to the file, or clients must trust that authority"
    return f"this machine does not trust it: {message}"


def _subject(certificate: X509) -> str:
    return certificate.to_cryptography().subject.rfc4514_string()
