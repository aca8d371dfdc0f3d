"""When each target was last reached and last failed, as the records of tunnels and probes show. Never dials."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, structs

from licensegate.records.outcome import Outcome, Stage
from licensegate.records.record import TunnelRecord

from .observer import Observer
from .target_names import NO_TARGET, TargetNames

_CLOCK_SET_BACK: Final = timedelta(hours=1)
"""A record this much newer than the end of the latest one comes from before the clock was set back.

Smaller corrections of the clock need no care: they are over within the hour.
"""

NOT_REACHED: Final = frozenset(
    outcome
    for outcome in Outcome
    if outcome.stage in (Stage.RESOLVE, Stage.DIAL, Stage.PARENT) and outcome.status >= 500
) - {Outcome.DESCRIPTORS_EXHAUSTED}  # the gate's own fault
"""The outcomes of a connection whose target could not be reached."""


class TargetStatus(Struct):
    """A target's latest records: of a successful connection, and of a failed one."""

    success: TunnelRecord | None = None
    failure: TunnelRecord | None = None

    @property
    def reached_at(self) -> datetime | None:
        """When a connection last succeeded."""
        record = self.success
        if record is None:
            return None
        dialling = record.parent_ms or (record.resolve_ms or 0) + (record.dial_ms or 0)
        took = (record.head_ms or 0) + dialling
        return record.time + timedelta(milliseconds=took)

    @property
    def failed_at(self) -> datetime | None:
        """When a connection last failed."""
        record = self.failure
        return None if record is None else record.time + timedelta(milliseconds=record.total_ms or 0)

    @property
    def newest(self) -> datetime | None:
        """When a connection last succeeded or failed."""
        return max(filter(None, (self.reached_at, self.failed_at)), default=None)

    @property
    def reached(self) -> bool | None:
        """Whether the newest record is a success; None without records."""
        newest = self.newest
        return None if newest is None else newest == self.reached_at

    def forget_after(self, time: datetime) -> None:
        """Drop records later than `time`: they were made before the clock was set back."""
        if self.success is not None and self.success.time > time:
            self.success = None
        if self.failure is not None and self.failure.time > time:
            self.failure = None

    def explain_failure(self) -> tuple[str, str]:
        """The last failure's sentence and remedy, without the client's address; empty if none has failed."""
        if self.failure is None:
            return "", ""
        record = structs.replace(self.failure, client="a client")
        return record.sentence(), record.remedy()


class TargetHealth(Observer):
    """The status of each target in the settings, by its name."""

    def __init__(self, names: TargetNames) -> None:
        self._names = names
        self.by_target: dict[str, TargetStatus] = {}

    def status(self, name: str) -> TargetStatus:
        """The status of the target with this name; an empty one if it has no records."""
        return self.by_target.get(name) or TargetStatus()

    def observe(self, records: Sequence[TunnelRecord]) -> None:
        """Keep each target's newest success and failure. Tunnels may end in another order than they connected."""
        for record in records:
            outcome = record.outcome
            failed = outcome in NOT_REACHED
            if not record.rule or not (failed or record.is_connected):
                continue
            status = self._status_by_rule(record.rule)
            if status is None:
                continue
            ended = record.time + timedelta(milliseconds=record.total_ms or 0)
            status.forget_after(ended + _CLOCK_SET_BACK)
            known = status.failure if failed else status.success
            if known is not None and known.time > record.time:
                continue
            if failed:
                status.failure = record
            else:
                status.success = record

    def _status_by_rule(self, rule: str) -> TargetStatus | None:
        name = self._names.name(rule)
        status = self.by_target.get(name)
        if status is None and name != NO_TARGET:
            status = self.by_target[name] = TargetStatus()
        return status
