"""Would a dial reach the gate itself? By whatever address: a listener on 0.0.0.0 has as many as the host."""

import socket
import time
from typing import Final

_REMEMBERED_SECONDS: Final = 10.0
_REMEMBERED_ADDRESSES: Final = 4096
_WILDCARDS: Final = frozenset({"0.0.0.0", "::"})


class OwnSockets:
    """The addresses and ports on which the gate itself is served."""

    def __init__(self) -> None:
        self._bound: set[tuple[str, int]] = set()
        self._wildcard_ports: set[int] = set()
        self._local: dict[str, tuple[bool, float]] = {}

    def add(self, host: str, port: int) -> None:
        """Name a bound socket: a listener, or the admin server."""
        if host in _WILDCARDS:
            self._wildcard_ports.add(port)
        else:
            self._bound.add((host, port))

    def has(self, address: str, port: int) -> bool:
        """Whether connecting there would end at one of them."""
        return (address, port) in self._bound or (port in self._wildcard_ports and self.is_local(address))

    def is_local(self, address: str) -> bool:
        """Whether the address is one of this host's: then, and only then, a socket can be bound to it."""
        now = time.monotonic()
        local, until = self._local.get(address, (False, 0.0))
        if until < now:
            if len(self._local) > _REMEMBERED_ADDRESSES:
                self._local.clear()
            local = _can_bind(address)
            self._local[address] = (local, now + _REMEMBERED_SECONDS)
        return local


def _can_bind(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True
