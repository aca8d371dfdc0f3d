"""The names and addresses of this machine, for a certificate of its own."""

import re
import socket
import threading
from ipaddress import IPv6Address
from pathlib import Path
from typing import Final

from licensegate.allowlist.target import TargetError, parse_host

_NAME_SECONDS: Final = 2.0  # an unreachable DNS server must not delay the start
_LOCAL: Final = re.compile(r"\|-- (\S+)\n +/32 host LOCAL")
_LINK_SCOPE: Final = "20"  # needs a zone, so clients cannot use it
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")

_IPV4: Final = Path("/proc/net/fib_trie")
_IPV6: Final = Path("/proc/net/if_inet6")


def host_name() -> str:
    """Return this machine's name, with its domain if DNS gives it within two seconds."""
    names = [socket.gethostname()]
    lookup = threading.Thread(target=lambda: names.append(socket.getfqdn()), daemon=True)
    lookup.start()
    lookup.join(_NAME_SECONDS)
    return names[-1]


def host_names() -> tuple[str, ...]:
    """Return every name and address a client may use for this machine, normalised, the likeliest first."""
    names = [name for name in map(_normal, (host_name(), socket.gethostname())) if name and name not in _LOOPBACK]
    addresses = own_addresses()
    outward = [address for address in addresses if address not in _LOOPBACK]
    return tuple(dict.fromkeys((*names, *outward, *_LOOPBACK)))


def _normal(name: str) -> str:
    """Return the name as certificates contain it; empty if none can contain it."""
    try:
        return parse_host(name)
    except TargetError:
        return ""


def own_addresses() -> list[str]:
    """Return the addresses of all interfaces, loopback too, as far as proc(5) shows them."""
    addresses = _LOCAL.findall(_read(_IPV4))
    for line in _read(_IPV6).splitlines():
        number, _, _, scope, *_ = line.split()
        if scope != _LINK_SCOPE:
            addresses.append(str(IPv6Address(int(number, 16))))
    return addresses


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except OSError:
        return ""
