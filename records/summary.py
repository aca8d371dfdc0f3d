"""A summary of records that got no line of their own in the access log, because one client had too many in a second."""

from datetime import datetime

from msgspec import Struct

from .outcome import Outcome
from .record import SCHEMA, TunnelRecord


class RecordSummary(Struct, omit_defaults=True):
    """The records of one second that have these texts in common (`docs/records.md`). The bytes are sums."""

    schema: int
    event: str
    time: datetime
    count: int = 0
    client: str = ""
    outcome: Outcome | None = None
    target: str = ""
    allowed: bool | None = None
    reported: str = ""
    client_read: int = 0
    client_written: int = 0
    upstream_read: int = 0
    upstream_written: int = 0

    def add(self, record: TunnelRecord) -> None:
        """Count one more record."""
        self.count += 1
        self.client_read += record.client_read
        self.client_written += record.client_written
        self.upstream_read += record.upstream_read
        self.upstream_written += record.upstream_written


class SummaryKey(Struct, frozen=True):
    """What the records of one summary have in common. A coarser key leaves texts empty."""

    client: str = ""
    outcome: Outcome | None = None
    target: str = ""
    allowed: bool | None = None
    reported: str = ""

    def begin(self, time: datetime) -> RecordSummary:
        """An empty summary of a second that began at this time."""
        return RecordSummary(
            SCHEMA, "summary", time, 0, self.client, self.outcome, self.target, self.allowed, self.reported
        )
