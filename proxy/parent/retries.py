"""When a refused password may be tried again: later each time, and only if it was accepted before.

A parent may refuse a right password in a bad hour, while its directory is out of reach. One that no parent ever
accepted is wrong, and trying it again could lock the account. No I/O; times are seconds of a steady clock.
"""

from typing import Final

_WAITS: Final = (300.0, 1800.0, 3600.0)
"""After the first refusal, the second, and each later one."""


class PasswordRetries:
    """The refusals of one password."""

    def __init__(self) -> None:
        self._was_accepted = False
        self._refusals = 0
        self._due = 0.0

    @property
    def wait(self) -> float | None:
        """The wait after the last refusal; None if the password is not tried again."""
        return _WAITS[min(self._refusals, len(_WAITS)) - 1] if self._was_accepted and self._refusals else None

    def accepted(self) -> None:
        """A parent accepted the password."""
        self._was_accepted = True
        self._refusals = 0

    def refused(self, now: float) -> None:
        """A parent refused the password."""
        self._refusals += 1
        self._due = now + (self.wait or 0.0)

    def is_due(self, now: float) -> bool:
        """Whether the refused password may be tried again."""
        return self.wait is not None and now >= self._due
