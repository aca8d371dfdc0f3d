"""The deadlines of a client connection: one for each time limit of the state table, three of the relay."""

from collections.abc import Iterator
from typing import Final

from ..net.deadline import Deadline, DeadlineOwner
from ..protocol.states import TIME_LIMITS, State, TimeLimit
from ..settings import Limits

LINGER_SECONDS: Final = 2
ANNOUNCE_SECONDS: Final = 60
"""A tunnel that is open this long is logged while it is open."""


class Deadlines:
    """The deadlines for one set of limits. `of_state` is the one that the tunnel runs in each state.

    `lifetime` is None if tunnels may stay open as long as they are used.
    """

    def __init__(self, limits: Limits) -> None:
        self.head = Deadline(limits.head_seconds)
        self.handshake = Deadline(limits.head_seconds)
        self.login = Deadline(limits.head_seconds)
        self.hello = Deadline(limits.hello_seconds)
        self.dial = Deadline(limits.dial_seconds)
        self.idle = Deadline(limits.idle_seconds)
        self.half_closed = Deadline(limits.half_closed_seconds)
        self.lifetime = Deadline(limits.lifetime_seconds) if limits.lifetime_seconds else None
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
        self.of_state[State.LINGERING] = None  # `Lingering` runs its own
        self._all = (*by_limit.values(), self.idle, self.half_closed)
        if self.lifetime is not None:
            self._all += (self.lifetime,)

    @property
    def in_use(self) -> bool:
        """Whether any of them runs."""
        return any(self._all)

    def sweep(self, now: float) -> Iterator[tuple[DeadlineOwner, Deadline]]:
        """Remove every late owner, and return it with the deadline it missed."""
        for deadline in self._all:
            for owner in deadline.expired(now):
                yield owner, deadline
