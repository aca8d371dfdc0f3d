"""Finds problems of a certificate before clients do. A fault makes clients reject it; a warning, only some."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from msgspec import Struct

from .certificate_info import X509_ERRORS, CertificateInfo, certificate_info, parse
from .identity import SOON, load_identity
from .pem import CertificateError, read_chain, read_key

_OTHERS: Final = 0o007


class Problem(Struct, frozen=True):
    """A fault (clients reject the certificate) or a warning, in words."""

    fault: bool
    text: str


def review_key_pair(certificate: Path, key: Path, now: datetime) -> list[Problem]:
    """Review a certificate file and its key file. Raises CertificateError if one of them cannot be read."""
    chain, private = read_chain(certificate), read_key(key)
    problems = list(review_chain(chain, str(certificate), now))
    try:
        load_identity(certificate, key)
    except CertificateError as error:
        problems.insert(0, Problem(True, f"{error}{_whose(private, chain)}"))
    if key.stat().st_mode & _OTHERS:
        problems.append(Problem(False, f"{key}: every user of this machine can use the key; run chmod o= on it"))
    return problems


def review_chain(chain: Sequence[bytes], source: str, now: datetime) -> Iterator[Problem]:
    """Review a chain, each certificate in PEM. Raises CertificateError if one cannot be read."""
    own, *others = info = [certificate_info(part, source) for part in chain]
    if not own.names:
        yield Problem(True, f"{source}: the certificate has no subject alternative name, so it is valid for no name")
    if not own.serves:
        yield Problem(True, f"{source}: the certificate is not for servers (extended key usage)")
    yield from _ends(own, f"{source}: the certificate", now)
    for number, other in enumerate(others, 2):
        yield from _ends(other, f"{source}: certificate {number}, {other.subject},", now)
    yield from _order([parse(part, source) for part in chain], info, source)


def _ends(info: CertificateInfo, what: str, now: datetime) -> Iterator[Problem]:
    if now < info.not_before:
        yield Problem(True, f"{what} is not valid before {info.not_before:%Y-%m-%d %H:%M} UTC; is the clock right?")
    if info.not_after < now:
        yield Problem(True, f"{what} expired on {info.not_after:%Y-%m-%d}; replace it")
    elif info.not_after < now + SOON:
        yield Problem(False, f"{what} expires on {info.not_after:%Y-%m-%d}; replace it before")


def _order(chain: Sequence[x509.Certificate], info: Sequence[CertificateInfo], source: str) -> Iterator[Problem]:
    """Check that each certificate is signed by the one after it, as TLS 1.2 requires (RFC 5246 section 7.4.2).

    Reports only the first that is not: the others follow from it.
    """
    for number, (signed, signer) in enumerate(pairwise(chain), 2):
        if _signs(signer, signed):
            continue
        what = f"{source}: certificate {number}, {info[number - 1].subject}, does not sign the one before it"
        right = next((place for place, other in enumerate(chain, 1) if _signs(other, signed)), None)
        if right is None:
            yield Problem(False, f"{what}, and no other one here does: {info[number - 2].issuer} is missing")
        elif right == number - 1:
            yield Problem(False, f"{what}, which is self-signed: nothing belongs after it")
        else:
            yield Problem(
                False, f"{what}, but certificate {right} does: put them in order, or some clients reject them"
            )
        return


def _signs(signer: x509.Certificate, signed: x509.Certificate) -> bool:
    try:
        signed.verify_directly_issued_by(signer)
    except (*X509_ERRORS, InvalidSignature):
        return False
    return True


def _whose(private: bytes, chain: Sequence[bytes]) -> str:
    """Name the certificate of the chain that the key belongs to, if it is not the first."""
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    try:
        key = load_pem_private_key(private, None).public_key().public_bytes(*form)
        keys = [x509.load_pem_x509_certificate(part).public_key().public_bytes(*form) for part in chain]
    except X509_ERRORS:
        return ""
    return f", but to number {keys.index(key) + 1} in it; the gate's own must come first" if key in keys[1:] else ""
