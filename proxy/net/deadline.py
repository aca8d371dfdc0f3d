"""A time limit for many connections at once, without a timer per connection: one sweep a second finds the late ones.

Every owner of one deadline has the same number of seconds, so owners expire in the order in which they began.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Protocol

from .poller import Owner


class DeadlineOwner(Owner, Protocol):
    """An owner that may be late."""

    def deadline_passed(self, deadline: "Deadline") -> None:
        """The time that `begin` started is over."""


class Deadline:
    """One time limit in seconds, and the owners it runs for. Times are those of `time.monotonic`."""

    __slots__ = ("_expires", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._expires: OrderedDict[DeadlineOwner, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._expires)

    def begin(self, owner: DeadlineOwner, now: float) -> None:
        """Start the time for `owner`, or restart it."""
        self._expires[owner] = now + self.seconds
        self._expires.move_to_end(owner)

    def stop(self, owner: DeadlineOwner) -> None:
        """Stop the time for `owner`, if it runs."""
        self._expires.pop(owner, None)

    def expired(self, now: float) -> Iterator[DeadlineOwner]:
        """Remove the owners whose time is over, one at a time."""
        while self._expires:
            owner, expires = next(iter(self._expires.items()))
            if expires > now:
                return
            del self._expires[owner]
            yield owner
