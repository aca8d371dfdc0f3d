"""Dials a target without a tunnel, to find out whether it can be reached. Sends nothing; the result is a record."""

import time
from collections.abc import Callable

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord, milliseconds, open_record

from ..dial.dialer import PendingDial
from ..net.channel import Channel
from ..net.deadline import Deadline
from .context import TunnelContext


class Probe:
    """Dials as a tunnel would, with the same time limit, and hangs up. Calls `done` once, with the record.

    The record's event is `probe`. It has no client and no listener, and an outcome only if the dial failed.
    """

    def __init__(
        self, context: TunnelContext, target: Target, rule: Rule, done: Callable[[TunnelRecord], None]
    ) -> None:
        self._context = context
        self._target = target
        self._rule = rule
        self._done = done
        self._deadline = context.deadlines.dial
        self._pending_dial: PendingDial | None = None
        self._began = time.monotonic()
        self._ended = False
        self.record = open_record("", 0, "")
        self.record.event = "probe"
        self.record.target = str(target)
        self.record.rule = str(rule)

    def begin(self) -> None:
        """Start the dial. It may end before this returns."""
        self._deadline.begin(self, self._began)
        self._pending_dial = self._context.dialer.prepare(self._target, self._rule, self)
        self._pending_dial.start()

    def connected(self, upstream: Channel, received: bytes = b"") -> None:
        """The target is reached."""
        self._context.poller.close(upstream)
        self._end()

    def dial_failed(self, outcome: Outcome, detail: str) -> None:
        """The target is not reached."""
        self.record.end(outcome, detail)
        self._end()

    def deadline_passed(self, deadline: Deadline) -> None:
        """The dial took too long."""
        if self._pending_dial is not None:
            self.dial_failed(*self._pending_dial.abandon())

    def ready(self, descriptor: int, events: int) -> None:
        """Never called: a probe watches no descriptor."""

    def crashed(self, error: Exception) -> None:
        """A fault in the gate."""
        if self._pending_dial is not None:
            self._pending_dial.abandon()
        if not self._ended:
            self.dial_failed(Outcome.INTERNAL_ERROR, type(error).__name__)

    def _end(self) -> None:
        self._ended = True
        self._pending_dial = None
        self._deadline.stop(self)
        self.record.total_ms = milliseconds(time.monotonic() - self._began)
        self._done(self.record)
