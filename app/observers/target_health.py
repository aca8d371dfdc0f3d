"""Which targets were reached, and when, as tunnels and probes have shown it. Asks nobody."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, structs

from licensegate.records.outcome import Outcome, Stage
from licensegate.records.record import TunnelRecord

from .observer import Observer
from .target_names import NO_TARGET, TargetNames


class Evidence(Struct):
    """The latest records of a target: of a connection to it, and of a failure to connect."""

    success: TunnelRecord | None = None
    failure: TunnelRecord | None = None

    @property
    def reached_at(self) -> datetime | None:
        """When it was last connected."""
        record = self.success
        if record is None:
            return None
        dialling = record.parent_ms or (record.resolve_ms or 0) + (record.dial_ms or 0)
        took = (record.head_ms or 0) + dialling
        return record.time + timedelta(milliseconds=took)

    @property
    def failed_at(self) -> datetime | None:
        """When it could last not be connected."""
        record = self.failure
        return None if record is None else record.time + timedelta(milliseconds=record.total_ms or 0)

    @property
    def newest(self) -> datetime | None:
        """When there was last a sign of it, good or bad."""
        return max(filter(None, (self.reached_at, self.failed_at)), default=None)

    @property
    def reached(self) -> bool | None:
        """Whether the newest sign is a good one; None without a sign."""
        newest = self.newest
        return None if newest is None else newest == self.reached_at

    def forget_after(self, time: datetime) -> None:
        """Drop what claims to be later than that: it was seen before the clock was set back."""
        if self.success is not None and self.success.time > time:
            self.success = None
        if self.failure is not None and self.failure.time > time:
            self.failure = None

    def why_not(self) -> tuple[str, str]:
        """What went wrong when it last failed, and what to change, naming no client."""
        if self.failure is None:
            return "", ""
        record = structs.replace(self.failure, client="a client")
        return record.sentence(), record.remedy()


_CLOCK_SET_BACK: Final = timedelta(hours=1)
"""What is known from so long after a record's end cannot have come before it; a lesser error is over by itself soon."""

NOT_REACHED: Final = frozenset(
    outcome
    for outcome in Outcome
    if outcome.stage in (Stage.RESOLVE, Stage.DIAL, Stage.PARENT) and outcome.status >= 500
) - {Outcome.DESCRIPTORS_EXHAUSTED}  # for which no target can be blamed
"""How a connection ends whose target cannot be reached."""


class TargetHealth(Observer):
    """The evidence for each target of the settings."""

    def __init__(self, targets: TargetNames) -> None:
        self._targets = targets
        self.evidence: dict[str, Evidence] = {}

    def observe(self, records: Sequence[TunnelRecord]) -> None:
        """Take what is newer than what is known; tunnels end in another order than they were connected."""
        for record in records:
            outcome = record.outcome
            failed = outcome in NOT_REACHED
            if not record.rule or not (failed or record.is_connected):
                continue
            evidence = self._of(record.rule)
            if evidence is None:
                continue
            ended = record.time + timedelta(milliseconds=record.total_ms or 0)
            evidence.forget_after(ended + _CLOCK_SET_BACK)
            known = evidence.failure if failed else evidence.success
            if known is not None and known.time > record.time:
                continue
            if failed:
                evidence.failure = record
            else:
                evidence.success = record

    def _of(self, rule: str) -> Evidence | None:
        name = self._targets.name(rule)
        evidence = self.evidence.get(name)
        if evidence is None and name != NO_TARGET:
            evidence = self.evidence[name] = Evidence()
        return evidence
