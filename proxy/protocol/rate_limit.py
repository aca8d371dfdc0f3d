"""A limit on how often each client or user may come: so many at once, then so many per second. Pure.

A bucket of tokens for each of them. What a bucket holds follows from the time at which it will be full again, so one
number per bucket is kept (the generic cell rate algorithm, ITU-T I.371). A full bucket needs none and is forgotten.
"""

import time
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from licensegate.records.bounded import BoundedDict

_REMEMBERED: Final = 4096
"""Buckets that are not full. With more, the one used longest ago counts as full: a limit is lifted, nobody shut out."""

_ROUNDING: Final = 1e-6

K = TypeVar("K", bound=Hashable)


class RateLimit(Generic[K]):
    """`burst` at once, or what one second allows if that is more; then `per_second`.

    `clock` is any steady time in seconds.
    """

    def __init__(
        self,
        per_second: float,
        burst: int,
        clock: Callable[[], float] = time.monotonic,
        remembered: int = _REMEMBERED,
    ) -> None:
        self.per_second = per_second
        self.burst = burst
        self._clock = clock
        self._seconds_each = 1 / per_second
        self._seconds_of_all = max(burst, per_second) * self._seconds_each  # from empty to full
        self._full_at: BoundedDict[K, float] = BoundedDict(remembered)

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: K) -> float:
        """Count one more of this key and return 0. Too soon, return the seconds to wait; that one is not counted."""
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now) + self._seconds_each
        wait = full_at - now - self._seconds_of_all
        if wait > _ROUNDING:
            return wait
        self._full_at.put(key, full_at)
        self._forget_full(now)
        return 0

    def _forget_full(self, now: float) -> None:
        """Forget up to two buckets that are full: one is added at a time, so old ones go faster than new ones come."""
        for _ in range(2):
            oldest = next(iter(self._full_at))
            if self._full_at[oldest] > now:
                return
            del self._full_at[oldest]


def rate_limit(per_second: float, burst: int, earlier: RateLimit[K] | None) -> RateLimit[K] | None:
    """Return the limit with these numbers: the `earlier` one if it has them, None for 0 per second."""
    if not per_second:
        return None
    if earlier is not None and (earlier.per_second, earlier.burst) == (per_second, burst):
        return earlier
    return RateLimit(per_second, burst)
