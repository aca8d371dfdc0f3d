"""A `TlsChannel` that blocks in `select` where a relay would watch, as a server for real clients."""

import select
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from licensegate.proxy.net.channel import TlsChannel
from support.upstream import SECONDS

if TYPE_CHECKING:
    from typing_extensions import Buffer  # Python's own from 3.12 on

T = TypeVar("T")


class StalledSocket(socket.socket):
    """A socket that sends nothing while `stalled` is true. It takes over the descriptor of another socket."""

    stalled = True

    def __init__(self, sock: socket.SocketType) -> None:
        super().__init__(sock.family, sock.type, sock.proto, sock.detach())
        self.setblocking(False)

    def send(self, data: "Buffer", flags: int = 0) -> int:
        """Send. Raises BlockingIOError while stalled."""
        if self.stalled:
            raise BlockingIOError
        return super().send(data, flags)


class BlockingChannel:
    """The server's side of TLS on an accepted socket, after the handshake."""

    def __init__(self, sock: socket.SocketType, context: ssl.SSLContext) -> None:
        sock.setblocking(False)
        self.channel = TlsChannel(sock, context)
        while not self.channel.handshake():
            self._wait()
        self._flush()

    def read_to_end(self) -> bytes:
        """Read up to the client's end."""
        parts = []
        while part := self._when_readable(lambda: self.channel.recv(1 << 16)):
            parts.append(part)
        return b"".join(parts)

    def read(self) -> bytes:
        """Read the first data that arrives."""
        return self._when_readable(lambda: self.channel.recv(1 << 16))

    def send(self, plaintext: bytes) -> None:
        """Send everything."""
        left = memoryview(plaintext)
        while left:
            left = left[self.channel.send(left) :]
            self._flush()

    def close_notify(self) -> None:
        """End our direction: close_notify, then a FIN."""
        self.channel.shutdown(socket.SHUT_WR)
        self._flush()

    def _when_readable(self, use: Callable[[], T]) -> T:
        while True:
            try:
                return use()
            except BlockingIOError:
                self._wait()

    def _flush(self) -> None:
        while not self.channel.flush():
            self._wait()

    def _wait(self) -> None:
        writers = [self.channel] if self.channel.unsent else []
        ready = select.select([self.channel], writers, [], SECONDS)
        assert any(ready), "the client sent nothing"
