"""The client: one process and one epoll with many tunnels through one proxy, each with a real ClientHello.

It measures the time to each tunnel's first byte from the origin. `processes` reads the proxy's CPU time and memory.
"""

import errno
import select
import socket
import time
from collections.abc import Callable

from channel import LoadError, Plain, Tls, client_context, client_hello
from msgspec import Struct
from route import HEAD_END, Manner, Route, heads

_STALL_SECONDS = 20
_READ_BYTES = 262144


class Run(Struct, frozen=True):
    """The duration of a run and, per tunnel, the time from connect to the origin's first byte. In seconds."""

    seconds: float
    first_byte: list[float]


class Tunnel:
    """One tunnel: connecting, then waiting for the answer, then for the origin's byte."""

    __slots__ = ("advance", "channel", "heard", "source", "started")

    def __init__(self, channel: Plain, source: str) -> None:
        self.started = time.perf_counter()
        self.channel = channel
        self.heard = b""
        self.source = source
        self.advance: Callable[[Tunnel], None]


class Client:
    """Opens tunnels along one route, and closes each after its byte or keeps them open."""

    def __init__(self, route: Route) -> None:
        self.first_byte: list[float] = []
        self.ended = 0
        self.tunnels: dict[int, Tunnel] = {}
        self._route = route
        self._address = ("127.0.0.1", route.proxy_port)
        self._tls = client_context() if route.manner is Manner.TLS else None
        self._head: Callable[[], bytes] = bytes
        self._exchange = route.exchange
        if route.exchange is None:
            self._hello, self._goodbye = client_hello(route.host), b"."
        else:
            self._hello, self._goodbye = route.exchange.hello, route.exchange.goodbye
        self._poll = select.epoll()
        self._done: Callable[[Tunnel], None] = self.close

    def run(self, count: int, concurrency: int) -> Run:
        """Open `count` tunnels, `concurrency` at a time, and close each after its first byte. Raises LoadError."""
        return self._drive(count, concurrency, self.close)

    def hold(self, count: int, concurrency: int) -> list[socket.socket]:
        """Open `count` tunnels and keep them open, idle after the origin's byte. Raises LoadError."""
        kept: list[socket.socket] = []
        self._drive(count, concurrency, lambda tunnel: kept.append(tunnel.channel.sock))
        return kept

    def begin(self) -> None:
        """Get ready for tunnels. Raises LoadError."""
        self.first_byte = []
        self.ended = 0
        self._head = heads(self._route)

    def open(self, source: str = "") -> None:
        """Open a tunnel, from this address if it is given. Raises LoadError."""
        sock = socket.socket()
        sock.setblocking(False)
        if source:
            sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((source, 0))
        tunnel = Tunnel(Plain(sock) if self._tls is None else Tls(sock, self._tls), source)
        self.tunnels[sock.fileno()] = tunnel
        outcome = sock.connect_ex(self._address)
        if outcome == errno.EINPROGRESS:
            tunnel.advance = self._connected
            self._poll.register(sock, select.EPOLLOUT)
        elif outcome:
            raise LoadError(f"cannot connect to the proxy: {errno.errorcode[outcome]}")
        else:
            self._poll.register(sock, select.EPOLLIN)
            self._shake_hands(tunnel)

    def wait(self, seconds: float = _STALL_SECONDS) -> bool:
        """Advance the tunnels that can, after at most so long. Returns False if none could. Raises LoadError."""
        ready = self._poll.poll(seconds)
        for descriptor, _ in ready:
            tunnel = self.tunnels[descriptor]
            try:
                tunnel.advance(tunnel)
            except (OSError, LoadError) as error:
                self.broke(tunnel, LoadError(f"a tunnel broke: {error}"))
        return bool(ready)

    def broke(self, tunnel: Tunnel, error: LoadError) -> None:
        """A tunnel was refused or reset: end the run."""
        raise error

    def close(self, tunnel: Tunnel) -> None:
        """Say goodbye and close a tunnel that has served."""
        tunnel.channel.send(self._goodbye)
        tunnel.channel.sock.close()

    def forget(self, tunnel: Tunnel) -> None:
        """Advance this tunnel no more."""
        del self.tunnels[tunnel.channel.sock.fileno()]
        self._poll.unregister(tunnel.channel.sock)

    def _drive(self, count: int, concurrency: int, done: Callable[[Tunnel], None]) -> Run:
        self.begin()
        self._done = done
        started, opened = time.perf_counter(), 0
        try:
            while self.ended < count:
                while opened < count and len(self.tunnels) < concurrency:
                    self.open()
                    opened += 1
                if not self.wait():
                    raise LoadError(f"{len(self.tunnels)} tunnels got no answer within {_STALL_SECONDS} s")
        finally:
            for tunnel in self.tunnels.values():
                tunnel.channel.sock.close()
            self.tunnels.clear()
        return Run(time.perf_counter() - started, self.first_byte)

    def _connected(self, tunnel: Tunnel) -> None:
        self._poll.modify(tunnel.channel.sock, select.EPOLLIN)
        self._shake_hands(tunnel)

    def _shake_hands(self, tunnel: Tunnel) -> None:
        if not tunnel.channel.shake_hands():
            tunnel.advance = self._shake_hands
        elif head := self._head():
            tunnel.channel.send(head)
            tunnel.advance = self._answered
        else:
            tunnel.channel.send(self._hello)
            tunnel.advance = self._greeted

    def _answered(self, tunnel: Tunnel) -> None:
        heard = tunnel.heard = tunnel.heard + tunnel.channel.receive()
        if HEAD_END not in heard:
            return
        if heard[9:12] != b"200":
            raise LoadError(f"the proxy answered {heard[:400]!r}")
        tunnel.channel.send(self._hello)
        tunnel.advance = self._greeted

    def _greeted(self, tunnel: Tunnel) -> None:
        data = tunnel.channel.receive()
        if not data:
            return
        self.first_byte.append(time.perf_counter() - tunnel.started)
        if self._exchange is None:
            self._end(tunnel)
            return
        tunnel.heard = b""
        tunnel.advance = self._shaken
        self._shaken(tunnel, data)

    def _shaken(self, tunnel: Tunnel, data: bytes = b"") -> None:
        """The origin's part of the handshake comes in: then the request is sent."""
        assert self._exchange is not None
        tunnel.heard += data or tunnel.channel.receive()
        if len(tunnel.heard) >= len(self._exchange.handshake):
            tunnel.channel.send(self._exchange.request)
            tunnel.heard = b""
            tunnel.advance = self._replied

    def _replied(self, tunnel: Tunnel) -> None:
        """The origin's answer comes in: then the tunnel has served."""
        assert self._exchange is not None
        tunnel.heard += tunnel.channel.receive()
        if len(tunnel.heard) >= len(self._exchange.answer):
            self._end(tunnel)

    def _end(self, tunnel: Tunnel) -> None:
        self.forget(tunnel)
        self.ended += 1
        self._done(tunnel)


_IP_BIND_ADDRESS_NO_PORT = 24  # ip(7): the port is chosen at connect, so that many connections may share it


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
