"""The doctor's report as text and as JSON."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from licensegate.language.columns import padded
from licensegate.language.language import ENGLISH, N_, Language
from licensegate.language.phrases import reworded
from licensegate.records.text import printable

from .step import StepResult, StepVerdict, worst

SCHEMA: Final = 1
_VERDICT_WIDTH: Final = max(map(len, StepVerdict))
_VERDICTS: Final = {
    StepVerdict.OK: N_("ok"),
    StepVerdict.SKIPPED: N_("skipped"),
    StepVerdict.WARNING: N_("warning"),
    StepVerdict.FAILED: N_("failed"),
}


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

    def __init__(self, language: Language = ENGLISH) -> None:
        self._language = language
        self._subject = ""

    def lines(self, result: StepResult) -> str:
        """The lines of one step."""
        lines = [] if result.subject == self._subject else [result.subject]
        self._subject = result.subject
        verdict = self._language.gettext(_VERDICTS[result.verdict])
        lines.append(f"  {padded(verdict, _VERDICT_WIDTH)}  {result.name}: {self._reworded(result.seen)}")
        if result.cure:
            lines.append(f"  {'':{_VERDICT_WIDTH}}  -> {self._reworded(result.cure)}")
        return "\n".join(lines)

    def _reworded(self, text: str) -> str:
        return reworded(_one_line(text), self._language)


def as_text(report: DoctorReport) -> str:
    """The report as text."""
    text = TextReport()
    head = f"licensegate {report.version}, {report.time:%Y-%m-%d %H:%M:%S} UTC, settings from {report.settings}"
    steps = [text.lines(step) for step in report.steps]
    return "\n".join([head, *steps, summary(report.steps, interrupted=report.interrupted), ""])


def summary(steps: Iterable[StepResult], *, interrupted: bool, language: Language = ENGLISH) -> str:
    """How many steps ended how, and what failed."""
    steps = tuple(steps)
    counted = language.gettext("{n} {verdict}")
    counts = [
        counted.format(n=sum(each.verdict is verdict for each in steps), verdict=language.gettext(word))
        for verdict, word in _VERDICTS.items()
    ]
    all_steps = language.gettext("{n} steps: {counts}").format(n=len(steps), counts=", ".join(counts))
    lines = [language.gettext("stopped; {steps}").format(steps=all_steps) if interrupted else all_steps]
    failed = language.gettext("failed: {subject} {step}")
    lines += [
        failed.format(subject=each.subject, step=each.name) for each in steps if each.verdict is StepVerdict.FAILED
    ]
    return "\n".join(lines)


def _one_line(text: str) -> str:
    """What a peer said may be in it: never an escape of a terminal, and never a second line."""
    return text if text.isprintable() else printable(text.encode(errors="replace"), 2000)
