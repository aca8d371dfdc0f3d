"""Runs series of steps, several at a time, each step and the whole within a limit. Cancelled, it keeps its results."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec import structs

from licensegate.records.record import milliseconds

from .step import Series, Step, StepResult, StepVerdict, failed, skipped

SECONDS: Final = 60
"""How long a whole examination may take."""

_SERIES_AT_ONCE: Final = 4

_STOPPED: Final = "the examination was stopped before"
_NO_TIME: Final = "the time for the whole examination was over; name fewer targets"
_MORBID: Final = frozenset({StepVerdict.FAILED, StepVerdict.SKIPPED})


class Examination:
    """The results of a plan, each cleaned of secrets by `clean`.

    `tell` is called with each, in the plan's order, once those before it are known.

    `interrupted`: the run was cancelled, as by Ctrl-C, and what it did not reach is skipped.
    """

    def __init__(
        self,
        plan: Sequence[Series],
        tell: Callable[[StepResult], None],
        clean: Callable[[StepResult], StepResult] = lambda result: result,
    ) -> None:
        self._plan = plan
        self._keys = [(step.subject, step.name) for series in plan for step in series]
        self._tell = tell
        self._clean = clean
        self._told = 0
        self._results: dict[tuple[str, str], StepResult] = {}
        self.interrupted = False

    @property
    def results(self) -> tuple[StepResult, ...]:
        """One result per step that was looked at or skipped, in the order of the plan."""
        return tuple(self._results[key] for key in self._keys if key in self._results)

    def is_ok(self, subject: str, name: str) -> bool:
        """Whether a step was looked at and found well."""
        result = self._results.get((subject, name))
        return result is not None and result.verdict is StepVerdict.OK

    async def run(self, seconds: float = SECONDS) -> None:
        """Run every series. Never raises for what a step finds, and returns at its time limit or when cancelled."""
        free = asyncio.Semaphore(_SERIES_AT_ONCE)
        why = _NO_TIME
        tasks = [asyncio.ensure_future(self._run_series(series, free)) for series in self._plan]
        try:
            await asyncio.wait(tasks, timeout=seconds)
        except asyncio.CancelledError:
            self.interrupted, why = True, _STOPPED
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for step in self._missing():
            self._note(step, skipped(why), 0)

    async def _run_series(self, series: Series, free: asyncio.Semaphore) -> None:
        async with free:
            for step in series:
                began = time.monotonic()
                self._note(step, await self._look(step), time.monotonic() - began)

    async def _look(self, step: Step) -> StepResult:
        for need in step.needs:
            before = self._results.get((step.subject, need))
            if before is None or before.verdict in _MORBID:
                return skipped(f"needs the step {need}")
        try:
            async with asyncio.timeout(step.seconds):
                return await step.look()
        except TimeoutError:
            return failed(f"no result within {step.seconds:g} s", step.late)
        except Exception as error:
            fault = f"a fault in the doctor: {type(error).__name__}"
            return failed(fault, "report it to the maintainers of LicenseGate, with a bundle")

    def _missing(self) -> Iterable[Step]:
        return [step for series in self._plan for step in series if (step.subject, step.name) not in self._results]

    def _note(self, step: Step, result: StepResult, seconds: float) -> None:
        result = structs.replace(self._clean(result), name=step.name, subject=step.subject, ms=milliseconds(seconds))
        self._results[step.subject, step.name] = result
        while self._told < len(self._keys) and (known := self._results.get(self._keys[self._told])):
            self._told += 1
            self._tell(known)
