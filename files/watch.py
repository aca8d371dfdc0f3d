"""Reloads changed files while the gate serves: its certificate, and the users who may log in."""

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

_T = TypeVar("_T")


class FileWatch(Generic[_T]):
    """Keeps in `value` what was last loaded without an error.

    `load` reads the `files` and raises if they cannot be used: the first time from the constructor, later from `look`
    and `reload`, which may be called from any thread.
    """

    def __init__(self, load: Callable[[], _T], files: Iterable[Path]) -> None:
        self._load = load
        self._files = tuple(files)
        self._one_at_a_time = threading.Lock()
        self._seen = self._stamps()
        self.value = load()

    def look(self) -> bool:
        """Reload the files if they changed. Returns True if there is a new value.

        Raises what `load` raises, once per change; the old value stays. Compares only sizes, times and inodes before
        loading, so frequent calls are cheap. A certificate written before its key is rejected, and loaded once the key
        has been written too.
        """
        with self._one_at_a_time:
            stamps = self._stamps()  # before loading, so that a change during it is noticed next time
            if stamps == self._seen:
                return False
            self._seen = stamps
            self.value = self._load()
            return True

    def reload(self) -> None:
        """Load the files whether they changed or not. Raises what `load` raises; the old value stays."""
        with self._one_at_a_time:
            self._seen = self._stamps()
            self.value = self._load()

    def _stamps(self) -> list[tuple[int, int, int] | None]:
        return [_stamp(file) for file in self._files]


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        status = os.stat(file)  # follows links, as Kubernetes changes a mounted secret by moving one
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
