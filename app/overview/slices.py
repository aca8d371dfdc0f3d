"""Long work in slices of time, so that it does not delay the tunnels."""

import asyncio
import time
from collections.abc import Iterable
from typing import Final, TypeVar

_SLICE_SECONDS: Final = 0.001
"""How long work may hold the event loop at a time, plus the item in progress."""

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
