"""Reads files off the event loop: a disk or network mount that hangs delays nothing but what is read from it."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

from .run_in_thread import run_in_thread

_T = TypeVar("_T")

_BRIEFLY_SECONDS: Final = 1.0


class OffLoop:
    """Runs blocking reads one at a time, each in a thread.

    A read cannot be stopped. One whose caller no longer waits runs on, and the next one waits for it, so that reads
    which hang do not pile up threads.
    """

    def __init__(self) -> None:
        self._reading: asyncio.Future[Any] | None = None
        self.hangs = False
        """Whether a read of `run_briefly` has not ended in time."""

    async def run(self, read: Callable[[], _T]) -> _T:
        """Return what `read` returns, or raise what it raises."""
        while self._reading is not None and not self._reading.done():
            await asyncio.wait({self._reading})
        reading = asyncio.ensure_future(run_in_thread(read, "reading files"))
        self._reading = reading
        return await asyncio.shield(reading)

    async def run_briefly(self, read: Callable[[], _T], otherwise: _T) -> _T:
        """Return what `read` returns, or raise what it raises; `otherwise` if that takes more than a second.

        While a read hangs, `otherwise` is returned at once: it delays its own caller only.
        """
        if self.hangs:
            return otherwise
        try:
            async with asyncio.timeout(_BRIEFLY_SECONDS):
                return await self.run(read)
        except TimeoutError:
            if self._reading is None or self._reading.done():  # the error of a read that ended
                raise
            self.hangs = True
            self._reading.add_done_callback(self._ended)
            return otherwise

    def _ended(self, _: object) -> None:
        self.hangs = False
