"""The roots that a target's chain may lead to: public ones that come with the gate, the system's, an operator's own.

Public roots are those of Mozilla, by certifi. `intermediates.pem` holds certificates between them and the hosts of
licensing, each with its source and date: with them, a server that leaves one out is told from an intercepting proxy.
"""

import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import certifi
from OpenSSL.crypto import X509, X509Store, X509StoreFlags

from .certificate_info import parse
from .pem import read_chain

INTERMEDIATES: Final = Path(__file__).with_name("intermediates.pem")


def public_store(extra: Iterable[X509] = ()) -> X509Store:
    """Return the public roots and further ones."""
    store = X509Store()
    store.load_locations(certifi.where())
    for root in extra:
        store.add_cert(root)
    return store


def has_system_store() -> bool:
    """Tell whether this host has roots of its own; the container image has none."""
    paths = ssl.get_default_verify_paths()  # without those that do not exist
    return bool(paths.cafile or paths.capath)


def system_store() -> X509Store:
    """Return this host's own roots, which may be none."""
    store = X509Store()
    if has_system_store():
        paths = ssl.get_default_verify_paths()
        store.load_locations(paths.cafile, paths.capath)
    return store


def own_store(certificates: Iterable[X509]) -> X509Store:
    """Return these certificates as roots, also those that another authority signed."""
    store = X509Store()
    for certificate in certificates:
        store.add_cert(certificate)
    store.set_flags(X509StoreFlags.PARTIAL_CHAIN)
    return store


def read_certificates(file: Path) -> list[X509]:
    """Return the certificates in a PEM file. Raises CertificateError."""
    return [X509.from_cryptography(parse(part, str(file))) for part in read_chain(file)]
