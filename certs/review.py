"""What is wrong, or soon will be, with a certificate that the gate serves or is to serve.

Judged as clients judge it: a fault is what clients refuse, a warning what some may. Nothing is repaired here.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from msgspec import Struct

from .identity import SOON, load_identity
from .pem import CertificateError, read_chain, read_key
from .reading import Facts, facts_of, parse

_OTHERS: Final = 0o007


class Finding(Struct, frozen=True):
    """One thing to look at; a fault is what clients refuse."""

    fault: bool
    text: str


def review_pair(certificate: Path, key: Path, now: datetime) -> list[Finding]:
    """Judge a certificate file and its key file. Raises CertificateError where one of them cannot be read."""
    chain, private = read_chain(certificate), read_key(key)
    findings = list(review_chain(chain, str(certificate), now))
    try:
        load_identity(certificate, key)
    except CertificateError as error:
        findings.insert(0, Finding(True, f"{error}{_whose(private, chain)}"))
    if key.stat().st_mode & _OTHERS:
        findings.append(Finding(False, f"{key}: everybody on this machine can use the key; chmod o= it"))
    return findings


def review_chain(chain: Sequence[bytes], source: str, now: datetime) -> Iterator[Finding]:
    """Judge a certificate and what comes after it, each in PEM. Raises CertificateError where one cannot be read."""
    own, *others = facts = [facts_of(part, source) for part in chain]
    if not own.names:
        yield Finding(True, f"{source}: the certificate has no subject alternative name, so it is valid for no name")
    if not own.serves:
        yield Finding(True, f"{source}: the certificate may not be a server's (extended key usage)")
    yield from _ends(own, f"{source}: the certificate", now)
    for number, other in enumerate(others, 2):
        yield from _ends(other, f"{source}: certificate {number}, {other.subject},", now)
    yield from _order([parse(part, source) for part in chain], facts, source)


def _ends(facts: Facts, what: str, now: datetime) -> Iterator[Finding]:
    if now < facts.not_before:
        yield Finding(True, f"{what} is not valid before {facts.not_before:%Y-%m-%d %H:%M} UTC; is the clock right?")
    if facts.not_after < now:
        yield Finding(True, f"{what} expired on {facts.not_after:%Y-%m-%d}; replace it")
    elif facts.not_after < now + SOON:
        yield Finding(False, f"{what} expires on {facts.not_after:%Y-%m-%d}; replace it before")


def _order(chain: Sequence[x509.Certificate], facts: Sequence[Facts], source: str) -> Iterator[Finding]:
    """Each certificate should be signed by the one after it; TLS 1.2 wants it so (RFC 5246 section 7.4.2).

    Only the first that is not is told of: what comes after it is a consequence.
    """
    for number, (signed, signer) in enumerate(pairwise(chain), 2):
        if _signs(signer, signed):
            continue
        what = f"{source}: certificate {number}, {facts[number - 1].subject}, does not sign the one before it"
        right = next((place for place, other in enumerate(chain, 1) if _signs(other, signed)), None)
        if right is None:
            yield Finding(False, f"{what}, nor does any other here: {facts[number - 2].issuer} is missing")
        elif right == number - 1:
            yield Finding(False, f"{what}, which signs itself: nothing belongs after it")
        else:
            yield Finding(
                False, f"{what}, as certificate {right} does: bring them in order, or some clients refuse them"
            )
        return


def _signs(signer: x509.Certificate, signed: x509.Certificate) -> bool:
    try:
        signed.verify_directly_issued_by(signer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _whose(private: bytes, chain: Sequence[bytes]) -> str:
    """To which certificate of the chain the key belongs, if not to the first."""
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    try:
        key = load_pem_private_key(private, None).public_key().public_bytes(*form)
        keys = [x509.load_pem_x509_certificate(part).public_key().public_bytes(*form) for part in chain]
    except (ValueError, TypeError):
        return ""
    return f", but to number {keys.index(key) + 1} in it; the gate's own must come first" if key in keys[1:] else ""
