"""The access log: one line per record, to a file or to standard output. JSON (`docs/records.md`), or text for people.

A client with too many records in a second gets summaries (`log_limit`). Writing never blocks a tunnel; the lines
dropped instead are counted (`line_writer`).
"""

import asyncio
import contextlib
import errno
import logging
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from licensegate.app.settings import Log
from licensegate.app.terminal import STANDARD_OUTPUT, is_coloured, is_journal
from licensegate.records.log_reader import LogEntry
from licensegate.records.outcome import ONCE_AN_HOUR, PROBES
from licensegate.records.record import TunnelRecord

from .hourly import OnceAnHour
from .line_writer import LineWriter
from .log_limit import LogLimit
from .observer import Observer
from .text_lines import TextLines, TimeStamp

_PACKAGED: Final = "; the packaged unit makes /var/log/licensegate for it"

_log = logging.getLogger(__name__)


class AccessLogError(Exception):
    """The access log cannot be opened. Names the file, the reason and the setting."""


class NoReaderError(AccessLogError):
    """The access log is a pipe without a reader, which may start later."""


class AccessLog(Observer):
    """Writes records as `settings` say. Raises AccessLogError. Only summaries need a running event loop.

    `opened` is the descriptor that `open_log` returned for these settings; without it, the log is opened here.
    """

    def __init__(self, settings: Log, opened: int | None = None) -> None:
        opened = open_log(settings) if opened is None else opened
        self._encode = _encoder(settings, opened, os.environ)
        place = "on standard output" if settings.access == "-" else settings.access
        self._writer = LineWriter(opened, f"access log {place}", _log.error)
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

    @contextlib.contextmanager
    def adopting(self, settings: Log, opened: int) -> Iterator[None]:
        """Write as `settings` say once the block has ended without an error.

        `opened` is the descriptor that `open_log` returned for them, perhaps for the same path after a rotation.
        """
        try:
            yield
        except BaseException:
            close_log(opened)
            raise
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


def open_log(settings: Log) -> int:
    """Open the place of the access log for `AccessLog`. Waits if it is on a mount that hangs. Raises AccessLogError."""
    destination = settings.access
    if destination == "-":
        return STANDARD_OUTPUT
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe would wait for its reader
    try:
        opened = os.open(destination, flags, 0o640)
    except OSError as error:
        kind = NoReaderError if error.errno == errno.ENXIO and _is_pipe(destination) else AccessLogError
        raise kind(f"log.access: cannot write {destination}: {_remedy(destination, error)}") from error
    os.set_blocking(opened, True)
    return opened


def close_log(opened: int) -> None:
    """Close what `open_log` returned, if nothing will be written to it."""
    if opened != STANDARD_OUTPUT:
        os.close(opened)


def _encoder(settings: Log, opened: int, environ: Mapping[str, str]) -> Callable[[LogEntry], bytes]:
    """How a line looks there: by `log.format`; with `auto`, text on a terminal and JSON everywhere else."""
    is_terminal = os.isatty(opened)
    if settings.format == "json" or (settings.format == "auto" and not is_terminal):
        return msgspec.json.Encoder().encode
    if is_terminal:
        return TextLines(TimeStamp.CLOCK, coloured=is_coloured(opened, environ)).encode
    return TextLines(TimeStamp.NONE if is_journal(opened, environ) else TimeStamp.DATE).encode


def _is_pipe(destination: str) -> bool:
    return stat.S_ISFIFO(os.stat(destination).st_mode)


def _remedy(destination: str, error: OSError) -> str:
    """Why the file cannot be opened, and what to change."""
    folder = os.path.dirname(os.path.realpath(destination))
    match error.errno:
        case errno.ENXIO if _is_pipe(destination):
            return "this pipe has no reader; start the reader first"
        case errno.ENXIO:
            return "it is a socket; name a file"
        case errno.ENOENT:
            return f"there is no folder {folder}; make it for the gate's user{_PACKAGED}"
        case errno.ENOTDIR:
            return f"{folder} is not a folder; name a file in one"
        case errno.EACCES | errno.EPERM | errno.EROFS if os.path.exists(destination):
            return f"{error.strerror}; let the gate's user write to it"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"{error.strerror}; let the gate's user write in {folder}{_PACKAGED}"
        case errno.EISDIR:
            return "it is a folder; name a file in it"
        case _:
            return error.strerror or str(error)
