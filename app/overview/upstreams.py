"""Can the targets be reached? Answers from recent tunnels, and dials each target that had none.

Dials only when asked, or every `probe.every`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.app.observers.target_health import TargetHealth
from licensegate.app.observers.target_names import TargetNames
from licensegate.app.observers.target_reports import TargetReports
from licensegate.diagnosis.target_report import TargetReport
from licensegate.records.target_verdict import TargetVerdict

FRESH_SECONDS: Final = 60
"""A target whose newest record is older is dialled again."""

PATIENCE_SECONDS: Final = 5
"""How long a request waits for dials; the dials continue."""

_MAX_DIALS: Final = 16

_MAX_WAITING: Final = 32
"""Requests that wait for dials, at most half of the admin server's connections; one more is answered at once."""

ProbeTarget = Callable[[Target, Rule], Awaitable[object]]
"""Dials a target. The observers have its record when the awaitable is done."""


class UpstreamLook(Struct, frozen=True, omit_defaults=True):
    """The newest look at a target: its verdict, the reason, and what clients will be shown.

    `days_left` are those until the first certificate of the chain expires, `skew_seconds` how far the target's Date was
    ahead of the gate's clock.
    """

    verdict: TargetVerdict
    detail: str
    looked_at: datetime
    issuer: str = ""
    days_left: float | None = None
    skew_seconds: float | None = None
    tls_version: str = ""
    system_trusts: bool | None = None
    outcome: str = ""


class Upstream(Struct, frozen=True, omit_defaults=True):
    """One target as /upstreamz shows it.

    `reached` is None if that is unknown: the target was never dialled, or the dial is still in progress. The three
    before the last describe the failure at `failed_at`, if that is the newest record. `look` does not change `reached`.
    """

    target: str
    reached: bool | None
    reached_at: datetime | None = None
    failed_at: datetime | None = None
    outcome: str = ""
    sentence: str = ""
    remedy: str = ""
    look: UpstreamLook | None = None


class Upstreams:
    """The exact targets of the allowlist, and the probes in progress: at most one per target.

    `reports` are the looks at targets; `want_look` is called with each target that is asked for.
    """

    def __init__(
        self,
        targets: TargetNames,
        health: TargetHealth,
        probe: ProbeTarget,
        reports: TargetReports,
        want_look: Callable[[str], None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._targets = targets
        self._health = health
        self._probe = probe
        self._reports = reports
        self._want_look = want_look
        self._clock = clock
        self._probing: dict[str, asyncio.Task[None]] = {}
        self._free = asyncio.Semaphore(_MAX_DIALS)
        self._waiting = 0

    async def check(self, fresh: float = FRESH_SECONDS, patience: float = PATIENCE_SECONDS) -> list[Upstream]:
        """Each target, in the order of the rules. First dials those without a record of the last `fresh` seconds.

        Waits at most `patience` seconds for these dials, or not at all if many requests wait already.
        """
        now = self._clock()
        exact = self._targets.exact()
        for target, rule in exact:
            name = str(target)
            if name not in self._probing and not self._is_fresh(name, now, fresh):
                self._probing[name] = asyncio.create_task(self._probe_once(name, target, rule))
        names = [str(target) for target, _ in exact]
        dials = [self._probing[name] for name in names if name in self._probing]
        if dials and self._waiting < _MAX_WAITING:
            self._waiting += 1
            try:
                await asyncio.wait(dials, timeout=patience)
            finally:
                self._waiting -= 1
        return [self._describe(name) for name in names]

    def want_looks(self) -> None:
        """Ask for a look at the targets that had none."""
        for target, _ in self._targets.exact():
            self._want_look(str(target))

    async def reaches_any(self) -> bool:
        """Whether any target was reached when it was last tried, or there is none. Dials as `check` does.

        A target that is still being dialled counts by its result before, so that a slow dial changes nothing.
        """
        targets = await self.check()
        return not targets or any(self._health.status(one.target).reached for one in targets)

    async def keep_probing(self, seconds: float) -> None:
        """Every so many seconds, dial the targets that no tunnel has reached since."""
        while True:
            await self.check(fresh=seconds)
            await asyncio.sleep(seconds)

    async def _probe_once(self, name: str, target: Target, rule: Rule) -> None:
        try:
            async with self._free:
                await self._probe(target, rule)
        finally:
            del self._probing[name]

    def _is_fresh(self, name: str, now: datetime, fresh: float) -> bool:
        """Not too old, and not in the future (the clock was set back)."""
        newest = self._health.status(name).newest
        return newest is not None and abs((now - newest).total_seconds()) <= fresh

    def _describe(self, name: str) -> Upstream:
        status = self._health.status(name)
        reached = None if name in self._probing else status.reached
        failure = status.failure
        report = self._reports.by_target.get(name)
        look = None if report is None else _shown(report, self._clock())
        if reached is not False or failure is None or failure.outcome is None:
            return Upstream(name, reached, status.reached_at, look=look)
        sentence, remedy = status.explain_failure()
        outcome = failure.outcome.label
        return Upstream(name, reached, status.reached_at, status.failed_at, outcome, sentence, remedy, look)


def _shown(report: TargetReport, now: datetime) -> UpstreamLook:
    ends = report.chain_ends
    return UpstreamLook(
        report.verdict,
        report.detail,
        report.time,
        issuer=report.chain[0].issuer if report.chain else "",
        days_left=None if ends is None else round((ends - now).total_seconds() / 86400, 1),
        skew_seconds=report.skew_seconds,
        tls_version=report.tls_version,
        system_trusts=report.system_trusts,
        outcome=report.outcome,
    )
