"""Finds the item of the largest size in constant time. Pure."""

from typing import Generic, TypeVar

T = TypeVar("T")


class BySize(Generic[T]):
    """Items by a small whole number. Of several with one size, the first that was put comes first."""

    __slots__ = ("_most", "_sizes")

    def __init__(self) -> None:
        self._sizes: list[dict[T, None]] = [{}]
        self._most = 0  # at least the largest size

    def put(self, item: T, size: int) -> None:
        """Add an item."""
        while size >= len(self._sizes):
            self._sizes.append({})
        self._sizes[size][item] = None
        if size > self._most:
            self._most = size

    def take(self, item: T, size: int) -> None:
        """Remove an item that was put with this size."""
        del self._sizes[size][item]

    @property
    def largest_size(self) -> int:
        """The largest size; 0 if there is no item."""
        while self._most and not self._sizes[self._most]:
            self._most -= 1
        return self._most

    def largest(self) -> T:
        """The first item of the largest size. Raises StopIteration if there is none."""
        return next(iter(self._sizes[self.largest_size]))
