"""Pauses in long work of a thread, so that tunnels are served meanwhile.

The event loop shares Python's interpreter lock with all threads, and gives it up at each system call: beside a thread
that computes without a pause, each call of the loop would wait for 5 ms.
"""

import time
from typing import Final

_SLICE_SECONDS: Final = 0.001


class Pauses:
    """Work in slices of a millisecond, with as long a pause after each."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def pause(self) -> None:
        """Pause if a slice is over. Called after each small part of the work."""
        if time.monotonic() - self._since > _SLICE_SECONDS:
            time.sleep(_SLICE_SECONDS)
            self._since = time.monotonic()
