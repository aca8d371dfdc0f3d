"""Looks for changed files while the gate serves, off the event loop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from licensegate.files.off_loop import OffLoop

CHECK_SECONDS: Final = 5
"""Interval between two looks."""

_HANGS_SECONDS: Final = 10
"""How long a look may take before it is logged as hanging."""

_log = logging.getLogger(__name__)


class Watched(Protocol):
    """Files that are reloaded when they have changed."""

    def look(self) -> bool:
        """Reload them if they changed. Called in a thread."""


class FileCheck:
    """Looks at the files of `watched()` every few seconds in a thread, and then awaits `adopt()`.

    A look raises `error` for files that cannot be used; what was read before stays in force, and `keep` is called with
    the reason. `name` is what the files hold, such as "users", and `stay` how the log says that the old ones stay.
    """

    def __init__(
        self,
        name: str,
        stay: str,
        watched: Callable[[], Watched],
        adopt: Callable[[], Awaitable[None]],
        error: type[Exception],
        keep: Callable[[str], object],
    ) -> None:
        self._name = name
        self._stay = stay
        self._watched = watched
        self._adopt = adopt
        self._error = error
        self._keep = keep
        self._off_loop = OffLoop()

    async def keep_looking(self) -> None:
        """Look until cancelled. Logs once when a look hangs, and once when it has ended."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await self._look(self._watched())
                await self._adopt()
            except self._error as error:
                self._keep(f"{self._stay}: {error}")
            except Exception:
                _log.exception("a fault in the gate ended a look at the files of the %s", self._name)

    async def _look(self, watched: Watched) -> None:
        looking = asyncio.ensure_future(self._off_loop.run(watched.look))
        try:
            if not (await asyncio.wait({looking}, timeout=_HANGS_SECONDS))[0]:
                _log.error(
                    "%s: the files have not been read for %g s; does a network mount hang?", self._stay, _HANGS_SECONDS
                )
                while not looking.done():
                    await asyncio.wait({looking}, timeout=CHECK_SECONDS)
                    if self._watched() is not watched:  # a reload has read other files
                        self._off_loop = OffLoop()
                        return
                _log.info("the files of the %s can be read again", self._name)
            looking.result()
        finally:
            looking.cancel()
