"""The values between a log's writer and the place it writes to: lines, severities, losses. Pure."""

import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct


class Severity(enum.IntEnum):
    """How bad a line is: RFC 5424 section 6.2.1, and the priorities of sd-daemon(3)."""

    EMERGENCY = 0
    ALERT = 1
    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6
    DEBUG = 7


class Loss(enum.StrEnum):
    """Why a line was not written in full."""

    QUEUE_FULL = "queue_full"
    NOT_CONNECTED = "not_connected"
    TOO_LONG = "too_long"
    DISK_FULL = "disk_full"
    WRITE_ERROR = "write_error"
    AT_STOP = "at_stop"


class LogLine(Struct, frozen=True, gc=False):
    """One line, without its end. `time` is in seconds since the epoch."""

    text: bytes
    severity: Severity
    time: float


class WriteResult(Struct):
    """What came of a write: how many of the first lines are done with, and how many of those were lost, by reason.

    `fault` says why not all were written, and what to change; empty if all went well.
    """

    done: int
    lost: Mapping[Loss, int] = {}
    fault: str = ""


class LogSink(Protocol):
    """A place that takes lines. `LineWriter` calls all but `overflow` from its thread.

    `shared`: another process writes to the same place. `overflow` is why lines find no room in the queue.
    """

    shared: bool

    @property
    def overflow(self) -> Loss:
        """The reason under which lines that find no room in the queue are counted."""

    def write(self, lines: Sequence[LogLine], is_over: Callable[[], bool]) -> WriteResult:
        """Write lines in order. Lines beyond `done` are given again. Gives up soon once `is_over()` is true."""

    def hurry(self) -> None:
        """Try at the next write, however long ago the last one failed: there may be no later one."""

    def close(self) -> None:
        """Let go of the place."""
