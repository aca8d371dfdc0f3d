"""Long work in slices of time, so that it does not delay the tunnels."""

import asyncio
import heapq
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

_SLICE_SECONDS: Final = 0.001
"""How long work may hold the event loop at a time, plus the item in progress."""

_SORTED_AT_ONCE: Final = 300

_Item = TypeVar("_Item")


async def gathered(items: Iterable[_Item]) -> list[_Item]:
    """Make all items. Lets the event loop run whenever a slice is over."""
    made = []
    until = time.monotonic() + _SLICE_SECONDS
    for item in items:
        made.append(item)
        if time.monotonic() >= until:
            await asyncio.sleep(0)
            until = time.monotonic() + _SLICE_SECONDS
    return made


async def in_order(items: Sequence[_Item], key: Callable[[_Item], Any]) -> list[_Item]:
    """Sort, in parts that are then merged. Lets the event loop run meanwhile."""
    starts = range(0, len(items), _SORTED_AT_ONCE)
    parts = await gathered(sorted(items[start : start + _SORTED_AT_ONCE], key=key) for start in starts)
    return await gathered(heapq.merge(*parts, key=key))
