"""A client's address, and the identity that it has proved. Rules for some clients match against both.

Pure: it sees addresses and names as text, never a socket, a password or a certificate.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

from msgspec import Struct

Network: TypeAlias = IPv4Network | IPv6Network


class Identity(Struct, frozen=True):
    """Who a client has proved to be.

    `user` is the user it logged in as, empty if it did not. `certificate` holds the names in its verified certificate:
    the common name of the subject, then the alternative names.
    """

    user: str = ""
    certificate: tuple[str, ...] = ()


NOBODY: Final = Identity()
"""A client that has proved nothing."""


def client_address(text: str) -> IPv4Address | IPv6Address | None:
    """Parse a client's address as a socket spells it, for comparison with networks; None if it is not an IP address.

    An IPv4 client of an IPv6 socket (`::ffff:10.1.2.3`, RFC 4291 section 2.5.5.2) counts as IPv4, and a zone
    (`fe80::1%eth0`, RFC 4007) is left out: it names one of our own interfaces, not the client.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def network_of(text: str, networks: Iterable[Network]) -> Network | None:
    """Return the first network that holds the client's address; None if none does."""
    address = client_address(text)
    return None if address is None else next((network for network in networks if address in network), None)
