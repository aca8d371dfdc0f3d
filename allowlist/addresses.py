"""Classifies addresses as public or not: the guard against names that resolve to internal addresses.

`networks.csv` has the rows of IANA's IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190) with their
"globally reachable" column (N/A and deprecated count as no), and also multicast, the IPv6 space outside 2000::/3, and
one cloud's platform address in public space. The longest prefix wins. Python's `is_global` is not used: it accepts
multicast and NAT64 of loopback, and differs between patch releases.

An IPv4 address embedded in an IPv6 one is classified as that IPv4, because the packet will arrive there. The column
`ipv4_at` says where it is: its distance from the right in bits, with a `~` if it is inverted. A Teredo address contains
two, its server's and its client's, and a relay sends to both (RFC 4380 sections 4 and 5.4.1): it is public if both are.

Never resolves and never connects. The dialer classifies an address last, and connects to exactly that address.
"""

import csv
import ipaddress
from functools import lru_cache
from pathlib import Path

from msgspec import Struct

_TABLE = Path(__file__).with_name("networks.csv")
_IPV4_MASK = 0xFFFF_FFFF


class AddressClass(Struct, frozen=True):
    """Whether an address is public, with the network that decided it and that network's name.

    For an IPv4 address embedded in an IPv6 one, both are the IPv4's, and the name also says how it is embedded.
    """

    public: bool
    network: str
    name: str


class _Network(Struct, frozen=True):
    """One row, prepared for look-up. `ipv4_at` has distance from the right and inversion mask of each embedded IPv4."""

    prefix: int
    shift: int
    address_class: AddressClass
    ipv4_at: tuple[tuple[int, int], ...]


@lru_cache(maxsize=4096)
def classify(address: str) -> AddressClass:
    """Classify an address as a resolver writes it, without a zone id. Raises ValueError if it is not an address."""
    parsed = ipaddress.ip_address(address)
    return _classify(parsed.version, int(parsed))


def _classify(version: int, number: int) -> AddressClass:
    network = next(each for each in _NETWORKS[version] if number >> each.shift == each.prefix)
    if not network.ipv4_at:
        return network.address_class
    embedded = [number >> distance & _IPV4_MASK ^ inversion for distance, inversion in network.ipv4_at]
    classes = [_embedded(ipv4, network.address_class.name) for ipv4 in embedded]
    return next((each for each in classes if not each.public), classes[-1])


def _embedded(ipv4: int, form: str) -> AddressClass:
    plain = _classify(4, ipv4)
    return AddressClass(plain.public, plain.network, f"{plain.name}, as {ipaddress.IPv4Address(ipv4)} inside {form}")


def _read_networks() -> dict[int, list[_Network]]:
    """Read the table, by IP version, longest prefix first."""
    networks: dict[int, list[_Network]] = {4: [], 6: []}
    with _TABLE.open(encoding="ascii", newline="") as rows:
        for row in csv.DictReader(rows):
            network = ipaddress.ip_network(row["network"])
            shift = network.max_prefixlen - network.prefixlen
            networks[network.version].append(
                _Network(
                    prefix=int(network.network_address) >> shift,
                    shift=shift,
                    address_class=AddressClass(row["public"] == "yes", row["network"], row["name"]),
                    ipv4_at=tuple(map(_place, row["ipv4_at"].split())),
                )
            )
    for rows_of_version in networks.values():
        rows_of_version.sort(key=lambda each: each.shift)
    return networks


def _place(text: str) -> tuple[int, int]:
    return int(text.removeprefix("~")), _IPV4_MASK if text.startswith("~") else 0


_NETWORKS = _read_networks()
