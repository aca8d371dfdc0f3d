"""Would a dial reach the gate itself? By whatever address: a listener on 0.0.0.0 has as many as the host."""

import ipaddress
import socket
import time
from functools import lru_cache
from typing import Final

from licensegate.records.bounded import BoundedDict

_REMEMBERED_SECONDS: Final = 10.0
_REMEMBERED_ADDRESSES: Final = 4096
_DISCARD_PORT: Final = 9
_UNSPECIFIED: Final = frozenset({"0.0.0.0", "::"})


class LoopGuard:
    """The addresses and ports on which the gate itself is served."""

    def __init__(self) -> None:
        self._bound: set[tuple[str, int]] = set()
        self._ports: frozenset[int] = frozenset()
        self._local: BoundedDict[str, tuple[bool, float]] = BoundedDict(_REMEMBERED_ADDRESSES)

    def add(self, host: str, port: int) -> None:
        """Count in a bound socket, a listener's or the admin server's."""
        self._bound.add((_plain(host), port))
        self._ports = frozenset(port for _, port in self._bound)

    def remove(self, host: str, port: int) -> None:
        """Count it out: it is closed."""
        self._bound.discard((_plain(host), port))
        self._ports = frozenset(port for _, port in self._bound)

    def has(self, address: str, port: int) -> bool:
        """Whether connecting there would end at one of them."""
        if port not in self._ports:
            return False
        plain = _plain(address)
        if plain in _UNSPECIFIED:  # connecting to no address is connecting to this host
            return True
        if (plain, port) in self._bound:
            return True
        return any((wildcard, port) in self._bound for wildcard in _UNSPECIFIED) and self.is_local(plain)

    def is_local(self, address: str) -> bool:
        """Whether the address is one of this host's."""
        now = time.monotonic()
        local, until = self._local.get(address, (False, 0.0))
        if until < now:
            try:
                local = _is_local(address)
            except OSError:  # no descriptor to ask with; the dial will get none either, and says so
                return False
            self._local.put(address, (local, now + _REMEMBERED_SECONDS))
        return local


@lru_cache(maxsize=1024)
def _plain(address: str) -> str:
    """The address as the kernel takes it: an IPv4 address inside an IPv6 one (RFC 4291 section 2.5.5.2) is that."""
    parsed = ipaddress.ip_address(address)
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def _is_local(address: str) -> bool:
    """A socket can be bound to one's own addresses; to a group of hosts too, but that is no address to connect to.

    Raises OSError if there is no socket to try it with.
    """
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
            probe.connect((address, _DISCARD_PORT))  # refused for a broadcast address; sends nothing
        except OSError:
            return False
    return not ipaddress.ip_address(address.partition("%")[0]).is_multicast
