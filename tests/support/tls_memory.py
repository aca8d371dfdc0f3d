"""The client's side of TLS between two buffers in memory, so that tests control every byte."""

import contextlib
import ssl
from pathlib import Path
from typing import Protocol

VERSIONS = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}

FORGED_RECORD = r"(?i)bad.record.mac|record.layer.failure"
"""What OpenSSL says of a forged record; the second since version 3.2."""


class TlsServer(Protocol):
    """The server's side of a handshake, such as a `TlsLayer`."""

    def feed(self, ciphertext: bytes) -> None:
        """Take ciphertext from the client."""

    def handshake(self) -> bool:
        """Continue the handshake."""

    def take_ciphertext(self) -> bytes:
        """Return the ciphertext to send to the client."""


def client_context(authority: Path | None, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """A client's context that trusts this PEM file, or any certificate, and allows this TLS version, or any."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if authority is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(authority)
    return context


class MemoryTlsClient:
    """A TLS client in memory: ciphertext comes in through `feed` and goes out through `take_ciphertext`."""

    def __init__(
        self, context: ssl.SSLContext, name: str = "gate.example", session: ssl.SSLSession | None = None
    ) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name, session=session)

    def feed(self, ciphertext: bytes) -> None:
        """Take ciphertext from the server."""
        self._incoming.write(ciphertext)

    def take_ciphertext(self) -> bytes:
        """Return the ciphertext to send to the server."""
        return self._outgoing.read()

    def handshake(self) -> bool:
        """Continue the handshake. Returns True once it is complete."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
            return True
        return False

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt plaintext. Returns the ciphertext to send to the server."""
        view = memoryview(plaintext)
        while view:
            view = view[self.tls.write(view) :]
        return self.take_ciphertext()

    def decrypt(self, ciphertext: bytes = b"") -> bytes:
        """Decrypt everything that the server has sent."""
        self.feed(ciphertext)
        parts = []
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            while part := self.tls.read(65536):
                parts.append(part)
        return b"".join(parts)

    def close_notify(self) -> bytes:
        """Send close_notify; reading may continue. Returns the ciphertext to send to the server."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        return self.take_ciphertext()

    @property
    def received_close_notify(self) -> bool:
        """Whether the server sent close_notify after the decrypted data."""
        try:
            return self.tls.read(1) == b""
        except ssl.SSLZeroReturnError:
            return True
        except ssl.SSLWantReadError:
            return False


def complete_handshake(client: MemoryTlsClient, layer: TlsServer) -> None:
    """Complete a handshake on both sides."""
    done = False
    while not done:
        done = client.handshake()
        layer.feed(client.take_ciphertext())
        done = layer.handshake() and done
        client.feed(layer.take_ciphertext())
