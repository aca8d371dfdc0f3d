"""The warnings of `licensegate check` about the settings in force, found once for each."""

import logging
from collections.abc import Callable, Iterable, Sequence

from licensegate.app.settings import Settings
from licensegate.files.off_loop import OffLoop

_log = logging.getLogger(__name__)


class SettingsWarnings:
    """Finds the warnings of the settings in force by `find`, which may read files, off the event loop."""

    def __init__(self, settings: Callable[[], Settings], find: Callable[[Settings], Iterable[str]]) -> None:
        self._settings = settings
        self._find = find
        self._off_loop = OffLoop()
        self._judged: Settings | None = None
        self._found: Sequence[str] = ()

    async def found(self) -> Sequence[str]:
        """The warnings, in English. A file that hangs makes it answer without them."""
        settings = self._settings()
        if self._judged is not settings:
            warnings = await self._off_loop.run_briefly(lambda: self._read(settings), None)
            if warnings is None:
                return ()
            self._judged, self._found = settings, warnings
        return self._found

    def _read(self, settings: Settings) -> Sequence[str] | None:
        try:
            return tuple(self._find(settings))
        except Exception as error:  # files that the gate has read may have become unusable meanwhile
            _log.debug("the settings cannot be judged: %s", error)
            return ()
