"""The logs that the settings name, opened before they are put in force: at the start and at a reload."""

import contextlib
from collections.abc import Callable, Iterator

from msgspec import Struct

from licensegate.app.settings import Log

from .log_place import close_place, open_place


class OpenedLogs(Struct, frozen=True):
    """The descriptors of the logs; `changes` is None where changes have no place of their own."""

    access: int
    changes: int | None = None

    @contextlib.contextmanager
    def adopted_by(self, adopt: "Callable[[OpenedLogs], object]") -> Iterator[None]:
        """Let `adopt` have them once the block has ended without an error; else close them."""
        try:
            yield
        except BaseException:
            self.close()
            raise
        adopt(self)

    def close(self) -> None:
        """Close them, if nothing will be written to them."""
        close_place(self.access)
        if self.changes is not None:
            close_place(self.changes)


def open_logs(settings: Log) -> OpenedLogs:
    """Open all of them. Waits if one is on a mount that hangs. Raises LogPlaceError."""
    access = open_place(settings.access, "log.access")
    try:
        return OpenedLogs(access, open_place(settings.changes, "log.changes") if settings.changes else None)
    except BaseException:
        close_place(access)
        raise
