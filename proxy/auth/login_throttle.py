"""Makes a source of wrong logins wait before its next try: longer each time, up to LONGEST_SECONDS.

Bounded: the source that failed longest ago is forgotten first. No I/O; the clock is handed in.
"""

import time
from collections.abc import Callable
from typing import Final

from licensegate.allowlist.client_block import client_block
from licensegate.records.bounded import BoundedDict

FREE_TRIES: Final = 3
"""Failures without a wait: typing errors."""

LONGEST_SECONDS: Final = 64.0
FORGIVEN_SECONDS: Final = 900.0
"""A source without a failure for this long starts from zero again."""

_REMEMBERED: Final = 4096


class _Source:
    __slots__ = ("failures", "last", "until")

    def __init__(self) -> None:
        self.failures = 0
        self.last = 0.0
        self.until = 0.0


class LoginThrottle:
    """The sources of wrong logins, each a `client_block`. `clock` is any steady time in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, remembered: int = _REMEMBERED) -> None:
        self._clock = clock
        self._sources: BoundedDict[str, _Source] = BoundedDict(remembered)

    def __len__(self) -> int:
        return len(self._sources)

    def seconds_left(self, client: str) -> float:
        """Return the seconds until a login of this client is checked again; 0 if it need not wait."""
        source = self._sources.get(client_block(client)) if self._sources else None
        return max(source.until - self._clock(), 0.0) if source is not None else 0.0

    def has_failed(self, client: str) -> bool:
        """Tell whether a login of this client was wrong, and that is not forgiven yet."""
        source = self._sources.get(client_block(client)) if self._sources else None
        return source is not None and self._clock() - source.last <= FORGIVEN_SECONDS

    def add(self, client: str) -> None:
        """Count a wrong login of this client. More of them during a wait do not make it longer."""
        now, block = self._clock(), client_block(client)
        source = self._sources.get(block)
        if source is None or now - source.last > FORGIVEN_SECONDS:
            source = _Source()
        self._sources.put(block, source)
        if now >= source.until:
            source.failures += 1
            beyond = source.failures - FREE_TRIES
            if beyond > 0:
                source.until = now + min(2.0 ** min(beyond - 1, 60), LONGEST_SECONDS)
        source.last = now
