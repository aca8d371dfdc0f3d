"""TLS on a socket, with the interface of a non-blocking socket.

Callers read and write plaintext; a `TlsLayer` turns it into ciphertext and back. Memory is bounded: a read receives no
more than the caller's buffer has room for, and nothing is encrypted while earlier ciphertext waits for the socket.
This module never watches a descriptor and never decides what a failure means.
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
"""Bytes to feed the layer at a time, because OpenSSL's memory buffers never shrink."""

_IN_ONE_GO: Final = 9 * _FEED
"""Bytes of ciphertext per call: enough for 128 KiB in full records. A client that sends only tiny records, or only key
updates, must not delay the others."""

_UNSENT_AT_MOST: Final = 1 << 16
"""Bytes of ciphertext. Beyond it, a peer that requests key updates and does not read the answers is not read from."""

_LAYER_BYTES: Final = 48 << 10
"""Memory of one TLS layer within its handshake, measured with OpenSSL 3; an idle one takes less than half."""

_ciphertext: Final = memoryview(bytearray(_FEED))  # shared: what is received is fed at once
_plaintext: Final = memoryview(bytearray(1 << 16))  # shared: what is read is copied for the caller


class Channel(Protocol):
    """The connection to a peer: a plain socket, or a TlsChannel."""

    def fileno(self) -> int:
        """The descriptor to watch."""

    def recv(self, size: int, /) -> bytes:
        """Read; b"" at the peer's end."""

    def recv_into(self, buffer: memoryview, /) -> int:
        """Read into a buffer; 0 at the peer's end."""

    def send(self, data: bytes | memoryview, /) -> int:
        """Write; returns how many bytes were taken."""

    def shutdown(self, how: int, /) -> None:
        """End our side."""

    def close(self) -> None:
        """Close it."""


def socket_of(channel: "Channel | None") -> socket.SocketType | None:
    """Return the socket that a channel is, or is on."""
    sock = channel.sock if isinstance(channel, TlsChannel) else channel
    return sock if isinstance(sock, socket.SocketType) else None


class TlsChannel:
    """TLS on a connected, non-blocking socket: as server, or with a `server_name` as client of that server.

    `sock` is that socket; `layer` has the connection's version, ALPN and the client's identity. `received` are the
    bytes read before TLS was recognised, starting with the ClientHello.

    `unsent`: ciphertext waits, call `flush` when the socket can be written. `pending`: a read would return something
    without new bytes from the socket.
    """

    __slots__ = ("_broken", "_closing", "_end_waits", "_half_closed", "_left", "_unsent", "layer", "sock")

    def __init__(
        self, sock: socket.SocketType, context: ssl.SSLContext, received: bytes = b"", server_name: str = ""
    ) -> None:
        self.sock = sock
        self.layer = TlsLayer(context, server_name)
        self.layer.feed(received)
        self._unsent = memoryview(b"")
        self._end_waits = False  # an end or an error follows data that was returned first
        self._broken = 0  # the errno of the socket's error, which the socket reports only once
        self._closing = False
        self._half_closed = False
        self._left = 0  # bytes that this call may still receive

    def handshake(self) -> bool:
        """Continue the handshake. Returns whether it is complete; if not, call again when the socket can be read.

        Raises TlsFailure, after sending the alert as far as the socket takes it, or the socket's OSError.
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
        """Return at most `size` bytes of plaintext, at most 64 KiB, b"" at the peer's end. Raises like `recv_into`."""
        taken = self.recv_into(_plaintext[:size])
        return bytes(_plaintext[:taken])

    def recv_into(self, buffer: bytearray | memoryview) -> int:
        """Fill the buffer with the plaintext that has arrived. Returns its length, 0 at the peer's end.

        Raises BlockingIOError if none has arrived, or none in the bytes that one call may receive; TlsFailure; or
        the socket's OSError.
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
            self._end_waits = True  # the layer or the socket raises it again at the next read
        finally:
            self._answer()
        return filled

    def send(self, data: bytes | memoryview) -> int:
        """Encrypt and send. Returns how many bytes were taken: at least 16 KiB, then as long as the socket takes more.

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
        """End our direction (only `SHUT_WR` is possible): close_notify, then TCP's FIN once everything is sent.

        The other direction stays open. Raises TlsFailure or the socket's OSError.
        """
        if how != socket.SHUT_WR:
            raise ValueError("a TLS channel can only shut down its own direction")
        self.layer.close_write()
        self._closing = True
        self.flush()

    def flush(self) -> bool:
        """Send waiting ciphertext and finish a shutdown. Returns whether none is left. Raises the socket's OSError."""
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
    def held(self) -> int:
        """About how many bytes of memory TLS takes, with the bytes that wait for the socket."""
        return _LAYER_BYTES + len(self._unsent)

    @property
    def pending(self) -> bool:
        """Whether a read would return something, or raise, without new bytes from the socket."""
        return self._end_waits or self.layer.pending

    def fileno(self) -> int:
        """The socket's descriptor; -1 once closed."""
        return self.sock.fileno()

    def close(self) -> None:
        """Close the socket without a close_notify."""
        self.sock.close()

    def _read(self, buffer: memoryview) -> int:
        while True:
            try:
                return self.layer.read_into(buffer)
            except BlockingIOError:
                if not self._receive(len(buffer)):
                    raise

    def _receive(self, room: int) -> bool:
        """Feed the layer from the socket. Returns False if nothing arrived, or if this call has received enough."""
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
        """Send what the layer answers to what it read: an alert, a key update. The next `send` reports a failure."""
        with contextlib.suppress(OSError):
            self.flush()
