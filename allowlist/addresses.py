"""Which addresses are public: the guard against names that lead inside.

The facts are in `networks.csv`: the rows of IANA's IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC
8190) with what they say of "globally reachable" (N/A and deprecated count as no), and around them multicast, the IPv6
space outside 2000::/3, and one cloud's platform address that lies in public space. The longest prefix wins. Not
Python's `is_global`: it lets multicast and NAT64 of loopback pass and differs between patch releases.

An IPv4 address inside an IPv6 one is judged as that IPv4, because that is where the packet will arrive. A row's
`ipv4_at` says where it lies: so many bits from the right, inverted where a `~` precedes. A Teredo address holds two,
its server's and its client's, and a relay sends to both (RFC 4380 sections 4 and 5.4.1): it is public if both are.

Never resolves and never connects; whoever dials asks here last, and dials exactly the address it asked about.
"""

import csv
import ipaddress
from functools import lru_cache
from pathlib import Path

from msgspec import Struct

_TABLE = Path(__file__).with_name("networks.csv")
_IPV4_MASK = 0xFFFF_FFFF


class AddressClass(Struct, frozen=True):
    """Whether an address is public, with the network that decided and its name.

    For an IPv4 address inside an IPv6 one both are the IPv4's, and the name goes on to say how it was embedded.
    """

    public: bool
    network: str
    name: str


class _Network(Struct, frozen=True):
    """One row, made for look-up. `ipv4_at` holds, for each IPv4 inside, its distance from the right and its mask."""

    prefix: int
    shift: int
    verdict: AddressClass
    ipv4_at: tuple[tuple[int, int], ...]


@lru_cache(maxsize=4096)
def judge(address: str) -> AddressClass:
    """Judge an address as a resolver writes it, a zone id left out; raises `ValueError` on what is none."""
    parsed = ipaddress.ip_address(address)
    return _judge(parsed.version, int(parsed))


def _judge(version: int, number: int) -> AddressClass:
    network = next(each for each in _NETWORKS[version] if number >> each.shift == each.prefix)
    if not network.ipv4_at:
        return network.verdict
    inside = [number >> distance & _IPV4_MASK ^ inversion for distance, inversion in network.ipv4_at]
    verdicts = [_embedded(ipv4, network.verdict.name) for ipv4 in inside]
    return next((verdict for verdict in verdicts if not verdict.public), verdicts[-1])


def _embedded(ipv4: int, form: str) -> AddressClass:
    verdict = _judge(4, ipv4)
    return AddressClass(
        verdict.public, verdict.network, f"{verdict.name}, as {ipaddress.IPv4Address(ipv4)} inside {form}"
    )


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
                    verdict=AddressClass(row["public"] == "yes", row["network"], row["name"]),
                    ipv4_at=tuple(map(_place, row["ipv4_at"].split())),
                )
            )
    for rows_of_version in networks.values():
        rows_of_version.sort(key=lambda each: each.shift)
    return networks


def _place(written: str) -> tuple[int, int]:
    return int(written.removeprefix("~")), _IPV4_MASK if written.startswith("~") else 0


_NETWORKS = _read_networks()
