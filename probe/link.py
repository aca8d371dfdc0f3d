"""A connection with a deadline, and a bound on what is read from it."""

import socket
import time
from typing import Final

MOST_BYTES: Final = 1 << 18
"""A handshake and one page of an honest server take a tenth of it."""


USER_AGENT: Final = "LicenseGate-probe"
"""The probe's name, to the gate and to the target."""


class LinkTimeout(Exception):  # noqa: N818  the name says it
    """Nothing came in time."""


class Link:
    """A connected socket that is used until `deadline`, a time of `time.monotonic`."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline
        self._unread = b""
        self.received = 0

    def send(self, data: bytes) -> None:
        """Send everything. Raises LinkTimeout, or OSError."""
        self._sock.settimeout(max(self._deadline - time.monotonic(), 0.001))
        try:
            self._sock.sendall(data)
        except TimeoutError:
            raise LinkTimeout from None

    def receive(self, seconds: float) -> bytes:
        """Return what comes within `seconds`: b"" at the end of the connection, after a reset or too many bytes.

        Raises LinkTimeout.
        """
        if self._unread:
            data, self._unread = self._unread, b""
            return data
        if self.received > MOST_BYTES:
            return b""
        left = min(seconds, self._deadline - time.monotonic())
        if left <= 0:
            raise LinkTimeout
        self._sock.settimeout(left)
        try:
            data = self._sock.recv(16384)
        except TimeoutError:
            raise LinkTimeout from None
        except OSError:
            data = b""
        self.received += len(data)
        return data

    def begin_with(self, data: bytes) -> None:
        """Return these bytes at the next `receive`, and count from them on."""
        self._unread = data
        self.received = len(data)

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()
