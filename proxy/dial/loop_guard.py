"""Recognises addresses that lead back to the gate: a listener on 0.0.0.0 has every address of the host."""

import ipaddress
import socket
import time
from collections import Counter
from functools import lru_cache
from typing import Final

from licensegate.records.bounded import BoundedDict

_CACHE_SECONDS: Final = 10.0
_CACHED_ADDRESSES: Final = 4096
_DISCARD_PORT: Final = 9
UNSPECIFIED: Final = frozenset({"0.0.0.0", "::"})


class LoopGuard:
    """The addresses and ports that the gate listens on."""

    def __init__(self) -> None:
        self._bound: Counter[tuple[str, int]] = Counter()  # two sockets may have one address while one takes over
        self._ports: frozenset[int] = frozenset()
        self._local: BoundedDict[str, tuple[bool, float]] = BoundedDict(_CACHED_ADDRESSES)

    def add(self, host: str, port: int) -> None:
        """Add a bound socket, of a listener or the admin server."""
        self._bound[_plain(host), port] += 1
        self._ports = frozenset(port for _, port in self._bound)

    def remove(self, host: str, port: int) -> None:
        """Remove a socket that was closed."""
        self._bound -= Counter([(_plain(host), port)])
        self._ports = frozenset(port for _, port in self._bound)

    def has_port(self, port: int) -> bool:
        """Whether it is the port of a listener, as few targets' ports are."""
        return port in self._ports

    def has(self, address: str, port: int) -> bool:
        """Whether a connection to this address and port would reach the gate."""
        if not self.has_port(port):
            return False
        plain = _plain(address)
        if plain in UNSPECIFIED:  # connecting to the unspecified address reaches this host
            return True
        if (plain, port) in self._bound:
            return True
        return any((wildcard, port) in self._bound for wildcard in UNSPECIFIED) and self.is_local(plain)

    def is_local(self, address: str) -> bool:
        """Whether this host has the address; remembered for 10 s."""
        now = time.monotonic()
        local, until = self._local.get(address, (False, 0.0))
        if until < now:
            try:
                local = _is_local(address)
            except OSError:  # no descriptor left: the dial fails too, and reports that
                return False
            self._local.put(address, (local, now + _CACHE_SECONDS))
        return local


@lru_cache(maxsize=1024)
def _plain(address: str) -> str:
    """The address that the kernel uses: an IPv4-mapped IPv6 address is IPv4 (RFC 4291 section 2.5.5.2)."""
    parsed = ipaddress.ip_address(address)
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def _is_local(address: str) -> bool:
    """Whether a socket can be bound to the address, which works for local and multicast ones, and it is not multicast.

    Raises OSError if no socket can be created.
    """
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
            probe.connect((address, _DISCARD_PORT))  # refused for a broadcast address; sends nothing
        except OSError:
            return False
    return not ipaddress.ip_address(address.partition("%")[0]).is_multicast
