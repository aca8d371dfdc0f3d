"""The address block by which clients are counted: their connections, nonces and wrong logins."""

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network

from .client_networks import REMEMBERED_CLIENTS
from .clients import client_address

_SITE_BITS = 64  # the interface identifier, RFC 4291 section 2.5.4


@lru_cache(maxsize=REMEMBERED_CLIENTS)
def client_block(client: str) -> str:
    """Return the client's IPv4 address, or the /64 of its IPv6 address, within which a host picks its own addresses."""
    address = client_address(client)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address) >> _SITE_BITS << _SITE_BITS, _SITE_BITS)))
    return client if address is None else str(address)
