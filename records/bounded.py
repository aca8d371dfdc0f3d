"""A dictionary that clients cannot fill: when it is full, the entry that was put longest ago goes."""

from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class BoundedDict(dict[K, V]):
    """At most `most` entries, in the order in which they were put. Written by `put` alone; read like any dictionary.

    An entry for which `may_go` says no stays, and the oldest other one goes in its place; where none may go, the
    dictionary grows beyond `most`.
    """

    __slots__ = ("_may_go", "most")

    def __init__(self, most: int, may_go: Callable[[V], bool] | None = None) -> None:
        super().__init__()
        self.most = most
        self._may_go = may_go

    def put(self, key: K, value: V) -> None:
        """Set an entry and make it the newest."""
        self.pop(key, None)
        if len(self) >= self.most:
            self._drop_oldest()
        self[key] = value

    def _drop_oldest(self) -> None:
        may_go = self._may_go
        for key, value in self.items():
            if may_go is None or may_go(value):
                del self[key]
                return
