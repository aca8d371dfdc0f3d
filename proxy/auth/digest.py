"""Digest (RFC 7616) with `qop=auth`: the challenge, and the response that a right password gives.

The gate keeps no password, only its HA1, the hash of user, realm and password. MD5 is not chosen for its strength: most
licensing clients know nothing else. No I/O, no clock.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from .credentials import DigestCredentials
from .scheme import Scheme

ALGORITHMS: Final = {Scheme.DIGEST_MD5: "MD5", Scheme.DIGEST_SHA_256: "SHA-256"}
"""The names of RFC 7616; their variants with `-sess` are not offered, since they would tie a login to a socket."""

OF_ALGORITHM: Final = {name: scheme for scheme, name in ALGORITHMS.items()}

HEX_DIGITS: Final = {Scheme.DIGEST_MD5: 32, Scheme.DIGEST_SHA_256: 64}
"""How long an HA1 or a response is."""


def challenge(scheme: Scheme, realm: str, nonce: str, *, stale: bool) -> str:
    """The value of one Proxy-Authenticate field."""
    value = f'Digest realm="{realm}", qop="auth", algorithm={ALGORITHMS[scheme]}, nonce="{nonce}", charset="UTF-8"'
    return f"{value}, stale=true" if stale else value


def ha1(scheme: Scheme, user: str, realm: str, password: str) -> str:
    """What stands for a password in an htdigest file: hexadecimal, in lower case."""
    return _hash(scheme, f"{user}:{realm}:{password}".encode())


def response(scheme: Scheme, secret: str, method: str, offered: DigestCredentials) -> bytes:
    """The response of a client that knows the password with this HA1 (RFC 7616 section 3.4.1)."""
    ha2 = _hash(scheme, method.encode() + b":" + offered.uri)
    parts = (secret.encode(), offered.nonce, offered.count_text, offered.cnonce, b"auth", ha2.encode())
    return _hash(scheme, b":".join(parts)).encode()


def is_right(scheme: Scheme, secret: str, method: str, offered: DigestCredentials) -> bool:
    """Whether the client knows the password with this HA1; takes as long either way."""
    return hmac.compare_digest(response(scheme, secret, method, offered), offered.response.raw)


def md5_works() -> bool:
    """Whether this system lets MD5 be used for Digest; in FIPS mode some do not."""
    try:
        _HASHES[Scheme.DIGEST_MD5](b"")
    except (ValueError, AttributeError):
        return False
    return True


def md5(data: bytes) -> str:
    """The hash in hexadecimal; raises ValueError where a system bars it."""
    # What Digest makes of it is no signature; said so, FIPS builds of OpenSSL allow it (hashlib's documentation).
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def sha_256(data: bytes) -> str:
    """The hash in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


_HASHES: Final[dict[Scheme, Callable[[bytes], str]]] = {
    Scheme.DIGEST_MD5: md5,
    Scheme.DIGEST_SHA_256: sha_256,
}


def _hash(scheme: Scheme, data: bytes) -> str:
    return _HASHES[scheme](data)
