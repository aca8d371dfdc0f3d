"""When to look at which target: every few hours, after a suspicious end, and when asked. One look at a time.

Runs beside the gate: whatever happens in a look is logged and changes nothing for a client.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.app.observers.target_names import TargetNames
from licensegate.app.observers.target_reports import TargetReports
from licensegate.app.settings import Looks
from licensegate.diagnosis.target_report import TargetReport
from licensegate.records.bounded import BoundedDict

from .probe_process import ProbeFailedError

AGAIN_SECONDS: Final = 60.0
"""A target is looked at no more often."""

_FIRST_SECONDS: Final = (60.0, 600.0)  # after the start: a restart of many gates asks no target at once
_JITTER: Final = (0.9, 1.1)
_REMEMBERED: Final = 512

RunLook = Callable[[Target, Rule, Path | None], Awaitable[TargetReport]]
"""Makes a look. Raises ProbeFailedError."""

_log = logging.getLogger(__name__)


class TargetLooks:
    """Looks at the exact targets of the allowlist while it runs, from `start` to `stop`.

    `settings` returns those in force. `between` picks a number between two, by chance.
    """

    def __init__(
        self,
        run_look: RunLook,
        targets: TargetNames,
        reports: TargetReports,
        settings: Callable[[], Looks],
        clock: Callable[[], float] = time.monotonic,
        between: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.reports = reports
        self._run_look = run_look
        self._targets = targets
        self._settings = settings
        self._clock = clock
        self._between = between
        self._tried: BoundedDict[str, float] = BoundedDict(_REMEMBERED)
        self._due: dict[str, float] = {}
        self._wanted: set[str] = set()
        self._woken = asyncio.Event()
        self._free = asyncio.Lock()
        self._running: asyncio.Task[TargetReport] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._stopped = False

    def start(self) -> None:
        """Begin to look."""
        self._keeping = asyncio.create_task(self._keep_looking())

    async def stop(self) -> None:
        """End the look in progress with its process, and make no other."""
        self._stopped = True
        tasks = [task for task in (self._keeping, self._running) if task is not None]
        self._keeping = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def want(self, name: str) -> None:
        """Look at a target of the allowlist soon, unless looks are off: a tunnel to it ended suspiciously."""
        if self._settings().seconds is not None and name not in self._wanted:
            self._wanted.add(name)
            self._woken.set()

    def want_first(self, name: str) -> None:
        """Look at a target soon if it was never looked at."""
        if name not in self._tried:
            self.want(name)

    def settings_changed(self) -> None:
        """Follow the settings that are now in force."""
        self._woken.set()

    async def look(self, target: Target, rule: Rule) -> TargetReport:
        """Look at a target that `rule` allows, and keep the report. Returns the last one if it is under a minute old.

        Raises ProbeFailedError.
        """
        name = str(target)
        async with self._free:
            known = self.reports.by_target.get(name)
            if known is not None and self._clock() - self._tried.get(name, -AGAIN_SECONDS) < AGAIN_SECONDS:
                return known
            if self._stopped:
                raise ProbeFailedError("the gate is stopping")
            self._tried.put(name, self._clock())
            self._running = asyncio.ensure_future(self._run_look(target, rule, self._settings().roots))
            try:
                report = await self._running
            except asyncio.CancelledError:
                self._running.cancel()
                if self._stopped:
                    raise ProbeFailedError("the gate is stopping") from None
                raise
            finally:
                self._running = None
            self.reports.put(report)
            return report

    async def _keep_looking(self) -> None:
        while not self._stopped:
            self._woken.clear()
            next_look = self._next()
            if next_look is None:
                await self._woken.wait()
                continue
            at, target, rule = next_look
            if (seconds := at - self._clock()) > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), seconds)
                continue
            self._plan_again(str(target))
            await self._look_quietly(target, rule)

    async def _look_quietly(self, target: Target, rule: Rule) -> None:
        try:
            await self.look(target, rule)
        except ProbeFailedError as error:
            if not self._stopped:
                _log.warning("no look at %s: %s", target, error)
        except Exception:
            _log.exception("a fault in the gate ended a look at %s", target)

    def _next(self) -> tuple[float, Target, Rule] | None:
        """Return the next look, with its time; None while there is none to make."""
        seconds = self._settings().seconds
        exact = {} if seconds is None else {str(target): (target, rule) for target, rule in self._targets.exact()}
        self._wanted &= exact.keys()
        self._due = {name: due for name, due in self._due.items() if name in exact}
        looks = []
        for name, (target, rule) in exact.items():
            due = self._plan(name, seconds or 0)
            if name in self._wanted:
                due = min(due, self._tried.get(name, -AGAIN_SECONDS) + AGAIN_SECONDS)
            looks.append((due, target, rule))
        return min(looks, key=lambda look: look[0], default=None)

    def _plan(self, name: str, seconds: float) -> float:
        """Return when a target is due, at the latest after one interval, which a reload may have shortened."""
        latest = self._clock() + seconds * _JITTER[1]
        due = self._due.get(name)
        if due is None:
            due = self._clock() + self._between(*_FIRST_SECONDS)
        self._due[name] = min(due, latest)
        return self._due[name]

    def _plan_again(self, name: str) -> None:
        self._wanted.discard(name)
        self._due[name] = self._clock() + (self._settings().seconds or 0) * self._between(*_JITTER)
