"""A step of an examination and its result: values. `examination` runs the steps, the command prints the results."""

import enum
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from msgspec import Struct


class StepVerdict(enum.StrEnum):
    """How a step ended, from the best to the worst. A warning costs time or will hurt later; a failure hurts now."""

    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    FAILED = "failed"


class StepResult(Struct, frozen=True):
    """What one step saw of its subject: `host`, a listener, a parent proxy or a target.

    `seen` says in words what was there, or why the step was skipped; `cure` what to change and where, empty if nothing.
    `ms` is how long the step took.
    """

    verdict: StepVerdict
    seen: str
    cure: str = ""
    name: str = ""
    subject: str = ""
    ms: float = 0


class Step(Struct, frozen=True):
    """One thing to look at, in at most `seconds`.

    It is skipped if a step of its series that it needs failed or was skipped. `late` is the cure if it takes too long.
    """

    name: str
    subject: str
    look: Callable[[], Awaitable[StepResult]]
    needs: tuple[str, ...] = ()
    seconds: float = 10
    late: str = "run the doctor again when the machine is less busy; if that does not help, make a bundle"


Series = tuple[Step, ...]
"""Steps that run one after the other."""

_ORDER: Final = tuple(StepVerdict)


def ok(seen: str) -> StepResult:
    """All is well."""
    return StepResult(StepVerdict.OK, seen)


def skipped(why: str) -> StepResult:
    """Not looked at, and why."""
    return StepResult(StepVerdict.SKIPPED, why)


def warning(seen: str, cure: str) -> StepResult:
    """It works, but not well, or not for long."""
    return StepResult(StepVerdict.WARNING, seen, cure)


def failed(seen: str, cure: str) -> StepResult:
    """It does not work."""
    return StepResult(StepVerdict.FAILED, seen, cure)


def worst(results: Iterable[StepResult]) -> StepVerdict:
    """The worst verdict of these results, `OK` without any."""
    return max((result.verdict for result in results), key=_ORDER.index, default=StepVerdict.OK)


def merged(results: Iterable[StepResult]) -> StepResult:
    """Several results of one step as one: the worst verdict, and all that was seen, the worst first."""
    ranked = sorted(results, key=lambda result: -_ORDER.index(result.verdict))
    cures = dict.fromkeys(result.cure for result in ranked if result.cure)
    return StepResult(worst(ranked), "; ".join(result.seen for result in ranked), "; ".join(cures))
