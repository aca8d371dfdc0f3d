"""Ends our side of a connection and lets the peer read what it was sent (RFC 9112 section 9.6).

Closing at once while the peer still sends makes the kernel answer with a reset, and a reset destroys what the peer
has not read yet: the refusal, or the last bytes before the other side broke off.
"""

import contextlib
import socket
import time
from collections.abc import Callable
from typing import Final

from licensegate.records.record import RefusalTaken

from ..net.channel import Channel, TlsChannel
from ..net.deadlines import Deadline
from ..net.poller import READ, WRITE, Poller

_READ: Final = 1 << 16
_DISCARDED_AT_MOST: Final = 1 << 20


class Lingering:
    """Reads and discards until the peer ends, the deadline passes or 1 MiB was thrown away; then calls `done`, once.

    `done` is told what the peer did; None after a fault in the gate. The socket stays its owner's, who closes it.
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
        with contextlib.suppress(OSError):  # the peer has broken off already: the first read will say so
            sock.shutdown(socket.SHUT_WR)
        deadline.begin(self, time.monotonic())
        self._watch()

    def ready(self, descriptor: int, events: int) -> None:
        """Something came, or the end of it; or there is room for the rest of what was said."""
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
        """The peer had its time."""
        self._end(RefusalTaken.STAYED)

    def crashed(self, error: Exception) -> None:
        """A fault in the gate."""
        self._end(None)

    def stop(self) -> None:
        """The owner closes the socket now."""
        self._deadline.stop(self)

    def _watch(self) -> None:
        tls, descriptor = self._tls, self._sock.fileno()
        self._poller.watch(descriptor, READ | WRITE if tls is not None and tls.unsent else READ, self)
        if tls is not None and tls.pending:
            self._poller.call_again(descriptor)

    def _end(self, taken: RefusalTaken | None) -> None:
        self.stop()
        self._done(taken)
