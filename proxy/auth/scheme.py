"""The ways to log in to the gate."""

import enum
from typing import Final


class Scheme(enum.StrEnum):
    """One way to log in; in the order in which challenges are offered.

    Java takes the last Digest challenge of several and has refused MD5 to proxies since release 18; curl takes the
    first that it knows. So MD5 comes first and SHA-256 last, and both are served.
    """

    DIGEST_MD5 = "digest-md5"
    DIGEST_SHA_256 = "digest-sha-256"
    BASIC = "basic"
    CERTIFICATE = "certificate"


DIGESTS: Final = (Scheme.DIGEST_MD5, Scheme.DIGEST_SHA_256)
BY_CHALLENGE: Final = frozenset({*DIGESTS, Scheme.BASIC})
"""What a 407 can ask for; a certificate is shown in the handshake, or not at all."""
