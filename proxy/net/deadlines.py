"""Every time limit of a client connection, checked by one sweep a second: no timer per connection.

All who wait for one deadline wait equally long, so the order in which they began is the order in which they expire.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, Protocol

from ..protocol.states import TIME_LIMITS, State, TimeLimit
from ..settings import Limits
from .poller import Owner

LINGER_SECONDS: Final = 2
ANNOUNCE_SECONDS: Final = 60
"""A tunnel that is open for so long is logged while it is."""


class DeadlineOwner(Owner, Protocol):
    """Whoever may be late."""

    def deadline_passed(self, deadline: "Deadline") -> None:
        """The time that `begin` started is over."""


class Deadline:
    """One time limit, in seconds, and those for whom it runs. Times are those of `time.monotonic`."""

    __slots__ = ("_expires", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._expires: OrderedDict[DeadlineOwner, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._expires)

    def begin(self, owner: DeadlineOwner, now: float) -> None:
        """Start the time for `owner`, or start it anew."""
        self._expires[owner] = now + self.seconds
        self._expires.move_to_end(owner)

    def stop(self, owner: DeadlineOwner) -> None:
        """It no longer runs for `owner`."""
        self._expires.pop(owner, None)

    def expired(self, now: float) -> Iterator[DeadlineOwner]:
        """Take out, one by one, those whose time is over."""
        while self._expires:
            owner, expires = next(iter(self._expires.items()))
            if expires > now:
                return
            del self._expires[owner]
            yield owner


class Deadlines:
    """The deadlines that go with one set of limits. `of_state` holds the one that runs in each state."""

    def __init__(self, limits: Limits) -> None:
        self.head = Deadline(limits.head_seconds)
        self.handshake = Deadline(limits.head_seconds)
        self.login = Deadline(limits.head_seconds)
        self.hello = Deadline(limits.hello_seconds)
        self.dial = Deadline(limits.dial_seconds)
        self.idle = Deadline(limits.idle_seconds)
        self.half_closed = Deadline(limits.half_closed_seconds)
        self.linger = Deadline(LINGER_SECONDS)
        self.announce = Deadline(ANNOUNCE_SECONDS)
        by_limit = {
            TimeLimit.HEAD: self.head,
            TimeLimit.HANDSHAKE: self.handshake,
            TimeLimit.LOGIN: self.login,
            TimeLimit.DIAL: self.dial,
            TimeLimit.HELLO: self.hello,
            TimeLimit.ANNOUNCE: self.announce,
            TimeLimit.LINGER: self.linger,
        }
        self.of_state: dict[State, Deadline | None] = {
            state: None if limit is None else by_limit[limit] for state, limit in TIME_LIMITS.items()
        }
        self._all = (*by_limit.values(), self.idle, self.half_closed)

    @property
    def run_for_anybody(self) -> bool:
        """Whether one of them runs."""
        return any(self._all)

    def sweep(self, now: float) -> Iterator[tuple[DeadlineOwner, Deadline]]:
        """Everybody whose time is over, and which one."""
        for deadline in self._all:
            for owner in deadline.expired(now):
                yield owner, deadline
