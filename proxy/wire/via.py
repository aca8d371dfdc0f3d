"""The Via field (RFC 9110 section 7.6.3): which proxies a request has been through, this gate among them.

A request that comes back with our name in it goes in a circle. The name has a random part for each process, so that
gates of one make do not take each other for themselves.
"""

import re
import secrets
from typing import Final

OUR_NAME: Final = f"licensegate-{secrets.token_hex(6)}"
"""A pseudonym in place of a host name, which concerns nobody outside."""

VIA_BYTES: Final = 2048
"""The longest Via that is passed on. Of a longer one it is the end, where proxies add their names: what a client wrote
before them must not push out ours."""

_names_us: Final = re.compile(rf"(?:^|[\t ,]){OUR_NAME}(?:$|[\t ,(])", re.IGNORECASE)


def names_us(via: str) -> bool:
    """Whether a request with this Via has been here before."""
    return bool(via) and _names_us.search(via) is not None


def passed_on(via: str, version: str) -> str:
    """The Via of a request that came with `via`, perhaps empty, and in this version of HTTP, perhaps none."""
    ours = f"{version or '1.1'} {OUR_NAME}"
    return f"{via}, {ours}" if via else ours
