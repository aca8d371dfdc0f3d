"""Decides which password is checked next, so that guesses from many sources do not keep right logins waiting.

A source is a `client_block`. Logins are served by their standing, and within one standing the sources take turns. The
queue is bounded by the time its checks take, because passwords differ a thousandfold in cost. No I/O, no clock.
"""

import enum
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Standing(enum.IntEnum):
    """What is known of a login before its password is checked. A lower number is served sooner."""

    PROVEN = 0
    """This user logged in from this source before."""

    NEW = 1
    """Neither proven nor failed."""

    FAILED = 2
    """A login of this source was wrong lately."""


_P, _N, _F = Standing
_TURNS: Final = (_P, _N, _P, _N, _P, _N, _P, _F)
"""Whose turn it is while logins of every standing wait. Failed ones get every eighth check."""


class CheckQueue(Generic[T]):
    """At most `seconds` of work, `at_most` items, and `per_source` items of one source.

    A single item is accepted whatever its cost.
    """

    def __init__(self, seconds: float, at_most: int, per_source: int) -> None:
        self._limit = seconds
        self._at_most = at_most
        self._per_source = per_source
        self._places: dict[T, tuple[Standing, str]] = {}
        self._lanes: dict[Standing, dict[str, dict[T, float]]] = {standing: {} for standing in Standing}
        self._turn = 0
        self.seconds = 0.0

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, item: T) -> bool:
        return item in self._places

    def put(self, item: T, source: str, standing: Standing, seconds: float) -> list[T]:
        """Queue an item that takes so many seconds. Returns the items that give way, this one if it is refused.

        If the queue is full, the newest item of a lower standing gives way, else the newest of a source that has more
        items waiting than this one would have.
        """
        if sum(len(lane.get(source, ())) for lane in self._lanes.values()) >= self._per_source:
            return [item]
        gave_way: list[T] = []
        while self._places and (self.seconds + seconds > self._limit or len(self._places) >= self._at_most):
            victim = self._victim(source, standing)
            if victim is None:
                return [*gave_way, item]
            self.remove(victim)
            gave_way.append(victim)
        self._insert(item, source, standing, seconds)
        return gave_way

    def take(self) -> T | None:
        """Remove and return the next item; None if there is none."""
        preferred = _TURNS[self._turn]
        self._turn = (self._turn + 1) % len(_TURNS)
        for standing in (preferred, *Standing):
            lane = self._lanes[standing]
            if lane:
                source = next(iter(lane))
                item = next(iter(lane[source]))
                self.remove(item)
                if source in lane:
                    lane[source] = lane.pop(source)  # now the last
                return item
        return None

    def remove(self, item: T) -> bool:
        """Remove an item. Returns whether it was queued."""
        place = self._places.pop(item, None)
        if place is None:
            return False
        standing, source = place
        lane = self._lanes[standing]
        self.seconds -= lane[source].pop(item)
        if not lane[source]:
            del lane[source]
        if not self._places:
            self.seconds = 0.0  # without what rounding has left
        return True

    def remove_source(self, source: str) -> list[T]:
        """Remove and return all items of a source."""
        items = [item for lane in self._lanes.values() for item in lane.get(source, ())]
        for item in items:
            self.remove(item)
        return items

    def demote(self, source: str) -> None:
        """A login of this source was wrong: its logins that are not proven count as failed."""
        for item, seconds in list(self._lanes[Standing.NEW].get(source, {}).items()):
            self.remove(item)
            self._insert(item, source, Standing.FAILED, seconds)

    def _insert(self, item: T, source: str, standing: Standing, seconds: float) -> None:
        self._places[item] = standing, source
        self._lanes[standing].setdefault(source, {})[item] = seconds
        self.seconds += seconds

    def _victim(self, source: str, standing: Standing) -> T | None:
        """The item that gives way to a new one of `source`; None if the new one has to."""
        for lower in reversed(Standing):
            lane = self._lanes[lower]
            if lower < standing:
                break
            if lane:
                fullest = max(lane.values(), key=len)
                if lower > standing or len(fullest) > len(lane.get(source, ())) + 1:
                    return next(reversed(fullest))
        return None
