"""Limits the lines that one client gets in the access log, so that no client can fill the disk. Pure.

In each second a client's first connections get a line each; the others are counted in summaries. Connections with a
tunnel and those without are limited separately, so that refusals crowd out no tunnel. A client is an IPv4 address or
the /64 of an IPv6 address.
"""

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from licensegate.allowlist.client_block import client_block
from licensegate.records.record import TunnelRecord
from licensegate.records.summary import RecordSummary, SummaryKey

_CLIENTS: Final = 10
"""All clients together get the lines of this many clients."""

_MAX_SUMMARIES: Final = 100
"""Beyond this many a second, summaries name no target; beyond twice as many, no client."""


class _Lines:
    """The lines written in the current second."""

    def __init__(self) -> None:
        self.total = 0
        self.by_client: dict[str, int] = {}


class LogLimit:
    """At most `lines_per_client` lines per client and second; 0 sets no limit. May be changed while running."""

    def __init__(self, lines_per_client: int, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.lines_per_client = lines_per_client
        self._now = now
        self._second = 0
        self._with_tunnel = _Lines()
        self._without_tunnel = _Lines()
        self._summaries: dict[SummaryKey, RecordSummary] = {}

    def begin(self, second: int) -> None:
        """Count lines for this second from now on, if it is a new one."""
        if second != self._second:
            self._second = second
            self._with_tunnel, self._without_tunnel = _Lines(), _Lines()

    def admits(self, record: TunnelRecord) -> bool:
        """Whether this record gets a line. If not, it is counted in a summary."""
        limit = self.lines_per_client
        if not limit or record.event != "end":  # tunnels that are long enough for a start are few
            return True
        lines = self._without_tunnel if record.relay_ms is None else self._with_tunnel
        client = client_block(record.client)
        count = lines.by_client.get(client, 0)
        if count >= limit or lines.total >= _CLIENTS * limit:
            self._summary(client, record).add(record)
            return False
        lines.by_client[client] = count + 1
        lines.total += 1
        return True

    def take_summaries(self) -> Iterator[RecordSummary]:
        """The summaries since the last call."""
        summaries, self._summaries = self._summaries, {}
        return iter(summaries.values())

    @property
    def has_summaries(self) -> bool:
        """Whether `take_summaries` returns any."""
        return bool(self._summaries)

    def _summary(self, client: str, record: TunnelRecord) -> RecordSummary:
        outcome = record.outcome
        keys = (
            (_MAX_SUMMARIES, SummaryKey(client, outcome, record.target, record.allowed, record.reported)),
            (2 * _MAX_SUMMARIES, SummaryKey(client, outcome)),
            (math.inf, SummaryKey("", outcome)),
        )
        for most, key in keys:
            summary = self._summaries.get(key)
            if summary is None and len(self._summaries) < most:
                summary = self._summaries[key] = key.begin(self._now())
            if summary is not None:
                return summary
        raise AssertionError("the last key has no limit")
