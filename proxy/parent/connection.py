"""One connection to a parent proxy, awaited: TLS to the parent itself, requests out, answers in.

Its descriptor is watched by the gate's poller while somebody waits for it, and then no more: what is handed over as the
tunnel's is an ordinary non-blocking connection.
"""

import asyncio
import contextlib
import socket
import ssl
from typing import Final

from ..net.channel import Channel, TlsChannel
from ..net.poller import READ, WRITE, Poller
from ..wire.tls_layer import TlsFailure
from .protocol.connect_response import ConnectResponse, ConnectResponseError, body_size, read_connect_response

_READ_BYTES: Final = 16384


class EndedError(Exception):
    """The parent ended or broke the connection; `str()` says which. `silently`: without a byte of an answer."""

    def __init__(self, how: str, *, silently: bool) -> None:
        super().__init__(how)
        self.silently = silently


class ParentConnection:
    """Connected by `sock`, which belongs to it until it is closed or released."""

    def __init__(self, loop: asyncio.AbstractEventLoop, poller: Poller, sock: Channel) -> None:
        self._loop = loop
        self._poller = poller
        self._channel = sock
        self._ready: asyncio.Future[None] | None = None
        self._received = b""
        self._answer: ConnectResponse | None = None

    async def secure(self, context: ssl.SSLContext, server_name: str) -> None:
        """Speak TLS from now on, with the server of this name. Raises TlsFailure or OSError."""
        sock = self._channel
        if not isinstance(sock, socket.socket):
            raise RuntimeError("this connection speaks TLS already")
        channel = TlsChannel(sock, context, server_name=server_name)
        self._channel = channel
        while not channel.handshake():
            await self._wait(READ | WRITE if channel.unsent else READ)
        await self._flush()

    async def ask(self, request: bytes) -> ConnectResponse:
        """Send a request and read the head of its answer; raises EndedError, ConnectResponseError or TlsFailure."""
        try:
            await self._send(request)
            while (answer := read_connect_response(self._received)) is None:
                await self._receive()
        except TlsFailure:
            raise
        except OSError as error:
            raise EndedError(f"it broke off: {error.strerror}", silently=not self._received) from None
        self._received = self._received[answer.size :]
        self._answer = answer
        return answer

    async def can_be_used_again(self) -> bool:
        """Read past the body of the last answer; whether the connection takes another request after that."""
        answer = self._answer
        if answer is None or not answer.keeps:
            return False
        try:
            while (size := body_size(answer, self._received)) is None:
                await self._receive()
        except (ConnectResponseError, EndedError, OSError):
            return False
        whole = size == len(self._received)  # what nobody asked for belongs to no answer
        self._received = b""
        return whole

    def release(self) -> tuple[Channel, bytes]:
        """Hand it over, with what was received behind the last head; it is not this object's any more."""
        return self._channel, self._received

    def close(self) -> None:
        """Close it."""
        if isinstance(self._channel, TlsChannel):
            with contextlib.suppress(OSError):
                self._channel.shutdown(socket.SHUT_WR)
        self._poller.close(self._channel)

    def ready(self, descriptor: int, events: int) -> None:
        """What is waited for has come."""
        self._poller.forget(descriptor)
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(None)

    def crashed(self, error: Exception) -> None:
        """A fault in the gate."""
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)

    async def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._channel.send(rest) :]
            except BlockingIOError:
                await self._wait(WRITE)
        await self._flush()

    async def _flush(self) -> None:
        channel = self._channel
        while isinstance(channel, TlsChannel) and not channel.flush():
            await self._wait(WRITE)

    async def _receive(self) -> None:
        """Add what comes next; raises EndedError at the end, and OSError."""
        while True:
            try:
                data = self._channel.recv(_READ_BYTES)
            except BlockingIOError:
                await self._wait(READ)
                continue
            if not data:
                raise EndedError("it ended the connection", silently=not self._received)
            self._received += data
            return

    async def _wait(self, events: int) -> None:
        descriptor = self._channel.fileno()
        self._ready = self._loop.create_future()
        self._poller.watch(descriptor, events, self)
        try:
            await self._ready
        finally:
            self._ready = None
            self._poller.forget(descriptor)
