"""How a parent proxy has done lately: one that fails is left out for a while, each time for longer. Pure."""

from typing import Final

_FIRST_PAUSE: Final = 10.0
_LONGEST_PAUSE: Final = 300.0


class ParentHealth:
    """One parent's. Times are those of a monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._pause = 0.0
        self.left_out_until = 0.0

    def is_left_out(self, now: float) -> bool:
        """Whether others are to be tried instead."""
        return now < self.left_out_until

    def failed(self, now: float) -> float:
        """It could not be used; for how many seconds it is left out, 0 if it is already.

        What fails at the same time fails once.
        """
        if self.is_left_out(now):
            return 0.0
        self._pause = min(2 * self._pause, _LONGEST_PAUSE) or _FIRST_PAUSE
        self.left_out_until = now + self._pause
        return self._pause

    def answered(self) -> bool:
        """It does answer, whatever it said; whether that is news."""
        was_failing = self._pause > 0
        self._pause = self.left_out_until = 0.0
        return was_failing
