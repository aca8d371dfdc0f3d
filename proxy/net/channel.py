"""A socket seen through TLS: used like a non-blocking socket, by whoever relays.

What is read and written here is plaintext; the ciphertext goes through a `TlsLayer`. Memory stays bounded: no more is
received than the caller's buffer has room for, and nothing is encrypted while earlier ciphertext waits for the socket.
It never watches a descriptor, and never decides what a failure means.
"""

import contextlib
import errno
import os
import socket
import ssl
from typing import Final, Protocol

from ..wire.tls_layer import TlsFailure, TlsLayer
from ..wire.tls_records import RECORD_PAYLOAD

_FEED: Final = RECORD_PAYLOAD
"""Bytes that the layer is fed at a time: OpenSSL's memory buffers keep the size of the most that they ever held."""

_IN_ONE_GO: Final = 9 * _FEED
"""Bytes of ciphertext: enough for 128 KiB in full records. A client that sends nothing but the smallest, or key updates
of which no plaintext comes, may not keep the others waiting."""

_UNSENT_AT_MOST: Final = 1 << 16
"""A peer that asks for key updates without end, and reads none, is not read from any further."""

_ciphertext: Final = memoryview(bytearray(_FEED))  # one for all: what is received is fed at once
_plaintext: Final = memoryview(bytearray(1 << 16))  # one for all: what is read is copied for the caller


class Channel(Protocol):
    """What a tunnel, a relay and a flow need of a peer's connection: a plain socket has it, and so has a TlsChannel."""

    def fileno(self) -> int:
        """The descriptor to watch."""

    def recv(self, size: int, /) -> bytes:
        """Read; b"" at the peer's end."""

    def recv_into(self, buffer: memoryview, /) -> int:
        """Read into a buffer; 0 at the peer's end."""

    def send(self, data: bytes | memoryview, /) -> int:
        """Write as much as is taken."""

    def shutdown(self, how: int, /) -> None:
        """End our side."""

    def close(self) -> None:
        """Close it."""


