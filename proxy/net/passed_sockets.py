"""Listening sockets that another process has bound and passed on: the service manager, or the gate that served before.

They stay open here, and a listener gets a copy. So a reload may let an address go and take it up again, and clients
wait in the kernel's queue instead of being refused.
"""

import ipaddress
import socket
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from msgspec import Struct

from ..settings import ListenAddress
from .listener import BACKLOG, bind
from .socket_options import notice_vanished_peer, send_at_once

_FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)


class PassedSocket(Struct, frozen=True):
    """One passed socket. `lasting`: the service manager has it too, so that it outlives this process.

    `name` is the one that the service manager gives it, by default its socket unit (FileDescriptorName=).
    """

    sock: socket.socket
    name: str = ""
    lasting: bool = False

    @property
    def address(self) -> ListenAddress:
        """The address that it listens on."""
        return ListenAddress(*self.sock.getsockname()[:2])

    def serves(self, address: ListenAddress) -> bool:
        """Whether it listens on that host and port."""
        host, port = self.sock.getsockname()[:2]
        return port == address.port and _plain(host) == _plain(address.host)


class PassedSockets:
    """Binds addresses with `bind`: by a copy of the passed socket that has the address, or else by a new socket."""

    def __init__(self, passed: Iterable[PassedSocket] = ()) -> None:
        self._passed = list(passed)
        self._used: set[int] = set()

    @property
    def lasting(self) -> Sequence[PassedSocket]:
        """The sockets of the service manager."""
        return [one for one in self._passed if one.lasting]

    @property
    def used(self) -> Collection[int]:
        """The places, in the order in which they were passed, of the sockets that listeners have got."""
        return self._used

    def bind(self, address: ListenAddress, leaving: Iterable[socket.socket] = ()) -> socket.socket:
        """Return a listening socket, as `listener.bind` does. Raises ListenError.

        The gate before closes its sockets that are not used here, so a new one may take over their addresses.
        """
        for place, one in enumerate(self._passed):
            if one.serves(address):
                self._used.add(place)
                return _adopted(one.sock)
        unused = [one.sock for place, one in enumerate(self._passed) if not one.lasting and place not in self._used]
        return bind(address, (*leaving, *unused))

    def unused(self, addresses: Collection[ListenAddress]) -> list[PassedSocket]:
        """The sockets of the service manager that serve none of these addresses."""
        return [one for one in self.lasting if not any(one.serves(address) for address in addresses)]

    def let_go(self) -> None:
        """Close the sockets of the gate before: listeners have copies of those that they use."""
        for one in self._passed:
            if not one.lasting:
                one.sock.close()
        self._passed = list(self.lasting)
        self._used.clear()

    def close(self) -> None:
        """Close all of them."""
        for one in self._passed:
            one.sock.close()
        self._passed.clear()


def why_unusable(sock: socket.socket) -> str:
    """Why the gate cannot serve clients on a passed socket, and what to change; empty if it can."""
    if sock.family not in _FAMILIES or sock.type != socket.SOCK_STREAM:
        return "it is not a TCP socket; name addresses like 0.0.0.0:3128 in ListenStream="
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return "it does not listen; set Accept=no"
    if sock.family == socket.AF_INET6 and not sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY):
        return "it takes IPv4 and IPv6; set BindIPv6Only=ipv6-only, and name the IPv4 address as well"
    return ""


def _adopted(sock: socket.socket) -> socket.socket:
    copy = sock.dup()
    copy.setblocking(False)
    send_at_once(copy)  # accepted sockets inherit both
    notice_vanished_peer(copy)
    copy.listen(BACKLOG)
    return copy


def _plain(host: str) -> str:
    address, _, zone = host.partition("%")
    return f"{ipaddress.ip_address(address)}%{zone}"
