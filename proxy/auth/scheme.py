"""The names of the ways to log in to the gate, as settings and records spell them."""

import enum
from typing import TYPE_CHECKING, Final, Literal


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
"""The schemes that a 407 can ask for. A client shows a certificate in the TLS handshake only."""

ANSWERED_BY_JAVA: Final = frozenset(DIGESTS)
"""The schemes that Java uses for a tunnel by default."""

SCHEMES_BY_NAME: Final[dict[str, tuple[Scheme, ...]]] = {"digest": DIGESTS} | {scheme: (scheme,) for scheme in Scheme}
"""The names in the settings, with the schemes that each enables."""

if TYPE_CHECKING:  # mypy does not accept a Literal made from a dictionary
    SchemeName = str
else:
    SchemeName = Literal[*map(str, SCHEMES_BY_NAME)]
