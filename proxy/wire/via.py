"""The Via field (RFC 9110 section 7.6.3), by which the gate recognises its own requests.

A request that arrives with our name in its Via is in a loop. The name has a random part per process, so that several
gates are not mistaken for one another.
"""

import re
import secrets
from typing import Final

OUR_NAME: Final = f"licensegate-{secrets.token_hex(6)}"
"""A pseudonym, so that the host name stays private."""

VIA_BYTES: Final = 2048
"""The longest Via passed on, in bytes. Of a longer one the end is kept, where proxies add their names, so that a client
cannot push ours out."""

_names_us: Final = re.compile(rf"(?:^|[\t ,]){OUR_NAME}(?:$|[\t ,(])", re.IGNORECASE)


def names_us(via: str) -> bool:
    """Return whether a request with this Via has already passed through this gate."""
    return bool(via) and _names_us.search(via) is not None


def passed_on(via: str, version: str) -> str:
    """Return the Via to send on for a request with this Via and HTTP version; both may be empty."""
    ours = f"{version or '1.1'} {OUR_NAME}"
    return f"{via}, {ours}" if via else ours
