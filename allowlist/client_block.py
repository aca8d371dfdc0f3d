"""By what the clients of one place are counted, for nonces and failed logins."""

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network

from .client_networks import REMEMBERED_CLIENTS
from .clients import client_address

_SITE_BITS = 64  # the network that a host chooses its own addresses from, RFC 4291 section 2.5.4


@lru_cache(maxsize=REMEMBERED_CLIENTS)
def client_block(client: str) -> str:
    """The client's IPv4 address, or the /64 of its IPv6 address: within it a host may come from wherever it likes."""
    address = client_address(client)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address) >> _SITE_BITS << _SITE_BITS, _SITE_BITS)))
    return client if address is None else str(address)
