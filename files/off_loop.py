"""Reads files off the event loop: a disk or network mount that hangs delays nothing but what is read from it."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from .run_in_thread import run_in_thread

_T = TypeVar("_T")


class OffLoop:
    """Runs blocking reads one at a time, each in a thread.

    A read cannot be stopped. One whose caller no longer waits runs on, and the next one waits for it, so that reads
    which hang do not pile up threads.
    """

    def __init__(self) -> None:
        self._reading: asyncio.Future[Any] | None = None

    async def run(self, read: Callable[[], _T]) -> _T:
        """Return what `read` returns, or raise what it raises."""
        while self._reading is not None and not self._reading.done():
            await asyncio.wait({self._reading})
        reading = asyncio.ensure_future(run_in_thread(read, "reading files"))
        self._reading = reading
        return await asyncio.shield(reading)