class TlsChannel:
    """TLS on a connected, non-blocking socket: the server's side, or with a `server_name` the client's of that server.

    `sock` is that socket, `layer` what is known of the connection: its version, its ALPN, the client's identity.
    `received` are the bytes read before TLS was decided, from the first of the ClientHello on.

    `unsent` means that ciphertext waits: call `flush` when the socket can be written. `pending` means that reading
    would return something although the socket has nothing more to say.
    """

    __slots__ = ("_broken", "_closing", "_end_waits", "_half_closed", "_left", "_unsent", "layer", "sock")

    def __init__(
        self, sock: socket.socket, context: ssl.SSLContext, received: bytes = b"", server_name: str = ""
    ) -> None:
        self.sock = sock
        self.layer = TlsLayer(context, server_name)
        self.layer.feed(received)
        self._unsent = memoryview(b"")
        self._end_waits = False  # an end or an error was met behind data, which was returned first
        self._broken = 0  # the errno with which the socket broke: it says so only once
        self._closing = False
        self._half_closed = False
        self._left = 0  # bytes to be received in this go

    def handshake(self) -> bool:
        """Go on with the handshake; whether it is complete. If not: call again when the socket can be read.

        Raises TlsFailure, having sent the alert as far as the socket takes it, or the socket's OSError.
        """
        self._left = _IN_ONE_GO
        while True:
            try:
                complete = self.layer.handshake()
            except TlsFailure:
                self._answer()
                raise
            self.flush()
            if complete:
                return True
            if not self._receive(_FEED):
                return False

    def recv(self, size: int) -> bytes:
        """Return at most `size` bytes of plaintext and at most 64 KiB, b"" at the end; raises as `recv_into` does."""
        taken = self.recv_into(_plaintext[:size])
        return bytes(_plaintext[:taken])

    def recv_into(self, buffer: bytearray | memoryview) -> int:
        """Fill the buffer with what is there; how much that was, 0 at the peer's end.

        Raises BlockingIOError if nothing is there yet, or too much without a byte for us; TlsFailure; or the socket's
        OSError.
        """
        self._end_waits = False
        self._left = _IN_ONE_GO
        plaintext = memoryview(buffer)
        filled = 0
        try:
            while filled < len(plaintext):
                size = self._read(plaintext[filled:])
                if size == 0:
                    self._end_waits = filled > 0
                    break
                filled += size
        except BlockingIOError:
            if not filled:
                raise
        except OSError:
            if not filled:
                raise
            self._end_waits = True  # what the layer or the socket cannot go on for is told again at the next read
        finally:
            self._answer()
        return filled

    def send(self, data: bytes | memoryview) -> int:
        """Encrypt and send; how much of the data was taken: 16 KiB at least, and no more once the socket takes no more.

        Raises BlockingIOError if earlier ciphertext still waits, BrokenPipeError after `shutdown`, TlsFailure, or the
        socket's OSError.
        """
        if self._unsent and not self.flush():
            raise BlockingIOError(errno.EAGAIN, "earlier bytes wait to be sent")
        plaintext = memoryview(data)
        taken = 0
        while taken < len(plaintext):
            taken += self.layer.write(plaintext[taken : taken + RECORD_PAYLOAD])
            if not self.flush():
                break
        return taken

    def shutdown(self, how: int) -> None:
        """End our direction (`SHUT_WR`, the only one there is): close_notify, then TCP's end when all is sent.

        Data still flows the other way. Raises TlsFailure or the socket's OSError.
        """
        if how != socket.SHUT_WR:
            raise ValueError("a TLS channel can only end what it sends")
        self.layer.close_write()
        self._closing = True
        self.flush()

    def flush(self) -> bool:
        """Send what waits and finish a shutdown; whether nothing waits any more. Raises the socket's OSError."""
        ciphertext = self.layer.take_ciphertext()
        if ciphertext and not self._half_closed:
            self._unsent = memoryview(bytes(self._unsent) + ciphertext if self._unsent else ciphertext)
        if self._unsent:
            self._unsent = self._unsent[self._send(self._unsent) :]
        if self._unsent:
            return False
        if self._closing and not self._half_closed:
            self._half_closed = True
            self.sock.shutdown(socket.SHUT_WR)
        return True

    @property
    def unsent(self) -> bool:
        """Whether ciphertext waits for the socket."""
        return bool(self._unsent)

    @property
    def pending(self) -> bool:
        """Whether reading would return, or try, something without anything more from the socket."""
        return self._end_waits or self.layer.pending

    def fileno(self) -> int:
        """The socket's descriptor; -1 once closed."""
        return self.sock.fileno()

    def close(self) -> None:
        """Close the socket, without a word."""
        self.sock.close()

    def _read(self, buffer: memoryview) -> int:
        while True:
            try:
                return self.layer.read_into(buffer)
            except BlockingIOError:
                if not self._receive(len(buffer)):
                    raise

    def _receive(self, room: int) -> bool:
        """Feed the layer with what the socket has; whether it had anything, and this go is not over."""
        if self._left <= 0:
            return False
        if len(self._unsent) > _UNSENT_AT_MOST:
            self._broken = errno.ENOBUFS
        if self._broken:
            raise OSError(self._broken, os.strerror(self._broken))
        try:
            size = self.sock.recv_into(_ciphertext, min(room, _FEED))
        except BlockingIOError:
            return False
        except OSError as error:
            self._broken = error.errno or errno.EIO
            raise
        self._left -= size
        if size:
            self.layer.feed(_ciphertext[:size])
        else:
            self.layer.feed_end()
        return True

    def _send(self, ciphertext: bytes | memoryview) -> int:
        try:
            return self.sock.send(ciphertext)
        except BlockingIOError:
            return 0

    def _answer(self) -> None:
        """Send what reading made the layer say: an alert, a key update. That this fails, the next `send` will tell."""
        with contextlib.suppress(OSError):
            self.flush()
