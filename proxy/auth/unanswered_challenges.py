"""Counts the 407s that a client never answered, by its next connections.

The answer to a 407 comes on another connection, so only the source address links the two. A client that comes again
later, still without a login, has none or does not send it: an old CUCM, or Java that was offered Basic alone. Bounded:
the client asked longest ago is forgotten first. No I/O; the clock is handed in.
"""

import time
from collections.abc import Callable
from typing import Final

from licensegate.records.bounded import BoundedDict

ANSWERED_WITHIN_SECONDS: Final = 5.0
"""A client that can log in does so within this time. Until then it may open several connections side by side."""

_REMEMBERED: Final = 4096


class _Challenge:
    __slots__ = ("at", "unanswered")

    def __init__(self, at: float) -> None:
        self.at = at
        self.unanswered = 0


class UnansweredChallenges:
    """The clients that were asked to log in. `clock` is any steady time in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, remembered: int = _REMEMBERED) -> None:
        self._clock = clock
        self._asked: BoundedDict[str, _Challenge] = BoundedDict(remembered)

    def __len__(self) -> int:
        return len(self._asked)

    def ask(self, client: str) -> int:
        """Note that the client is asked to log in. Returns how many earlier challenges it never answered."""
        now = self._clock()
        challenge = self._asked.get(client)
        if challenge is None:
            challenge = _Challenge(now)
        elif now - challenge.at > ANSWERED_WITHIN_SECONDS:
            challenge.unanswered += 1
            challenge.at = now
        self._asked.put(client, challenge)
        return challenge.unanswered

    def answered(self, client: str) -> None:
        """Note that the client sent a login, right or wrong."""
        if self._asked:
            self._asked.pop(client, None)
