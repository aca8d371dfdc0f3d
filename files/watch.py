"""Notices that files have changed, and loads them anew while the gate serves: its certificate, and who may log in."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

_T = TypeVar("_T")


class FileWatch(Generic[_T]):
    """Keeps what was last loaded well in `value`.

    `load` reads the `files` and raises an error of its own where they cannot be used: the first time to whoever makes
    the watch, later to whoever looks.
    """

    def __init__(self, load: Callable[[], _T], files: Iterable[Path]) -> None:
        self._load = load
        self._files = tuple(files)
        self._seen = self._stamps()
        self.value = load()

    def look(self) -> bool:
        """Whether there is a new value. Raises what `load` raises once per change that is refused; the old one stays.

        Looks at sizes, times and inodes first, so that looking often costs nothing. A certificate that comes before its
        key is refused, and taken once the key is there, too.
        """
        stamps = self._stamps()  # before loading: what changes meanwhile is seen the next time
        if stamps == self._seen:
            return False
        self._seen = stamps
        self.value = self._load()
        return True

    def _stamps(self) -> list[tuple[int, int, int] | None]:
        return [_stamp(file) for file in self._files]


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        status = os.stat(file)  # follows links, as Kubernetes changes a mounted secret by moving one
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
