"""The interface of an observer. `registry` lists all observers."""

from collections.abc import Sequence
from typing import Protocol

from licensegate.records.record import TunnelRecord


class Observer(Protocol):
    """Reads the records of a gate. A subclass inherits a `close` that does nothing.

    A record's `event` is the `start` of a long tunnel, the `end` of a connection, or the `probe` of a target. It skips
    the events that it does not use.
    """

    def observe(self, records: Sequence[TunnelRecord]) -> None:
        """Take the records of one batch. Runs on the event loop, so it must not block."""

    def close(self) -> None:
        """Release what it holds. Called once, after the last record."""
        return
