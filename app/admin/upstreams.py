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

FRESH_SECONDS: Final = 60
"""A target whose newest record is older is dialled again."""

PATIENCE_SECONDS: Final = 5
"""How long a request waits for dials; the dials continue."""

_MAX_DIALS: Final = 16

_MAX_WAITING: Final = 32
"""Requests that wait for dials, at most half of the admin server's connections; one more is answered at once."""

ProbeTarget = Callable[[Target, Rule], Awaitable[object]]
"""Dials a target. The observers have its record when the awaitable is done."""


class Upstream(Struct, frozen=True, omit_defaults=True):
    """One target as /upstreamz shows it.

    `reached` is None if that is unknown: the target was never dialled, or the dial is still in progress. The last three
    describe the failure at `failed_at`, if that is the newest record.
    """

    target: str
    reached: bool | None
    reached_at: datetime | None = None
    failed_at: datetime | None = None
    outcome: str = ""
    sentence: str = ""
    remedy: str = ""


class Upstreams:
    """The exact targets of the allowlist, and the probes in progress: at most one per target."""

    def __init__(
        self,
        targets: TargetNames,
        health: TargetHealth,
        probe: ProbeTarget,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._targets = targets
        self._health = health
        self._probe = probe
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
        if reached is not False or failure is None or failure.outcome is None:
            return Upstream(name, reached, status.reached_at)
        sentence, remedy = status.explain_failure()
        return Upstream(name, reached, status.reached_at, status.failed_at, failure.outcome.label, sentence, remedy)
