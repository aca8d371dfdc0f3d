"""The client: one process and one epoll with many tunnels through one proxy, each with a real ClientHello.

It measures the time to each tunnel's first byte from the origin. `measure` reads the proxy's CPU time and memory.
"""

import errno
import select
import socket
import ssl
import time
from collections.abc import Callable

from msgspec import Struct

_STALL_SECONDS = 20
_READ_BYTES = 262144
_HEAD_END = b"\r\n\r\n"


class LoadError(Exception):
    """A proxy refused, reset or stalled a tunnel."""


class Route(Struct, frozen=True):
    """The proxy's port on 127.0.0.1 and the target to CONNECT to."""

    proxy_port: int
    host: str
    port: int

    @property
    def head(self) -> bytes:
        """The CONNECT request as stock Java, which CUCM uses, writes it."""
        lines = (
            f"CONNECT {self.host}:{self.port} HTTP/1.1",
            "User-Agent: Java/17.0.13",
            f"Host: {self.host}",
            "Accept: */*",
            "Proxy-Connection: keep-alive",
        )
        return "\r\n".join(lines).encode() + _HEAD_END


class Run(Struct, frozen=True):
    """The duration of a run and, per tunnel, the time from connect to the origin's first byte. In seconds."""

    seconds: float
    first_byte: list[float]


def client_hello(host: str) -> bytes:
    """A ClientHello for `host` as OpenSSL writes it (517 bytes)."""
    outgoing = ssl.MemoryBIO()
    connection = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=host)
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise LoadError("the TLS library finished a handshake without a peer")


class _Tunnel:
    """One tunnel: connecting, then waiting for the answer, then for the origin's byte."""

    __slots__ = ("advance", "heard", "socket", "started")

    def __init__(self, advance: "Callable[[_Tunnel], None]") -> None:
        self.started = time.perf_counter()
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.heard = b""
        self.advance = advance


class Client:
    """Opens tunnels along one route, and closes each after its byte or keeps them open."""

    def __init__(self, route: Route, hello: bytes) -> None:
        self._address = ("127.0.0.1", route.proxy_port)
        self._head = route.head
        self._hello = hello
        self._poll = select.epoll()
        self._tunnels: dict[int, _Tunnel] = {}
        self._first_byte: list[float] = []
        self._done: Callable[[socket.socket], None] = _close

    def run(self, count: int, concurrency: int) -> Run:
        """Open `count` tunnels, `concurrency` at a time, and close each after its first byte. Raises LoadError."""
        return self._drive(count, concurrency, _close)

    def hold(self, count: int, concurrency: int) -> list[socket.socket]:
        """Open `count` tunnels and keep them open, idle after the origin's byte. Raises LoadError."""
        kept: list[socket.socket] = []
        self._drive(count, concurrency, kept.append)
        return kept

    def _drive(self, count: int, concurrency: int, done: Callable[[socket.socket], None]) -> Run:
        self._first_byte, self._done = [], done
        started, opened = time.perf_counter(), 0
        try:
            while len(self._first_byte) < count:
                while opened < count and len(self._tunnels) < concurrency:
                    self._open()
                    opened += 1
                self._wait()
        finally:
            for tunnel in self._tunnels.values():
                tunnel.socket.close()
            self._tunnels.clear()
        return Run(time.perf_counter() - started, self._first_byte)

    def _wait(self) -> None:
        ready = self._poll.poll(_STALL_SECONDS)
        if not ready:
            raise LoadError(f"{len(self._tunnels)} tunnels got no answer within {_STALL_SECONDS} s")
        for descriptor, _ in ready:
            tunnel = self._tunnels[descriptor]
            try:
                tunnel.advance(tunnel)
            except OSError as error:
                raise LoadError(f"a tunnel broke: {error}") from error

    def _open(self) -> None:
        tunnel = _Tunnel(self._answered)
        self._tunnels[tunnel.socket.fileno()] = tunnel
        outcome = tunnel.socket.connect_ex(self._address)
        if outcome == errno.EINPROGRESS:
            tunnel.advance = self._connected
            self._poll.register(tunnel.socket, select.EPOLLOUT)
        elif outcome:
            raise LoadError(f"cannot connect to the proxy: {errno.errorcode[outcome]}")
        else:
            tunnel.socket.send(self._head)
            self._poll.register(tunnel.socket, select.EPOLLIN)

    def _connected(self, tunnel: _Tunnel) -> None:
        tunnel.socket.send(self._head)
        tunnel.advance = self._answered
        self._poll.modify(tunnel.socket, select.EPOLLIN)

    def _answered(self, tunnel: _Tunnel) -> None:
        heard = tunnel.heard = tunnel.heard + _received(tunnel.socket)
        if _HEAD_END not in heard:
            return
        if heard[9:12] != b"200":
            raise LoadError(f"the proxy answered {heard[:400]!r}")
        tunnel.socket.send(self._hello)
        tunnel.advance = self._greeted

    def _greeted(self, tunnel: _Tunnel) -> None:
        _received(tunnel.socket)
        self._first_byte.append(time.perf_counter() - tunnel.started)
        del self._tunnels[tunnel.socket.fileno()]
        self._poll.unregister(tunnel.socket)
        self._done(tunnel.socket)


def download(tunnels: list[socket.socket], bytes_each: int) -> None:
    """Have the origin send `bytes_each` through all tunnels at once, and read it all. Raises LoadError."""
    poll = select.epoll()
    missing: dict[int, int] = {}
    by_descriptor = {tunnel.fileno(): tunnel for tunnel in tunnels}
    buffer = bytearray(_READ_BYTES)
    for descriptor, tunnel in by_descriptor.items():
        tunnel.send(b"G%d\n" % bytes_each)
        missing[descriptor] = bytes_each
        poll.register(tunnel, select.EPOLLIN)
    while missing:
        ready = poll.poll(_STALL_SECONDS)
        if not ready:
            raise LoadError(f"{len(missing)} streams stalled for {_STALL_SECONDS} s")
        for descriptor, _ in ready:
            got = by_descriptor[descriptor].recv_into(buffer)
            if not got:
                raise LoadError(f"a stream ended {missing[descriptor]} bytes early")
            missing[descriptor] -= got
            if not missing[descriptor]:
                del missing[descriptor]
                poll.unregister(descriptor)


def _close(tunnel: socket.socket) -> None:
    tunnel.send(b".")
    tunnel.close()


def _received(tunnel: socket.socket) -> bytes:
    data = tunnel.recv(4096)
    if not data:
        raise LoadError("the proxy ended a tunnel before the origin's byte came through")
    return data
