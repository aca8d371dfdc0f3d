"""The doctor's report as text and as JSON."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from licensegate.records.text import printable

from .step import StepResult, StepVerdict, worst

SCHEMA: Final = 1
_VERDICT_WIDTH: Final = max(map(len, StepVerdict))


class DoctorReport(Struct, frozen=True):
    """Everything an examination found. `verdict` is the worst of its steps; `interrupted` if it was stopped."""

    schema: int
    version: str
    time: datetime
    settings: str
    verdict: StepVerdict
    interrupted: bool
    steps: tuple[StepResult, ...]


def make_report(
    steps: tuple[StepResult, ...], version: str, time: datetime, settings: str, *, interrupted: bool
) -> DoctorReport:
    """The report of these steps, in their order."""
    return DoctorReport(SCHEMA, version, time, settings, worst(steps), interrupted, steps)


def as_json(report: DoctorReport) -> str:
    """The report as one JSON object, on several lines."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode()


class TextReport:
    """Turns results into text as they come: a heading for each subject, and a line for each step and each cure."""

    def __init__(self) -> None:
        self._subject = ""

    def lines(self, result: StepResult) -> str:
        """The lines of one step."""
        lines = [] if result.subject == self._subject else [result.subject]
        self._subject = result.subject
        lines.append(f"  {result.verdict:{_VERDICT_WIDTH}}  {result.name}: {_one_line(result.seen)}")
        if result.cure:
            lines.append(f"  {'':{_VERDICT_WIDTH}}  -> {_one_line(result.cure)}")
        return "\n".join(lines)


def as_text(report: DoctorReport) -> str:
    """The report as text."""
    text = TextReport()
    head = f"licensegate {report.version}, {report.time:%Y-%m-%d %H:%M:%S} UTC, settings from {report.settings}"
    steps = [text.lines(step) for step in report.steps]
    return "\n".join([head, *steps, summary(report.steps, interrupted=report.interrupted), ""])


def summary(steps: Iterable[StepResult], *, interrupted: bool) -> str:
    """How many steps ended how, and what failed."""
    steps = tuple(steps)
    counts = [f"{sum(each.verdict is verdict for each in steps)} {verdict}" for verdict in StepVerdict]
    lines = [f"{'stopped; ' if interrupted else ''}{len(steps)} steps: {', '.join(counts)}"]
    lines += [f"failed: {each.subject} {each.name}" for each in steps if each.verdict is StepVerdict.FAILED]
    return "\n".join(lines)


def _one_line(text: str) -> str:
    """What a peer said may be in it: never an escape of a terminal, and never a second line."""
    return text if text.isprintable() else printable(text.encode(errors="replace"), 2000)
