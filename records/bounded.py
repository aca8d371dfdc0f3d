"""A dictionary of bounded size: when it is full, a new entry replaces the oldest one."""

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class BoundedDict(OrderedDict[K, V]):
    """At most `most` entries, oldest first. Write with `put` and `get_or_add` only; read like any dictionary.

    An entry for which `may_go` returns False is never dropped. If it is False for all, the dictionary grows beyond
    `most`. Ordered, because a plain dictionary searches for its oldest entry among those that were dropped: 10 us at
    4096 entries, in a flood of new ones.
    """

    __slots__ = ("_may_go", "most")

    def __init__(self, most: int, may_go: Callable[[V], bool] | None = None) -> None:
        super().__init__()
        self.most = most
        self._may_go = may_go

    def put(self, key: K, value: V) -> None:
        """Set an entry and make it the newest. Drops the oldest one if the dictionary is full."""
        if key in self:
            self[key] = value
            self.move_to_end(key)
            return
        if len(self) >= self.most:
            self._drop_oldest()
        self[key] = value

    def get_or_add(self, key: K, make: Callable[[], V]) -> V:
        """The entry of this key, which becomes the newest; `make` makes one if there is none."""
        if key in self:
            self.move_to_end(key)
        else:
            self.put(key, make())
        return self[key]

    def _drop_oldest(self) -> None:
        may_go = self._may_go
        if may_go is None:
            self.popitem(last=False)
            return
        for key, value in self.items():
            if may_go(value):
                del self[key]
                return
