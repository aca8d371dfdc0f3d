"""The access log: one line per record, to a file or to standard output. JSON (`docs/records.md`), or text for people.

A client with too many records in a second gets summaries (`log_limit`). Writing never blocks a tunnel; the lines
dropped instead are counted (`line_writer`).
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec

from licensegate.app.settings import Log
from licensegate.app.terminal import is_coloured, is_journal
from licensegate.records.log_reader import LogEntry
from licensegate.records.outcome import ONCE_AN_HOUR, PROBES
from licensegate.records.record import TunnelRecord

from .hourly import OnceAnHour
from .line_writer import LineWriter
from .log_limit import LogLimit
from .log_place import open_place, place_name
from .observer import Observer
from .text_lines import TextLines, TimeStamp

_log = logging.getLogger(__name__)


class AccessLog(Observer):
    """Writes records as `settings` say. Raises LogPlaceError. Only summaries need a running event loop.

    `opened` is the descriptor that `open_place` returned for these settings; without it, the log is opened here.
    """

    def __init__(self, settings: Log, opened: int | None = None) -> None:
        opened = open_place(settings.access, "log.access") if opened is None else opened
        self._encode = _encoder(settings, opened, os.environ)
        self._writer = LineWriter(opened, f"access log {place_name(settings.access)}", _log.error)
        self._limit = LogLimit(settings.lines_per_client)
        self._summary_timer: asyncio.TimerHandle | None = None
        self._once_an_hour = OnceAnHour()

    @property
    def dropped(self) -> int:
        """The number of lines that were not written in full."""
        return self._writer.dropped

    def observe(self, records: Sequence[TunnelRecord]) -> None:
        """Queue a line for each start and end. Probes, the gate's own and a balancer's, are not logged."""
        limit = self._limit
        limit.begin(int(time.monotonic()))
        for record in records:
            if record.outcome in PROBES or record.event == "probe":
                continue
            logged = self._once_an_hour.thinned(record) if record.outcome in ONCE_AN_HOUR else record
            if logged is not None and limit.admits(logged):
                self._writer.put(self._encode(logged) + b"\n")
        if limit.has_summaries and self._summary_timer is None:
            self._summary_timer = asyncio.get_running_loop().call_later(1, self._write_summaries)

    def adopt(self, settings: Log, opened: int) -> None:
        """Write as `settings` say from now on.

        `opened` is the descriptor that `open_place` returned for them, perhaps for the same path after a rotation.
        """
        self._encode = _encoder(settings, opened, os.environ)
        self._writer.write_to(opened)
        self._limit.lines_per_client = settings.lines_per_client

    def share(self, shared: bool) -> None:
        """Whether another process writes this log, too: then whole lines are written at a time."""
        self._writer.shared = shared

    def close(self) -> None:
        """Write the waiting lines; give up if the reader has stalled."""
        if self._summary_timer is not None:
            self._summary_timer.cancel()
        self._write_summaries()
        self._writer.close()

    def _write_summaries(self) -> None:
        self._summary_timer = None
        for summary in self._limit.take_summaries():
            self._writer.put(self._encode(summary) + b"\n")


def _encoder(settings: Log, opened: int, environ: Mapping[str, str]) -> Callable[[LogEntry], bytes]:
    """How a line looks there: by `log.format`; with `auto`, text on a terminal and JSON everywhere else."""
    is_terminal = os.isatty(opened)
    if settings.format == "json" or (settings.format == "auto" and not is_terminal):
        return msgspec.json.Encoder().encode
    if is_terminal:
        return TextLines(TimeStamp.CLOCK, coloured=is_coloured(opened, environ)).encode
    return TextLines(TimeStamp.NONE if is_journal(opened, environ) else TimeStamp.DATE).encode
