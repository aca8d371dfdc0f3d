"""The gate's server identity: its certificate and key in a TLS context, ready to serve.

Loads with Python's ssl only. Opens no socket and prompts for no password.
"""

import ssl
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from licensegate.files.memory_file import memory_file

from .certificate_names import CertificateNames
from .client_authorities import ClientAuthorities
from .pem import CertificateError, fingerprint, read_chain, read_crls, read_key
from .served_certificate import ServedCertificate, read_served_certificate

if TYPE_CHECKING:
    from .certificate_info import CertificateInfo

SOON: Final = timedelta(days=30)
"""How long before it expires a certificate should be replaced."""


class ServerIdentity:
    """A certificate and its key in a context for `TlsLayer`.

    `chain` is the certificate and its issuers, each in PEM, `source` their file, `fingerprint` the certificate's
    SHA-256, colon-separated. `client_authorities` are those of clients' certificates, None if clients are not asked for
    one; `client_trust` tells them apart.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        chain: Sequence[bytes],
        names: Iterable[str],
        source: str,
        client_authorities: ClientAuthorities | None = None,
    ) -> None:
        self.context = context
        self.chain = tuple(chain)
        self.source = source
        self.client_authorities = client_authorities
        self.client_trust = "" if client_authorities is None else client_authorities.digest
        self.fingerprint = fingerprint(chain[0])
        self._given = CertificateNames(names)
        self._certified: CertificateNames | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The certificate's alternative names, then the names from the settings."""
        return tuple(dict.fromkeys((*self._in_certificate().all, *self._given.all)))

    def owns(self, server_name: str) -> bool:
        """Return whether a client that asks for this server name means the gate. A wildcard matches one label."""
        name = server_name.lower().removesuffix(".")
        return self._given.match(name) or self._in_certificate().match(name)

    @cached_property
    def not_after(self) -> datetime:
        """When the certificate expires, in UTC. Raises CertificateError if only OpenSSL can parse it."""
        return self._read().not_after

    def _in_certificate(self) -> CertificateNames:
        """Return the names in the certificate, or no names if only OpenSSL can parse it."""
        if self._certified is None:
            try:
                self._certified = CertificateNames(self._read().names)
            except CertificateError:
                self._certified = CertificateNames(())
        return self._certified

    def _read(self) -> "ServedCertificate | CertificateInfo":
        served = read_served_certificate(self.context, self.chain[0])
        if served is not None:
            return served
        from .certificate_info import certificate_info

        return certificate_info(self.chain[0], self.source)


def load_identity(
    certificate: Path,
    key: Path,
    names: Iterable[str] = (),
    client_ca: Path | None = None,
    client_crl: Path | None = None,
) -> ServerIdentity:
    """Load a certificate, followed by its chain, and its key from PEM files; both may be one file.

    `names` are further names of the gate; for `client_ca` and `client_crl` see `server_context`. Raises
    CertificateError.
    """
    chain, private = read_chain(certificate), read_key(key)
    context = server_context(client_ca, client_crl)
    try:
        load_key_pair(context, chain, private)
    except ssl.SSLError as error:
        raise CertificateError(_refusal(error, certificate, key)) from None
    return ServerIdentity(context, chain, names, str(certificate), client_authorities(client_ca, client_crl))


def server_context(client_ca: Path | None = None, client_crl: Path | None = None) -> ssl.SSLContext:
    """Return the gate's TLS settings, without a certificate yet. Raises CertificateError for the files.

    With `client_ca`, a PEM file, clients are asked for a certificate signed by one of its certificates; a client that
    sends none is still served. With `client_crl`, the revocation lists of those authorities, a client's certificate is
    rejected if it is listed, and also if its authority's list is missing or out of date.

    No tickets in TLS 1.3: each costs 10 us and 250 bytes of a handshake, a resumed handshake saves no more, and
    licensing clients return after hours. TLS 1.2 keeps its tickets: without them OpenSSL would hold each session in
    memory for minutes.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    context.set_alpn_protocols(["http/1.1"])
    if client_ca is not None:
        try:
            context.load_verify_locations(cadata=b"\n".join(read_chain(client_ca)).decode("ascii"))
        except ssl.SSLError as error:
            raise CertificateError(f"{client_ca}: OpenSSL rejects it: {_reason(error)}") from None
        if client_crl is not None:
            _load_crls(context, client_crl)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # trust every certificate in the file, not only roots
    return context


def client_authorities(client_ca: Path | None, client_crl: Path | None) -> ClientAuthorities | None:
    """Return what `server_context` trusts clients by; None without a `client_ca`. Raises CertificateError."""
    if client_ca is None:
        return None
    return ClientAuthorities(tuple(read_chain(client_ca)), () if client_crl is None else tuple(read_crls(client_crl)))


def load_key_pair(context: ssl.SSLContext, chain: Sequence[bytes], private: bytes) -> None:
    """Load a chain and its key, in PEM, without writing them to disk. Raises ssl.SSLError."""
    with memory_file(b"\n".join((*chain, private, b""))) as path:  # OpenSSL reads keys only from files
        context.load_cert_chain(path)


def _load_crls(context: ssl.SSLContext, path: Path) -> None:
    try:
        with memory_file(b"\n".join((*read_crls(path), b""))) as file:
            context.load_verify_locations(cafile=file)
    except ssl.SSLError as error:
        raise CertificateError(f"{path}: OpenSSL rejects it: {_reason(error)}") from None
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


def _refusal(error: ssl.SSLError, certificate: Path, key: Path) -> str:
    if error.reason in {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"}:
        return f"{key}: the key does not belong to the certificate in {certificate}"
    return f"{certificate} with {key}: OpenSSL rejects them: {_reason(error)}"


def _reason(error: ssl.SSLError) -> str:
    return error.reason.lower().replace("_", " ") if error.reason else "the text between the dashed lines is damaged"
