"""A connection for the gate's own probe: one tunnel to one target, without a login.

It is one end of a socket pair, so only the process that is given the other end can use it, and the snapshot allows that
target alone. Its record has the event `probe`.
"""

import socket
from typing import Final

from licensegate.records.record import open_record

from ..net.poller import READ
from ..protocol.snapshot import Snapshot
from .context import TunnelContext
from .tunnel import Tunnel

PROBE_CLIENT: Final = "127.0.0.1"
PROBE_LISTENER: Final = "probe"


class Invitation:
    """Waits for the first bytes; then a tunnel takes over. `theirs` is the end for the probe process."""

    def __init__(self, context: TunnelContext, snapshot: Snapshot) -> None:
        self._context = context
        self._snapshot = snapshot
        ours, self.theirs = socket.socketpair()
        ours.setblocking(False)
        self._ours: socket.socket | None = ours
        context.poller.watch(ours.fileno(), READ, self)

    def ready(self, descriptor: int, events: int) -> None:
        """The probe process asks for its tunnel, or has ended."""
        ours = self._ours
        if ours is None:
            return
        self._ours = None
        self._context.poller.forget(descriptor)
        record = open_record(PROBE_CLIENT, 0, PROBE_LISTENER)
        record.event = "probe"
        tunnel = Tunnel(self._context, self._snapshot, ours, record)
        self._context.poller.run(tunnel, tunnel.begin)

    def crashed(self, error: Exception) -> None:
        """A fault in the gate."""
        self.withdraw()

    def withdraw(self) -> None:
        """Close the connection unless a tunnel has it; the caller's end in any case."""
        self.theirs.close()
        if self._ours is not None:
            self._context.poller.close(self._ours)
            self._ours = None
