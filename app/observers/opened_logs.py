"""The logs that the settings name, opened before they are put in force: at the start and at a reload."""

import contextlib
from collections.abc import Callable, Iterator

from msgspec import Struct

from licensegate.app.logs.open_sink import open_sink
from licensegate.app.logs.sink import LogSink
from licensegate.app.settings import Log


class OpenedLogs(Struct, frozen=True):
    """The places of the logs; `changes` is None where changes have no place of their own."""

    access: LogSink
    service: LogSink
    changes: LogSink | None = None

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
        for sink in (self.access, self.service, self.changes):
            if sink is not None:
                sink.close()


def open_logs(settings: Log) -> OpenedLogs:
    """Open all of them. Waits if one is on a mount that hangs. Raises LogPlaceError."""
    with contextlib.ExitStack() as opened:
        sinks = {}
        for key, place in settings.places.items():
            sinks[key] = open_sink(place, key, settings.syslog)
            opened.callback(sinks[key].close)
        opened.pop_all()
    return OpenedLogs(sinks["log.access"], sinks["log.service"], sinks.get("log.changes"))
