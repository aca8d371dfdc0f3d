"""A TLS client of the gate in a test's event loop, which can end each direction by itself."""

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
    """A gate's identity with this certificate chain, by default one certificate for gate.example."""
    shown = chain or (GATE,)
    pems = [issued.pem for issued in shown]
    context = server_context(client_ca)
    load_key_pair(context, pems, shown[0].key_pem())
    return ServerIdentity(context, pems, (), "a test")


IDENTITY = identity()


class TlsClient:
    """TLS on a connected, non-blocking socket. It reads only when asked to."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext | None = None, name: str = "gate.example") -> None:
        self.sock = sock
        self.tls = MemoryTlsClient(context or client_context(None), name)
        self._unsent = b""
        self._heard = b""

    async def handshake(self) -> None:
        """Complete the handshake. Raises ssl.SSLError, after the alert, if the gate's certificate is not trusted."""
        try:
            while not self.tls.handshake():
                await self._flush()
                ciphertext = await self._receive()
                assert ciphertext, "the gate ended the connection in the handshake"
                self.tls.feed(ciphertext)
        finally:
            await self._flush()

    async def send(self, plaintext: bytes) -> None:
        """Encrypt and send everything."""
        self._unsent += self.tls.encrypt(plaintext)
        await self._flush()

    def try_send(self, plaintext: bytes = b"") -> bool:
        """Encrypt, and send as much as the socket takes now. Returns True if that was everything; the rest is kept."""
        self._unsent += self.tls.encrypt(plaintext)
        with contextlib.suppress(BlockingIOError):
            self._unsent = self._unsent[self.sock.send(self._unsent) :]
        return not self._unsent

    async def close_notify(self, *, with_tcp: bool = False) -> None:
        """Send close_notify, and with `with_tcp` a FIN after it. Reading may continue."""
        self._heard += self.tls.decrypt()  # unread data would make `close_notify` fail
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
        """Whether the gate sent close_notify after everything that was read."""
        self._heard += self.tls.decrypt()
        return self.tls.received_close_notify

    async def _flush(self) -> None:
        ciphertext, self._unsent = self._unsent + self.tls.take_ciphertext(), b""
        await asyncio.get_running_loop().sock_sendall(self.sock, ciphertext)

    async def _receive(self) -> bytes:
        with contextlib.suppress(ConnectionResetError):
            return await asyncio.get_running_loop().sock_recv(self.sock, 65536)
        return b""
