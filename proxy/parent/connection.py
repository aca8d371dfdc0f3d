"""One connection to a parent proxy, with coroutines: TLS to the parent, requests out, responses in.

The gate's poller watches the descriptor only while a coroutine waits for it, so the tunnel gets an ordinary
non-blocking connection.
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


class ConnectionClosedError(Exception):
    """The parent closed or reset the connection; `before_answer` is true if no byte of a response had come."""

    def __init__(self, detail: str, *, before_answer: bool) -> None:
        super().__init__(detail)
        self.before_answer = before_answer


class ParentConnection:
    """Owns `sock` until it is closed or released."""

    def __init__(self, loop: asyncio.AbstractEventLoop, poller: Poller, sock: Channel) -> None:
        self._loop = loop
        self._poller = poller
        self._channel = sock
        self._ready: asyncio.Future[None] | None = None
        self._received = b""
        self._response: ConnectResponse | None = None

    async def start_tls(self, context: ssl.SSLContext, server_name: str) -> None:
        """Perform the TLS handshake with the server of this name. Raises TlsFailure or OSError."""
        sock = self._channel
        if not isinstance(sock, socket.SocketType):
            raise RuntimeError("this connection speaks TLS already")
        channel = TlsChannel(sock, context, server_name=server_name)
        self._channel = channel
        while not channel.handshake():
            await self._wait(READ | WRITE if channel.unsent else READ)
        await self._flush()

    async def ask(self, request: bytes) -> ConnectResponse:
        """Send a request and read the head of its response.

        Raises ConnectionClosedError, ConnectResponseError or TlsFailure.
        """
        try:
            await self._send(request)
            while (response := read_connect_response(self._received)) is None:
                await self._receive()
        except TlsFailure:
            raise
        except OSError as error:
            raise ConnectionClosedError(f"it broke off: {error.strerror}", before_answer=not self._received) from None
        self._received = self._received[response.size :]
        self._response = response
        return response

    async def is_reusable(self) -> bool:
        """Skip the body of the last response, and return whether the connection takes another request."""
        response = self._response
        if response is None or not response.keeps_alive:
            return False
        try:
            while (size := body_size(response, self._received)) is None:
                await self._receive()
        except (ConnectResponseError, ConnectionClosedError, OSError):
            return False
        whole = size == len(self._received)  # surplus bytes belong to no response
        self._received = b""
        return whole

    def release(self) -> tuple[Channel, bytes]:
        """Give up the connection, with the bytes received after the last head."""
        return self._channel, self._received

    def close(self) -> None:
        """Close the connection, with close_notify if it speaks TLS."""
        if isinstance(self._channel, TlsChannel):
            with contextlib.suppress(OSError):
                self._channel.shutdown(socket.SHUT_WR)
        self._poller.close(self._channel)

    def ready(self, descriptor: int, events: int) -> None:
        """Wake the coroutine that waits; see `Owner`."""
        self._poller.forget(descriptor)
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(None)

    def crashed(self, error: Exception) -> None:
        """Raise a fault of the gate in the coroutine that waits."""
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
        """Wait for more bytes. Raises ConnectionClosedError at the end, and OSError."""
        while True:
            try:
                data = self._channel.recv(_READ_BYTES)
            except BlockingIOError:
                await self._wait(READ)
                continue
            if not data:
                raise ConnectionClosedError("it closed the connection", before_answer=not self._received)
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
