"""The names of the ways to log in to the gate, as settings and records spell them."""

import enum
from typing import Final


class Scheme(enum.StrEnum):
    """One way to log in, in the order in which they are offered.

    Java takes the last Digest challenge and has refused MD5 to proxies since release 18; curl takes the first that it
    knows. So MD5 comes first and SHA-256 last, and both are served.
    """

    DIGEST_MD5 = "digest-md5"
    DIGEST_SHA_256 = "digest-sha-256"
    BASIC = "basic"
    CERTIFICATE = "certificate"


DIGESTS: Final = (Scheme.DIGEST_MD5, Scheme.DIGEST_SHA_256)
BY_CHALLENGE: Final = frozenset(Scheme) - {Scheme.CERTIFICATE}
"""The schemes that a 407 can ask for. A certificate is shown in the TLS handshake or not at all."""
