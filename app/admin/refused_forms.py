"""Writes forms that the server refuses to the log of changes: without a token, from another site, no longer valid.

Anybody who reaches the admin port can send one, so an address gets a few lines, and all of them together a few more.
"""

import time
from collections.abc import Callable
from typing import Final

from licensegate.allowlist.client_block import client_block
from licensegate.app.observers.change_log import ChangeLog
from licensegate.proxy.protocol.rate_limit import RateLimit
from licensegate.records.change import ChangeKind

from .page import PageRequest

LINES_OF_ADDRESS: Final = 5
"""Lines of one address (IPv6: a /64) at once, then one a minute."""

LINES_OF_ALL: Final = 50
"""Lines at once, then one a second."""

_ALL: Final = ""


class RefusedForms:
    """Writes to `changes`. `clock` is in seconds, monotonic."""

    def __init__(self, changes: ChangeLog, clock: Callable[[], float] = time.monotonic) -> None:
        self._changes = changes
        self._of_address = RateLimit[str](1 / 60, LINES_OF_ADDRESS, clock)
        self._of_all = RateLimit[str](1, LINES_OF_ALL, clock)
        self._left_out = 0

    def write(self, kind: ChangeKind, request: PageRequest, why: str) -> None:
        """Write that a form which asks for this kind of change was refused, or count it for the next line."""
        if self._of_address.take(client_block(request.source)) or self._of_all.take(_ALL):
            self._left_out += 1
            return
        more = f" ({self._left_out} others were refused before and have no line)" if self._left_out else ""
        self._left_out = 0
        what = f"a form for {request.path} from {request.source} was refused: {why}{more}"
        self._changes.write(kind, request.asker, what=what, ok=False, level="warning")
