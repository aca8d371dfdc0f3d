"""The access log: one line per record. JSON (`docs/records.md`), text for people, or squid's native format.

A client with too many records in a second gets summaries (`log_limit`). Writing never blocks a tunnel; the lines
dropped instead are counted (`app/logs`).
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from licensegate.app.logs.file_sink import FileSink
from licensegate.app.logs.line_writer import LineWriter
from licensegate.app.logs.open_sink import longest_line, open_sink
from licensegate.app.logs.sink import LogLine, LogSink
from licensegate.app.settings import Log
from licensegate.app.terminal import is_coloured, is_journal
from licensegate.records.log_reader import LogEntry
from licensegate.records.outcome import ONCE_AN_HOUR, PROBES
from licensegate.records.record import TunnelRecord

from .hourly import OnceAnHour
from .json_lines import JsonLines
from .log_limit import LogLimit
from .observer import Observer
from .severity import severity_of
from .squid_lines import squid_line
from .text_lines import TextLines, TimeStamp

_log = logging.getLogger(__name__)


class AccessLog(Observer):
    """Writes records as `settings` say. Raises LogPlaceError. Only summaries need a running event loop.

    `sink` is what `open_access_log` returned for these settings; without it, the log is opened here.
    """

    def __init__(self, settings: Log, sink: LogSink | None = None) -> None:
        sink = open_access_log(settings) if sink is None else sink
        self._encode = _encoder(settings, sink, os.environ)
        self._writer = LineWriter(sink, "access log", _log.log)
        self._limit = LogLimit(settings.lines_per_client)
        self._summary_timer: asyncio.TimerHandle | None = None
        self._once_an_hour = OnceAnHour()

    @property
    def losses(self) -> Mapping[str, int]:
        """The number of lines that were not written in full, by reason."""
        return self._writer.losses

    @property
    def dropped(self) -> int:
        """The number of lines that were not written in full."""
        return self._writer.dropped

    def observe(self, records: Sequence[TunnelRecord]) -> None:
        """Queue a line for each start and end. Probes, the gate's own and a balancer's, are not logged."""
        limit = self._limit
        limit.begin(int(time.monotonic()))
        admitted = []
        for record in records:
            if record.outcome in PROBES or record.event == "probe":
                continue
            logged = self._once_an_hour.thinned(record) if record.outcome in ONCE_AN_HOUR else record
            if logged is not None and limit.admits(logged):
                admitted.append(logged)
        if admitted:
            self._put(admitted)
        if limit.has_summaries and self._summary_timer is None:
            self._summary_timer = asyncio.get_running_loop().call_later(1, self._write_summaries)

    def adopt(self, settings: Log, sink: LogSink) -> None:
        """Write as `settings` say from now on.

        `sink` is what `open_access_log` returned for them, perhaps for the same path after a rotation.
        """
        self._encode = _encoder(settings, sink, os.environ)
        self._writer.write_to(sink)
        self._limit.lines_per_client = settings.lines_per_client

    def share(self, shared: bool) -> None:
        """Whether another process writes this log, too: then whole lines are written at a time."""
        self._writer.share(shared)

    def close(self) -> None:
        """Write the waiting lines; give up if the reader has stalled."""
        if self._summary_timer is not None:
            self._summary_timer.cancel()
        self._write_summaries()
        self._writer.close()

    def _write_summaries(self) -> None:
        self._summary_timer = None
        self._put(self._limit.take_summaries())

    def _put(self, entries: Iterable[LogEntry]) -> None:
        encode, now = self._encode, time.time()
        lines = [LogLine(text, severity_of(entry), now) for entry in entries if (text := encode(entry))]
        self._writer.put_all(lines)


def open_access_log(settings: Log) -> LogSink:
    """Open the place of the access log for `AccessLog`. Waits if it is on a mount that hangs. Raises LogPlaceError."""
    return open_sink(settings.access, "log.access", settings.syslog)


def _encoder(settings: Log, sink: LogSink, environ: Mapping[str, str]) -> Callable[[LogEntry], bytes]:
    """How a line looks there: by `log.format`; with `auto`, text on a terminal and JSON everywhere else."""
    descriptor = sink.descriptor if isinstance(sink, FileSink) else None
    is_terminal = descriptor is not None and os.isatty(descriptor)
    if settings.format == "squid":
        return squid_line
    if settings.format == "json" or (settings.format == "auto" and not is_terminal):
        return JsonLines(longest_line(sink)).encode
    if descriptor is None or is_journal(descriptor, environ):
        return TextLines(TimeStamp.NONE).encode
    if is_terminal:
        return TextLines(TimeStamp.CLOCK, coloured=is_coloured(descriptor, environ)).encode
    return TextLines(TimeStamp.DATE).encode
