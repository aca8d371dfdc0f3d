"""A client that speaks TLS to the gate over a socket, within a test's event loop, and ends each direction when told."""

import asyncio
import contextlib
import socket
import ssl
from pathlib import Path

from licensegate.certs.identity import ServerIdentity, load_key_pair, server_context
from support.certificates import Issued, issue
from support.tls_memory import MemoryTlsClient, client_context

GATE = issue()


def identity(*chain: Issued, client_ca: Path | None = None) -> ServerIdentity:
    """What the gate shows: this certificate and those after it, by default one of its own for gate.example."""
    shown = chain or (GATE,)
    pems = [issued.pem for issued in shown]
    context = server_context(client_ca)
    load_key_pair(context, pems, shown[0].key_pem())
    return ServerIdentity(context, pems, (), "a test")


IDENTITY = identity()


class TlsClient:
    """TLS on a connected, non-blocking socket. It reads nothing that it was not asked for."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext | None = None, name: str = "gate.example") -> None:
        self.sock = sock
        self.tls = MemoryTlsClient(context or client_context(None), name)
        self._unsent = b""
        self._heard = b""

    async def handshake(self) -> None:
        """Carry the handshake to its end; raises ssl.SSLError if the gate's certificate will not do, having said so."""
        try:
            while not self.tls.handshake():
                await self._flush()
                ciphertext = await self._receive()
                assert ciphertext, "the gate ended the connection in the handshake"
                self.tls.feed(ciphertext)
        finally:
            await self._flush()

    async def send(self, plaintext: bytes) -> None:
        """Encrypt, and send all of it."""
        self._unsent += self.tls.encrypt(plaintext)
        await self._flush()

    def try_send(self, plaintext: bytes = b"") -> bool:
        """Encrypt, and send what the socket takes now; whether that was all. The rest goes first the next time."""
        self._unsent += self.tls.encrypt(plaintext)
        with contextlib.suppress(BlockingIOError):
            self._unsent = self._unsent[self.sock.send(self._unsent) :]
        return not self._unsent

    async def close_notify(self, *, with_tcp: bool = False) -> None:
        """Say close_notify, and end TCP's direction behind it or leave it open; the gate may go on talking."""
        self._heard += self.tls.decrypt()  # what `end` meets there would be an error
        self._unsent += self.tls.close_notify()
        await self._flush()
        if with_tcp:
            self.sock.shutdown(socket.SHUT_WR)

    async def receive(self, size: int | None = None) -> bytes:
        """Read `size` bytes, or everything up to the gate's close_notify or the end or reset of the connection."""
        while size is None or len(self._heard) < size:
            ciphertext = b"" if self.received_close_notify else await self._receive()
            if not ciphertext:
                break
            self._heard += self.tls.decrypt(ciphertext)
        size = len(self._heard) if size is None else size
        heard, self._heard = self._heard[:size], self._heard[size:]
        return heard

    @property
    def received_close_notify(self) -> bool:
        """Whether the gate has said close_notify behind all that was read."""
        self._heard += self.tls.decrypt()
        return self.tls.received_close_notify

    async def _flush(self) -> None:
        ciphertext, self._unsent = self._unsent + self.tls.take_ciphertext(), b""
        await asyncio.get_running_loop().sock_sendall(self.sock, ciphertext)

    async def _receive(self) -> bytes:
        with contextlib.suppress(ConnectionResetError):
            return await asyncio.get_running_loop().sock_recv(self.sock, 65536)
        return b""
