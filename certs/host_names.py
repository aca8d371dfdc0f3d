"""What this machine is called, and by which addresses it can be reached: the names a certificate of its own needs."""

import re
import socket
import threading
from ipaddress import IPv6Address
from pathlib import Path
from typing import Final

from licensegate.allowlist.target import TargetError, parse_host

_NAME_SECONDS: Final = 2.0  # a DNS server that is away must not hold anything up
_LOCAL: Final = re.compile(r"\|-- (\S+)\n +/32 host LOCAL")
_LINK_SCOPE: Final = "20"  # needs a zone, so nobody can type it
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")

_IPV4: Final = Path("/proc/net/fib_trie")
_IPV6: Final = Path("/proc/net/if_inet6")


def host_name() -> str:
    """This machine's name with its domain, as far as that is known within two seconds."""
    names = [socket.gethostname()]
    asking = threading.Thread(target=lambda: names.append(socket.getfqdn()), daemon=True)
    asking.start()
    asking.join(_NAME_SECONDS)
    return names[-1]


def host_names() -> tuple[str, ...]:
    """Every name and address that a client may type to reach this machine, normalised, what is most likely first."""
    names = [name for name in map(_normal, (host_name(), socket.gethostname())) if name and name not in _LOOPBACK]
    addresses = _own_addresses()
    outward = [address for address in addresses if address not in _LOOPBACK]
    return tuple(dict.fromkeys((*names, *outward, *_LOOPBACK)))


def _normal(name: str) -> str:
    """A name as certificates hold it; empty if it can be in none."""
    try:
        return parse_host(name)
    except TargetError:
        return ""


def _own_addresses() -> list[str]:
    """The addresses of all interfaces. Read from proc(5); what that does not tell is left out."""
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
