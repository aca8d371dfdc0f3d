"""Which clients were asked to log in and never did, told by their next contacts.

The answer to a 407 comes on another connection, so only the source address links them. A client that asks again after a
while, still without a login, has none to send, or will not send it to us: an old CUCM, or Java that was offered Basic
alone. Bounded: who was asked longest ago is forgotten first. No I/O; the clock is handed in.
"""

import time
from collections.abc import Callable
from typing import Final

ANSWERED_WITHIN_SECONDS: Final = 5.0
"""Whoever can log in does so at once; until then he may have opened several connections side by side."""

_REMEMBERED: Final = 4096


class _Asked:
    __slots__ = ("at", "unanswered")

    def __init__(self, at: float) -> None:
        self.at = at
        self.unanswered = 0


class UnansweredChallenges:
    """Who was asked. `clock` is any steady time in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, remembered: int = _REMEMBERED) -> None:
        self._clock = clock
        self._remembered = remembered
        self._asked: dict[str, _Asked] = {}

    def __len__(self) -> int:
        return len(self._asked)

    def ask(self, client: str) -> int:
        """The client is asked to log in; how many times it was before, and never answered."""
        now = self._clock()
        asked = self._asked.pop(client, None)
        if asked is None:
            asked = _Asked(now)
            if len(self._asked) >= self._remembered:
                del self._asked[next(iter(self._asked))]
        elif now - asked.at > ANSWERED_WITHIN_SECONDS:
            asked.unanswered += 1
            asked.at = now
        self._asked[client] = asked
        return asked.unanswered

    def answered(self, client: str) -> None:
        """The client sent a login, be it right or wrong."""
        if self._asked:
            self._asked.pop(client, None)
