"""The hashes of Digest (RFC 7616): one table of algorithms, and the HA1 that the gate keeps in place of a password.

MD5 is offered because most licensing clients know nothing else, not for its strength. No I/O, no clock.
"""

import hashlib
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from .scheme import DIGESTS, Scheme


def md5(data: bytes) -> str:
    """Return the hash in hexadecimal. Raises ValueError on a system that bars MD5."""
    # Digest is not a signature. OpenSSL in FIPS mode allows MD5 when told so (see hashlib's documentation).
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def sha_256(data: bytes) -> str:
    """Return the hash in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


class Algorithm(Struct, frozen=True):
    """One Digest algorithm by its name in RFC 7616.

    `hex_digits` is the length of an HA1 and of a response. `if_missing` tells the operator what happens when a user has
    no hash for it.
    """

    name: str
    hash: Callable[[bytes], str]
    hex_digits: int
    if_missing: str


ALGORITHMS: Final = {
    Scheme.DIGEST_MD5: Algorithm("MD5", md5, 32, "clients that know no other Digest cannot log in by it"),
    Scheme.DIGEST_SHA_256: Algorithm(
        "SHA-256",
        sha_256,
        64,
        "Java from release 18 on cannot log in; set the password again with `licensegate passwd`",
    ),
}
"""The `-sess` variants are left out: they would tie a login to one connection."""


def ha1(scheme: Scheme, user: str, realm: str, password: str) -> str:
    """Return the hash that an htdigest file keeps in place of a password: hexadecimal, in lower case."""
    return ALGORITHMS[scheme].hash(f"{user}:{realm}:{password}".encode())


def md5_works() -> bool:
    """Tell whether this system allows MD5 for Digest; some do not in FIPS mode."""
    try:
        md5(b"")
    except (ValueError, AttributeError):
        return False
    return True


def usable_digests() -> tuple[Scheme, ...]:
    """Return the Digest schemes that this system can compute, in the order in which they are offered."""
    return tuple(scheme for scheme in DIGESTS if scheme is not Scheme.DIGEST_MD5 or md5_works())
