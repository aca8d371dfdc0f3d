"""The log of who changed what: one line per change (`docs/changes.md`).

Each change is said in the service log. With `log.changes` it is also a line of JSON there; without, it is in the
service log whatever `log.level` is. Writing never blocks; lines that are lost are counted (`line_writer`).
"""

import logging
import os
from collections import deque
from typing import Any, Final

from licensegate.app.settings import Log
from licensegate.app.version import full_version
from licensegate.records.change import Change, ChangeKind, GateProcess, change_of, encoded
from licensegate.records.requester import Requester

from .line_writer import LineWriter
from .log_place import place_name

CHANGE: Final = "change"
"""The attribute of a log record that holds the change; the service log writes it as JSON if its lines are JSON."""

MOST_KEPT: Final = 200

_LEVELS: Final = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_log = logging.getLogger(__name__)
_changes = logging.getLogger(f"{__name__}.said")


class ChangeLog:
    """Writes changes as `settings` say; `opened` is the descriptor of `log.changes`, None without one.

    `recent` are the last ones of this process, the newest last.
    """

    def __init__(self, settings: Log, opened: int | None = None) -> None:
        self.recent: deque[Change] = deque(maxlen=MOST_KEPT)
        self.process: Final = GateProcess(os.getpid(), full_version())
        self._place = ""
        self._shared = False
        self._writer: LineWriter | None = None
        self._dropped_before = 0
        self._left: LineWriter | None = None
        self._use(settings, opened)
        self._set_level()

    @property
    def dropped(self) -> int:
        """The number of lines that were not written in full."""
        return self._dropped_before + (0 if self._writer is None else self._writer.dropped)

    def write(self, kind: ChangeKind, *by: Requester, what: str, **facts: Any) -> Change:
        """Write a change that has happened now, or with `ok=False` one that was refused.

        `what` and the `facts` are those of `change_of`.
        """
        change = change_of(kind, by, what, self.process, **facts)
        self.recent.append(change)
        _changes.log(_LEVELS[change.level], "%s", change.message, extra={CHANGE: change})
        self._put(change)
        return change

    def adopt(self, settings: Log, opened: int | None) -> None:
        """Write as `settings` say from now on. `opened` is what `open_logs` opened for them, perhaps after a rotation.

        If the place is another one, the next change, which says so, is also the last one at the old place.
        """
        if settings.changes == self._place:
            if self._writer is not None and opened is not None:
                self._writer.write_to(opened)
            return
        self._leave()  # of an earlier reload that no change followed
        self._left, self._writer = self._writer, None
        self._use(settings, opened)

    def share(self, shared: bool) -> None:
        """Whether another process writes this log, too: then whole lines are written at a time."""
        self._shared = shared
        if self._writer is not None:
            self._writer.shared = shared

    def close(self) -> None:
        """Write the waiting lines; give up if the reader has stalled."""
        self._leave()
        if self._writer is not None:
            self._writer.close()

    def _put(self, change: Change) -> None:
        line = encoded(change) + b"\n"
        for writer in (self._left, self._writer):
            if writer is not None:
                writer.put(line)
        self._leave()
        self._set_level()

    def _use(self, settings: Log, opened: int | None) -> None:
        self._place = settings.changes
        if opened is not None:
            self._writer = LineWriter(opened, f"change log {place_name(settings.changes)}", _log.error)
            self._writer.shared = self._shared

    def _leave(self) -> None:
        if self._left is not None:
            self._left.leave()
            self._dropped_before += self._left.dropped
            self._left = None

    def _set_level(self) -> None:
        """Without a place of their own, changes are said in the service log whatever its level is."""
        _changes.setLevel(logging.NOTSET if self._place else logging.INFO)
