"""Reads files off the event loop, so that a disk or network mount that hangs delays only what is read from it."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from .run_in_thread import run_in_thread

_T = TypeVar("_T")

_BRIEFLY_SECONDS: Final = 1.0


class OffLoop:
    """Runs blocking reads, `at_most` so many at a time, each in a thread.

    A read cannot be stopped. One whose caller no longer waits runs on and keeps its place, and without a place the next
    one waits, so that reads which hang do not pile up threads.
    """

    def __init__(self, at_most: int = 1) -> None:
        self._at_most = at_most
        self._reading: set[asyncio.Future[Any]] = set()
        self.hangs = False
        """Whether a read of `run_briefly` has not ended in time."""

    async def run(self, read: Callable[[], _T], unwanted: Callable[[_T], None] = lambda result: None) -> _T:
        """Return what `read` returns, or raise what it raises.

        If the caller no longer waits for it, `unwanted` takes the result.
        """
        while len(self._reading) >= self._at_most:
            await asyncio.wait(self._reading, return_when=asyncio.FIRST_COMPLETED)
        reading = asyncio.ensure_future(run_in_thread(read, "reading files"))
        self._reading.add(reading)
        reading.add_done_callback(self._reading.discard)
        try:
            return await asyncio.shield(reading)
        except asyncio.CancelledError:
            reading.add_done_callback(partial(_pass_on, unwanted))
            raise

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
            if not self._reading:  # the error of a read that ended
                raise
            self.hangs = True
            for reading in self._reading:
                reading.add_done_callback(self._ended)
            return otherwise

    def _ended(self, _: object) -> None:
        self.hangs = False


def _pass_on(take: Callable[[_T], None], reading: asyncio.Future[_T]) -> None:
    if not reading.cancelled() and reading.exception() is None:
        take(reading.result())
