"""When to ask one product next. Pure: a steady clock's seconds in, the next time out.

A product is asked at most once in its interval, whether it answers or not. Failures in a row double the wait, up to a
day or the interval, whichever is longer. Up to a tenth of the interval is added at random, so that gates which started
together do not ask together.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

_FIRST_LEAST: Final = 60.0
_FIRST_MOST: Final = 600.0
_LONGEST: Final = 86400.0
_JITTER: Final = 0.1


class AskSchedule:
    """The times of one product. `chance` returns a random number from 0 to 1."""

    def __init__(self, every: float, now: float, chance: Callable[[], float]) -> None:
        self._every = every
        self._chance = chance
        self.failures = 0
        self.due = now + _FIRST_LEAST + (_FIRST_MOST - _FIRST_LEAST) * chance()

    def answered(self, now: float) -> None:
        """The product answered."""
        self.failures = 0
        self._wait(now, self._every)

    def failed(self, now: float, wait: timedelta | None = None) -> None:
        """The product did not answer; `wait` is how long it wants to be left alone."""
        self.failures += 1
        doubled = self._every * 2.0 ** min(self.failures - 1, 10)
        longest = max(self._every, _LONGEST)
        self._wait(now, max(min(doubled, longest), 0.0 if wait is None else wait.total_seconds()))

    def _wait(self, now: float, seconds: float) -> None:
        self.due = now + seconds + self._every * _JITTER * self._chance()
