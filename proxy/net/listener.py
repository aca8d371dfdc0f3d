"""Binds listening sockets and accepts in batches. Every port serves every protocol of the gate."""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from licensegate.allowlist.client_networks import ClientNetworks

from ..settings import ListenAddress
from .poller import READ, Poller
from .socket_options import notice_vanished_peer, send_at_once

BACKLOG: Final = 1024
"""Connections that the kernel queues for a listener."""

_ACCEPTS_AT_ONCE: Final = 64
_PAUSE_SECONDS: Final = 0.5
_OUT_OF_RESOURCES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_LASTING: Final = frozenset({errno.EACCES, errno.EPERM, errno.EAFNOSUPPORT, errno.EINVAL})
_V4_MAPPED: Final = "::ffff:"

_accept_descriptor: Final = getattr(socket.SocketType, "_accept", None)
"""What `socket.accept` calls itself. It then makes a `socket.socket`, a class of Python that costs 4 % of a tunnel. The
name is private, so a later Python may lack it."""

_log = logging.getLogger(__name__)


class ListenError(Exception):
    """The gate cannot listen on an address. The message says which, why, and what to change."""


class UnbindableAddressError(ListenError):
    """No later try can bind the address: the gate lacks a privilege, or the host an address family."""


def bind(address: ListenAddress, leaving: Iterable[socket.socket] = ()) -> socket.socket:
    """Return a listening socket. Raises ListenError.

    `leaving` are listening sockets of this gate that close next: the new one may take over their address, or one that
    overlaps it, while they still listen. So a reload that fails has closed nothing.
    """
    try:
        try:
            return _listen(address)
        except OSError as error:
            in_the_way = [sock for sock in leaving if sock.getsockname()[1] == address.port]
            if error.errno != errno.EADDRINUSE or not in_the_way:
                raise
            with _shared(in_the_way):
                return _listen(address, shared=True)
    except OSError as error:
        kind = UnbindableAddressError if error.errno in _LASTING else ListenError
        raise kind(f"cannot listen on {address}: {remedy(address, error)}") from error


def family_of(address: ListenAddress) -> socket.AddressFamily:
    """The address family of a listener."""
    return socket.AF_INET6 if ":" in address.host else socket.AF_INET


@contextlib.contextmanager
def _shared(sockets: Iterable[socket.socket]) -> Iterator[None]:
    """Let another socket of this user be bound beside these ones, inside the block only (SO_REUSEPORT, socket(7))."""
    for sock in sockets:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        yield
    finally:
        for sock in sockets:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 0)


def try_to_bind(address: ListenAddress) -> None:
    """Bind the address as a listener does, without listening on it. Raises OSError."""
    _bound(address).close()


def _listen(address: ListenAddress, *, shared: bool = False) -> socket.socket:
    sock = _bound(address, shared=shared)
    try:
        sock.listen(BACKLOG)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 0)
    except OSError:
        sock.close()
        raise
    return sock


def _bound(address: ListenAddress, *, shared: bool = False) -> socket.socket:
    family = family_of(address)
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:  # allows [::]:p beside 0.0.0.0:p
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        send_at_once(sock)  # accepted sockets inherit both
        notice_vanished_peer(sock)
        sock.setblocking(False)
        sock.bind((address.host, address.port))
    except OSError:
        sock.close()
        raise
    return sock


def remedy(address: ListenAddress, error: OSError) -> str:
    """Why the address cannot be bound, and what to change."""
    match error.errno:
        case errno.EACCES:
            return (
                f"port {address.port} needs a privilege; grant CAP_NET_BIND_SERVICE, lower "
                "net.ipv4.ip_unprivileged_port_start to it, or choose a port from 1024 up"
            )
        case errno.EADDRINUSE:
            return "another program has this port; stop that program, or choose another port"
        case errno.EADDRNOTAVAIL:
            everything = "[::]" if family_of(address) == socket.AF_INET6 else "0.0.0.0"
            return f"this host has no such address; name one that it has, or {everything} for all"
        case errno.EAFNOSUPPORT:
            return "this host has no IPv6; remove the address"
        case _:
            return error.strerror or str(error)


