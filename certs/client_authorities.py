"""The authorities that sign clients' certificates, and their revocation lists: what a certificate is judged by again.

OpenSSL judges it in the handshake, by the same rules (`identity`). Later only these lists may have changed. Loads
cryptography for the first judgement.
"""

import hashlib
from collections.abc import Sequence

from msgspec import Struct


class ClientAuthorities(Struct, frozen=True):
    """Certificates of authorities and revocation lists, each in PEM; `lists` is empty if none are configured."""

    certificates: tuple[bytes, ...]
    lists: tuple[bytes, ...] = ()

    @property
    def digest(self) -> str:
        """The SHA-256 of all of it."""
        return hashlib.sha256(b"\n".join((*self.certificates, *self.lists))).hexdigest()

    def rejected(self, chains: Sequence[tuple[bytes, ...]]) -> frozenset[tuple[bytes, ...]]:
        """Return the chains that are not accepted now. Each is in DER, the client's own certificate first.

        Takes a fraction of a millisecond for each, and a moment for the first.
        """
        from cryptography.x509 import load_pem_x509_crl
        from OpenSSL.crypto import (
            FILETYPE_ASN1,
            FILETYPE_PEM,
            X509Store,
            X509StoreContext,
            X509StoreContextError,
            load_certificate,
        )
        from OpenSSL.crypto import X509StoreFlags as Flags

        store = X509Store()
        for authority in self.certificates:
            store.add_cert(load_certificate(FILETYPE_PEM, authority))
        for revoked in self.lists:
            store.add_crl(load_pem_x509_crl(revoked))
        store.set_flags(Flags.PARTIAL_CHAIN | (Flags.CRL_CHECK if self.lists else 0))
        found = []
        for chain in chains:
            own, *others = (load_certificate(FILETYPE_ASN1, one) for one in chain)
            try:
                X509StoreContext(store, own, others).verify_certificate()
            except X509StoreContextError:
                found.append(chain)
        return frozenset(found)
