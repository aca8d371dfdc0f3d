"""The log of who changed what: one line per change (`docs/changes.md`).

Each change is said in the service log. With `log.changes` it is also a line of JSON there; without, it is in the
service log whatever `log.level` is. Writing never blocks; lines that are lost are counted (`app/logs`).
"""

import logging
import os
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any, Final

from licensegate.app.logs.line_writer import LineWriter
from licensegate.app.logs.open_sink import longest_line
from licensegate.app.logs.sink import LogLine, LogSink, Severity
from licensegate.app.settings import Log, LogPlace
from licensegate.app.version import full_version
from licensegate.records.change import LONGEST_LINE, Change, ChangeKind, GateProcess, change_of, encoded
from licensegate.records.requester import Requester

CHANGE: Final = "change"
"""The attribute of a log record that holds the change; the service log writes it as JSON if its lines are JSON."""

MOST_KEPT: Final = 200

_log = logging.getLogger(__name__)
_changes = logging.getLogger(f"{__name__}.said")


class ChangeLog:
    """Writes changes as `settings` say; `opened` is the place of `log.changes`, None without one.

    `recent` are the last ones of this process, the newest last.
    """

    def __init__(self, settings: Log, opened: LogSink | None = None) -> None:
        self.recent: deque[Change] = deque(maxlen=MOST_KEPT)
        self.process: Final = GateProcess(os.getpid(), full_version())
        self._place: LogPlace | None = None
        self._shared = False
        self._writer: LineWriter | None = None
        self._losses_before: Counter[str] = Counter()
        self._left: LineWriter | None = None
        self._longest = self._longest_left = LONGEST_LINE
        self._use(settings, opened)
        self._set_level()

    @property
    def losses(self) -> Mapping[str, int]:
        """The number of lines that were not written in full, by reason."""
        return self._losses_before + Counter({} if self._writer is None else self._writer.losses)

    @property
    def dropped(self) -> int:
        """The number of lines that were not written in full."""
        return sum(self.losses.values())

    def write(self, kind: ChangeKind, *by: Requester, what: str, **facts: Any) -> Change:
        """Write a change that has happened now, or with `ok=False` one that was refused.

        `what` and the `facts` are those of `change_of`.
        """
        change = change_of(kind, by, what, self.process, **facts)
        self.recent.append(change)
        _changes.log(logging.getLevelNamesMapping()[change.level.upper()], "%s", change.message, extra={CHANGE: change})
        self._put(change)
        return change

    def adopt(self, settings: Log, opened: LogSink | None) -> None:
        """Write as `settings` say from now on. `opened` is what `open_logs` opened for them, perhaps after a rotation.

        If the place is another one, the next change, which says so, is also the last one at the old place.
        """
        if settings.changes == self._place:
            if self._writer is not None and opened is not None:
                self._writer.write_to(opened)
            return
        self._leave()  # of an earlier reload that no change followed
        self._left, self._longest_left, self._writer = self._writer, self._longest, None
        self._use(settings, opened)

    def share(self, shared: bool) -> None:
        """Whether another process writes this log, too: then whole lines are written at a time."""
        self._shared = shared
        if self._writer is not None:
            self._writer.share(shared)

    def close(self) -> None:
        """Write the waiting lines; give up if the reader has stalled."""
        self._leave()
        if self._writer is not None:
            self._writer.close()

    def _put(self, change: Change) -> None:
        for writer, longest in ((self._left, self._longest_left), (self._writer, self._longest)):
            if writer is not None:
                text = encoded(change, longest)
                writer.put(LogLine(text, Severity[change.level.upper()], change.time.timestamp()))
        self._leave()
        self._set_level()

    def _use(self, settings: Log, opened: LogSink | None) -> None:
        self._place = settings.changes
        self._longest = longest_line(opened)
        if opened is not None:
            self._writer = LineWriter(opened, "change log", _log.log)
            self._writer.share(self._shared)

    def _leave(self) -> None:
        if self._left is not None:
            self._left.leave()
            self._losses_before += Counter(self._left.losses)
            self._left = None

    def _set_level(self) -> None:
        """Without a place of their own, changes are said in the service log whatever its level is."""
        _changes.setLevel(logging.INFO if self._place is None else logging.NOTSET)