class Listener:
    """One listening socket. Passes each connection to `accepted`, with the client's address and port."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        poller: Poller,
        address: ListenAddress,
        sock: socket.socket,
        accepted: Callable[["Listener", socket.SocketType, str, int], None],
    ) -> None:
        self._loop = loop
        self._poller = poller
        self._sock = sock
        self._family = sock.family
        self._accepted = accepted
        self.address = address
        self._pause: asyncio.TimerHandle | None = None
        self.host, self.port = sock.getsockname()[:2]
        self.name = str(ListenAddress(self.host, self.port))
        poller.watch(sock.fileno(), READ, self)

    def ready(self, descriptor: int, events: int) -> None:
        """Accept the connections that wait."""
        for _ in range(_ACCEPTS_AT_ONCE):
            try:
                sock, address = self._accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _OUT_OF_RESOURCES:
                    self._wait_for_resources(error)
                    return
                continue  # that client has left already (ECONNABORTED and similar errors, accept(2))
            sock.setblocking(False)
            host = address[0]
            self._accepted(self, sock, host[7:] if host.startswith(_V4_MAPPED) else host, address[1])

    def _accept(self) -> tuple[socket.SocketType, tuple[str, int]]:
        """Accept one connection: its socket, and the client's address and port."""
        if _accept_descriptor is None:
            return self._sock.accept()
        descriptor, address = _accept_descriptor(self._sock)
        return socket.SocketType(self._family, socket.SOCK_STREAM, 0, descriptor), address

    def crashed(self, error: Exception) -> None:
        """Nothing to end: the fault came before the connection had an owner."""

    @property
    def accepts(self) -> bool:
        """Whether it accepts now: not while descriptors or memory are exhausted."""
        return self._pause is None

    @property
    def address(self) -> ListenAddress:
        """The address of the settings. A reload may replace it by another one that this listener `serves`."""
        return self._address

    @address.setter
    def address(self, address: ListenAddress) -> None:
        self._address = address
        self._balancers = ClientNetworks(address.proxy_protocol_from) if address.proxy_protocol_from else None

    def serves(self, address: ListenAddress) -> bool:
        """Whether this listener has that host and port."""
        return (address.host, address.port) == (self._address.host, self._address.port)

    def is_balancer(self, client: str) -> bool:
        """Whether connections from this address must begin with a PROXY header."""
        return self._balancers is not None and self._balancers.admits(client)

    @property
    def sock(self) -> socket.socket:
        """The listening socket."""
        return self._sock

    def accept_waiting(self) -> None:
        """Accept what has connected so far, before `close`."""
        for _ in range(BACKLOG // _ACCEPTS_AT_ONCE):
            self.ready(self._sock.fileno(), READ)

    def pause(self) -> None:
        """Accept nothing until `resume`. Clients wait in the kernel's queue."""
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        self._poller.forget(self._sock.fileno())

    def resume(self) -> None:
        """Accept again."""
        self._poller.watch(self._sock.fileno(), READ, self)

    def close(self) -> None:
        """Stop accepting and close the socket."""
        self.pause()  # epoll would go on reporting a socket that another process has, too
        self._poller.close(self._sock)

    def _wait_for_resources(self, error: OSError) -> None:
        """Pause, since epoll would report a connection that cannot be accepted forever."""
        _log.error("cannot accept on %s: %s; trying again in %s s", self.name, error.strerror, _PAUSE_SECONDS)
        self._poller.forget(self._sock.fileno())
        self._pause = self._loop.call_later(_PAUSE_SECONDS, self._go_on)

    def _go_on(self) -> None:
        self._pause = None
        self._poller.watch(self._sock.fileno(), READ, self)
