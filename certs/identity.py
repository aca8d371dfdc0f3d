"""What the gate shows to a client that speaks TLS to it: a certificate with its key, ready to be served.

Loads with nothing but Python's ssl. Never opens a socket; never asks anybody for a password.
"""

import contextlib
import os
import ssl
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .mirror import Reflection, reflect
from .pem import CertificateError, fingerprint, read_chain, read_crls, read_key

if TYPE_CHECKING:
    from .reading import Facts

SOON: Final = timedelta(days=30)
"""Before its end a certificate is to be replaced."""


class ServerIdentity:
    """A certificate and its key in a context for `TlsLayer`.

    `chain` is the certificate and what was given with it, each in PEM, `source` where they come from, `fingerprint` the
    SHA-256 of the certificate, colon-separated.
    """

    def __init__(self, context: ssl.SSLContext, chain: Sequence[bytes], names: Iterable[str], source: str) -> None:
        self.context = context
        self.chain = tuple(chain)
        self.source = source
        self.fingerprint = fingerprint(chain[0])
        self._given = _Names(names)
        self._certified: _Names | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The certificate's alternative names, then those given beside them."""
        return tuple(dict.fromkeys((*self._in_certificate().all, *self._given.all)))

    def owns(self, server_name: str) -> bool:
        """Whether a client that asks for this name means the gate. A wildcard stands for one label."""
        name = server_name.lower().rstrip(".")
        return self._given.match(name) or self._in_certificate().match(name)

    @cached_property
    def not_after(self) -> datetime:
        """When the certificate ends, in UTC. Raises CertificateError if only OpenSSL can read it."""
        return self._read().not_after

    def _in_certificate(self) -> "_Names":
        """The names in the certificate; none if only OpenSSL can read it."""
        if self._certified is None:
            try:
                self._certified = _Names(self._read().names)
            except CertificateError:
                self._certified = _Names(())
        return self._certified

    def _read(self) -> "Reflection | Facts":
        reflection = reflect(self.context, self.chain[0])
        if reflection is not None:
            return reflection
        from .reading import facts_of

        return facts_of(self.chain[0], self.source)


class _Names:
    """Host names and IP addresses in lower case, wildcards among them."""

    def __init__(self, names: Iterable[str]) -> None:
        self.all = tuple(name.lower().rstrip(".") for name in names)
        self._exact = frozenset(self.all)
        self._below = frozenset(name[2:] for name in self.all if name.startswith("*."))

    def match(self, name: str) -> bool:
        label, _, parent = name.partition(".")
        return name in self._exact or bool(label and parent in self._below)


def load_identity(
    certificate: Path,
    key: Path,
    names: Iterable[str] = (),
    client_ca: Path | None = None,
    client_crl: Path | None = None,
) -> ServerIdentity:
    """Load a certificate (its chain after it, if any) and its key from PEM files, perhaps the same one.

    `names` are the gate's names beside those in the certificate, `client_ca` and `client_crl` as in `server_context`.
    Raises CertificateError.
    """
    chain, private = read_chain(certificate), read_key(key)
    context = server_context(client_ca, client_crl)
    try:
        load_pair(context, chain, private)
    except ssl.SSLError as error:
        raise CertificateError(_refusal(error, certificate, key)) from None
    return ServerIdentity(context, chain, names, str(certificate))


def server_context(client_ca: Path | None = None, client_crl: Path | None = None) -> ssl.SSLContext:
    """TLS as the gate speaks it, without a certificate so far. Raises CertificateError for the files.

    Where there is a `client_ca`, a PEM file, clients are asked for a certificate that one of its certificates has
    signed; who sends none is served all the same. With a `client_crl`, the revocation lists of those who sign, nobody
    passes whose certificate is in one, nor anybody for whom there is none or only one that has run out.

    No tickets in TLS 1.3: each costs 10 us and 250 bytes of a handshake, a resumed handshake saves the gate no more
    than that, and licensing clients come back after hours. In TLS 1.2 tickets stay: without them OpenSSL would keep
    each session in memory for some minutes.
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
            raise CertificateError(f"{client_ca}: OpenSSL refuses it: {_reason(error)}") from None
        if client_crl is not None:
            _load_crls(context, client_crl)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # whoever is named is trusted, be it no root
    return context


def load_pair(context: ssl.SSLContext, chain: Sequence[bytes], private: bytes) -> None:
    """Load a certificate with its chain and its key, in PEM, without writing them to a disk. Raises ssl.SSLError."""
    with _file_of(*chain, private) as path:
        context.load_cert_chain(path)


def _load_crls(context: ssl.SSLContext, path: Path) -> None:
    try:
        with _file_of(*read_crls(path)) as file:
            context.load_verify_locations(cafile=file)
    except ssl.SSLError as error:
        raise CertificateError(f"{path}: OpenSSL refuses it: {_reason(error)}") from None
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


@contextlib.contextmanager
def _file_of(*parts: bytes) -> Iterator[str]:
    """A file in memory with these parts, for what OpenSSL reads from files only."""
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    with open(descriptor, "wb") as file:
        file.write(b"\n".join((*parts, b"")))
        file.flush()
        yield f"/proc/self/fd/{descriptor}"


def _refusal(error: ssl.SSLError, certificate: Path, key: Path) -> str:
    if error.reason in {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"}:
        return f"{key}: the key does not belong to the certificate in {certificate}"
    return f"{certificate} with {key}: OpenSSL refuses them: {_reason(error)}"


def _reason(error: ssl.SSLError) -> str:
    return error.reason.lower().replace("_", " ") if error.reason else "the text between the dashed lines is damaged"
