"""Gives free memory back to the system.

CPython frees a large buffer to the C library, and glibc keeps what is not at the top of its heap: after a flood of
large ClientHellos, all of it.
"""

import ctypes
from collections.abc import Callable
from typing import Final

_trim: Final[Callable[[int], int] | None] = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc only


def give_back_memory() -> None:
    """Return the C library's free pages to the system (malloc_trim(3)). Takes about a millisecond per 5 MB."""
    if _trim is not None:
        _trim(0)
