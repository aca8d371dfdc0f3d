"""Can the targets be reached? As tunnels have shown lately; and where that is long ago, by one dial to each.

Nobody asks, nobody dials: unless `probe.every` says so.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.app.observers.target_health import Evidence, TargetHealth
from licensegate.app.observers.target_names import TargetNames

FRESH_SECONDS: Final = 60
"""Evidence that is older is asked for anew."""

PATIENCE_SECONDS: Final = 5
"""How long whoever asks waits for dials; they go on without him."""

_DIALS_AT_ONCE: Final = 16

ProbeTarget = Callable[[Target, Rule], Awaitable[object]]
"""Dials a target. Its record has gone to the observers when the awaitable is done."""


class Upstream(Struct, frozen=True, omit_defaults=True):
    """What is known of one target, as the page has it.

    `reached` is None as long as that is not known: nothing was ever connected, or a dial has not come back yet. The
    last three tell of the failure at `failed_at`, if that is the newest.
    """

    target: str
    reached: bool | None
    reached_at: datetime | None = None
    failed_at: datetime | None = None
    outcome: str = ""
    sentence: str = ""
    remedy: str = ""


class Upstreams:
    """The targets that are allowed by themselves, what is known of each, and the dials in progress: one per target."""

    def __init__(
        self,
        targets: TargetNames,
        reached: TargetHealth,
        dial: ProbeTarget,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._targets = targets
        self._reached = reached
        self._dial = dial
        self._clock = clock
        self._dialling: dict[str, asyncio.Task[None]] = {}
        self._free = asyncio.Semaphore(_DIALS_AT_ONCE)

    async def look(self, fresh: float = FRESH_SECONDS, patience: float = PATIENCE_SECONDS) -> list[Upstream]:
        """What is known, in the order of the rules, after dialling those of whom nothing fresher is known (seconds)."""
        now = self._clock()
        exact = self._targets.exact()
        for target, rule in exact:
            name = str(target)
            if name not in self._dialling and not self._is_fresh(name, now, fresh):
                self._dialling[name] = asyncio.create_task(self._ask(name, target, rule))
        names = [str(target) for target, _ in exact]
        if waiting := [self._dialling[name] for name in names if name in self._dialling]:
            await asyncio.wait(waiting, timeout=patience)
        return [self._about(name) for name in names]

    async def keep_looking(self, every: float) -> None:
        """Dial, every so many seconds, whatever no tunnel has reached meanwhile."""
        while True:
            await self.look(fresh=every)
            await asyncio.sleep(every)

    async def _ask(self, name: str, target: Target, rule: Rule) -> None:
        try:
            async with self._free:
                await self._dial(target, rule)
        finally:
            del self._dialling[name]

    def _is_fresh(self, name: str, now: datetime, fresh: float) -> bool:
        """Neither too old nor, after the clock was set back, from the future."""
        newest = self._reached.evidence.get(name, Evidence()).newest
        return newest is not None and abs((now - newest).total_seconds()) <= fresh

    def _about(self, name: str) -> Upstream:
        evidence = self._reached.evidence.get(name, Evidence())
        reached = None if name in self._dialling else evidence.reached
        failure = evidence.failure
        if reached is not False or failure is None or failure.outcome is None:
            return Upstream(name, reached, evidence.reached_at)
        sentence, remedy = evidence.why_not()
        return Upstream(name, reached, evidence.reached_at, evidence.failed_at, failure.outcome.label, sentence, remedy)
