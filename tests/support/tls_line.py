"""A TLS channel and its client, side by side in memory and on a socket."""

import contextlib
import random
import socket
import ssl
from pathlib import Path

from licensegate.certs.identity import load_identity
from licensegate.proxy.net.channel import TlsChannel
from support.blocking_channel import StalledSocket
from support.certificates import issue
from support.sockets import socket_pair, spin_until, unread_bytes
from support.tls_memory import MemoryTlsClient, client_context

RECORD = 1 << 14

BLOB = random.Random(4).randbytes(1 << 20)


class Line:
    """A TLS client with its socket, and the gate's channel at the other end."""

    def __init__(self, folder: Path, version: ssl.TLSVersion | None = None, *, buffer: int = 0) -> None:
        certificate, key = issue().write(folder)
        self.context = load_identity(certificate, key).context
        self.client = MemoryTlsClient(client_context(certificate, version))
        self.socket, self.gate = socket_pair(buffer=buffer)
        self.channel = TlsChannel(self.gate, self.context, b"")

    def close(self) -> None:
        self.channel.close()
        self.socket.close()

    def connect(self) -> None:
        """Complete the handshake on both sides."""
        done = False

        def step() -> None:
            nonlocal done
            self.client.handshake()
            self.send_ciphertext(self.client.take_ciphertext())
            done = self.channel.handshake() or done
            self.receive()

        spin_until(lambda: done and self.client.handshake(), step)

    def send_ciphertext(self, ciphertext: bytes) -> None:
        """Send ciphertext to the channel, which does not read meanwhile."""
        left = memoryview(ciphertext)
        while left:
            left = left[self.socket.send(left) :]

    def send(self, plaintext: bytes) -> None:
        """Encrypt, send, and wait until it has arrived."""
        ciphertext = self.client.encrypt(plaintext)
        self.send_ciphertext(ciphertext)
        spin_until(lambda: unread_bytes(self.gate) >= len(ciphertext))

    def close_notify(self) -> None:
        """Send close_notify and a FIN."""
        self.send_ciphertext(self.client.close_notify())
        self.socket.shutdown(socket.SHUT_WR)

    def receive(self) -> None:
        """Feed the client with everything that has arrived."""
        with contextlib.suppress(BlockingIOError):
            while ciphertext := self.socket.recv(65536):
                self.client.feed(ciphertext)

    def decrypt(self) -> bytes:
        """Decrypt everything that the client can read now."""
        self.receive()
        return self.client.decrypt()

    def read(self, size: int) -> bytes:
        """Read `size` bytes from the channel."""
        heard = b""

        def step() -> None:
            nonlocal heard
            with contextlib.suppress(BlockingIOError):
                heard += self.channel.recv(size - len(heard))

        spin_until(lambda: len(heard) == size, step)
        return heard


def stall(line: Line, *, stalled: bool = True) -> None:
    """Stall or resume sending to the client."""
    if not isinstance(line.channel.sock, StalledSocket):
        line.gate = line.channel.sock = StalledSocket(line.gate)
    line.channel.sock.stalled = stalled
