"""Ends our side of a connection and lets the peer read what it was sent (RFC 9112 section 9.6).

If we closed while the peer still sends, the kernel would answer with a reset, and the peer would lose what it has not
read yet: the refusal, or the last bytes before the other side reset.
"""

import contextlib
import socket
import time
from collections.abc import Callable
from typing import Final

from licensegate.records.record import RefusalTaken

from ..net.channel import Channel, TlsChannel
from ..net.deadline import Deadline
from ..net.poller import WRITE, Poller
from .reading import watch_for_reading

_READ: Final = 1 << 16
_DISCARDED_AT_MOST: Final = 1 << 20


class Lingering:
    """Reads and discards until the peer ends, the deadline passes or 1 MiB was discarded, then calls `done` once.

    `done` gets what the peer did, or None after a fault in the gate. The owner closes the socket.
    """

    __slots__ = ("_deadline", "_discarded", "_done", "_poller", "_sock", "_tls")

    def __init__(
        self, poller: Poller, deadline: Deadline, sock: Channel, done: Callable[[RefusalTaken | None], None]
    ) -> None:
        self._poller = poller
        self._deadline = deadline
        self._sock = sock
        self._tls = sock if isinstance(sock, TlsChannel) else None
        self._done = done
        self._discarded = 0
        with contextlib.suppress(OSError):  # the peer has reset already: the first read reports it
            sock.shutdown(socket.SHUT_WR)
        deadline.begin(self, time.monotonic())
        self._watch()

    def ready(self, descriptor: int, events: int) -> None:
        """The peer sent bytes or ended, or the rest of the answer can be written."""
        try:
            if events & WRITE and self._tls is not None:
                self._tls.flush()
            size = len(self._sock.recv(_READ))
        except BlockingIOError:
            self._watch()
            return
        except OSError:
            self._end(RefusalTaken.RESET)
            return
        self._discarded += size
        if size == 0:
            self._end(RefusalTaken.CLOSED)
        elif self._discarded > _DISCARDED_AT_MOST:
            self._end(RefusalTaken.SENT_ON)
        else:
            self._watch()

    def deadline_passed(self, deadline: Deadline) -> None:
        """The peer had enough time."""
        self._end(RefusalTaken.STAYED)

    def crashed(self, error: Exception) -> None:
        """A fault in the gate."""
        self._end(None)

    def stop(self) -> None:
        """Stop the deadline, because the owner closes the socket now."""
        self._deadline.stop(self)

    def _watch(self) -> None:
        watch_for_reading(self._poller, self._sock, self)

    def _end(self, taken: RefusalTaken | None) -> None:
        self.stop()
        self._done(taken)
