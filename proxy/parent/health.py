"""A parent proxy's health: one that fails is left out for a while, longer each time. No I/O."""

from typing import Final

_FIRST_PAUSE: Final = 10.0
_LONGEST_PAUSE: Final = 300.0


class ParentHealth:
    """The health of one parent. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._pause = 0.0
        self.left_out_until = 0.0

    def is_left_out(self, now: float) -> bool:
        """Whether other parents should be tried instead."""
        return now < self.left_out_until

    def failed(self, now: float) -> float:
        """Leave the parent out, and return for how many seconds; 0 if it is left out already.

        So tunnels that fail at the same time count as one failure.
        """
        if self.is_left_out(now):
            return 0.0
        self._pause = min(2 * self._pause, _LONGEST_PAUSE) or _FIRST_PAUSE
        self.left_out_until = now + self._pause
        return self._pause

    def answered(self) -> bool:
        """Use the parent again: it answered. Returns whether it had been failing."""
        was_failing = self._pause > 0
        self._pause = self.left_out_until = 0.0
        return was_failing
