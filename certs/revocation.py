"""Finds problems of the revocation lists for client certificates, present and upcoming. Loads cryptography."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from .certificate_info import X509_ERRORS, in_one_line, parse
from .outline import distinguished_name
from .pem import CertificateError, read_chain, read_crls

_SOON: Final = timedelta(days=7)


def review_revocation(client_crl: Path, client_ca: Path, now: datetime) -> Iterator[str]:
    """Yield a line for each problem of the lists, checked against the authorities. Raises CertificateError."""
    authorities = [parse(certificate, str(client_ca)) for certificate in read_chain(client_ca)]
    listed = set()
    for number, content in enumerate(read_crls(client_crl), 1):
        where = f"{client_crl}, list {number}"
        try:
            revoked = x509.load_pem_x509_crl(content)
            ends, named = revoked.next_update_utc, revoked.issuer
            issuer = next((one for one in authorities if one.subject == named), None)
            key = None if issuer is None else issuer.public_key()
            is_signed = key is not None and revoked.is_signature_valid(key)  # type: ignore[arg-type]  # a kind that signs
        except X509_ERRORS as error:
            raise CertificateError(f"{where}: cannot be read: {in_one_line(error)}") from None
        listed.add(named)
        if issuer is None:
            yield f"{where}: was issued by {distinguished_name(named)}, which is not in {client_ca}"
        elif not is_signed:
            yield f"{where}: its signature is not by the authority in {client_ca}"
        if ends is not None and ends < now:
            yield f"{where}: expired on {ends:%Y-%m-%d %H:%M} UTC, so every client certificate is rejected"
        elif ends is not None and ends - now < _SOON:
            yield f"{where}: expires on {ends:%Y-%m-%d %H:%M} UTC; after that, every client certificate is rejected"
    for authority in authorities:
        if authority.subject not in listed:
            name = distinguished_name(authority.subject)
            yield f"{client_crl}: has no list of {name} in {client_ca}: every certificate that it signed is rejected"
