"""The targets of the allowlist: can each be reached, how long is its certificate valid, is a clock wrong?"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, structs

from licensegate.app.observers.target_health import TargetHealth, TargetStatus
from licensegate.app.observers.target_reports import GOOD, TargetReports
from licensegate.diagnosis.target_report import TargetReport
from licensegate.language.language import N_, Language
from licensegate.language.phrases import reworded
from licensegate.licensing.clocks import Level

from .answer import Answer
from .causes import CauseWords, cause_of
from .upstreams import Upstream
from .verdict_words import WORDS
from .words import NAME_OF_LEVEL, LevelName, level_word

_CERTIFICATE_DAYS: Final = 7
_SKEW_SECONDS: Final = (300, 1800)
"""From when on a difference of the clocks is a warning, and critical."""

_REACHED: Final = {True: N_("reached"), False: N_("not reached"), None: N_("not tried yet")}
_NOT_TRIED: Final = (
    N_("{target} has not been tried yet."),
    N_("Nothing: it is dialled now. Set probe.every to have it watched."),
)
_EXPIRES: Final = (
    N_("The certificate of {target} expires in {days} days."),
    N_("Have it renewed; if the target is Cisco's, watch whether Cisco renews it."),
)
_AHEAD: Final = N_("The clock of {target} is {seconds} s ahead of the gate's.")
_BEHIND: Final = N_("The clock of {target} is {seconds} s behind the gate's.")
_SET_CLOCK: Final = N_("Set this host's clock: start a time service with a server that it reaches.")


class TargetRow(Struct, frozen=True, kw_only=True):
    """One target that a rule allows by its exact name.

    `reached` is the result of the newest tunnel or probe, None if nothing is known; `state` says it in a word or two,
    and `reached_at` and `failed_at` are the newest success and failure. `outcome` is the label of that failure if it is
    newer than the success, else empty.

    The newest look at the target, by a TLS handshake of the gate's own, gives the rest: `verdict` is its label, empty
    without a look at `looked_at`; `verdict_text` says it in words, `verdict_detail` in those of the look. `issuer` is
    the issuer of the target's certificate, `certificate_ends` when the first certificate of the chain expires and
    `certificate_days` the days until then, negative once it has expired. `skew_seconds` is how far the target's Date
    was ahead of the gate's clock.

    `level` is the worst of both, `sentence` says why and `remedy` what to change; both are empty if nothing is wrong.
    """

    target: str
    level: LevelName
    level_word: str
    reached: bool | None
    state: str
    reached_at: datetime | None = None
    failed_at: datetime | None = None
    outcome: str = ""
    sentence: str = ""
    remedy: str = ""
    verdict: str = ""
    verdict_text: str = ""
    verdict_detail: str = ""
    looked_at: datetime | None = None
    issuer: str = ""
    certificate_ends: datetime | None = None
    certificate_days: float | None = None
    skew_seconds: float | None = None
    tls_version: str = ""


class TargetList(Answer, frozen=True, kw_only=True):
    """Every target, in the order of the rules."""

    targets: list[TargetRow]


def target_rows(
    upstreams: Sequence[Upstream], health: TargetHealth, reports: TargetReports, language: Language, now: datetime
) -> Iterator[TargetRow]:
    """The rows of these targets."""
    for upstream in upstreams:
        report = reports.by_target.get(upstream.target)
        yield target_row(upstream, health.status(upstream.target), report, language, now)


def target_row(
    upstream: Upstream, status: TargetStatus, report: TargetReport | None, language: Language, now: datetime
) -> TargetRow:
    """One target, judged by its newest tunnel or probe and by the newest look at it."""
    level, cause = _trouble(upstream, status, report, language, now)
    row = TargetRow(
        target=upstream.target,
        level=NAME_OF_LEVEL[level],
        level_word=level_word(NAME_OF_LEVEL[level], language),
        reached=upstream.reached,
        state=language.gettext(_REACHED[upstream.reached]),
        reached_at=status.reached_at,
        failed_at=status.failed_at,
        outcome=upstream.outcome,
        sentence=cause.sentence,
        remedy=cause.remedy,
    )
    if report is None:
        return row
    return structs.replace(
        row,
        verdict=report.verdict.value,
        verdict_text=language.gettext(WORDS[report.verdict].short),
        verdict_detail=reworded(report.detail, language),
        looked_at=report.time,
        issuer=report.chain[0].issuer if report.chain else "",
        certificate_ends=report.chain_ends,
        certificate_days=None if report.chain_ends is None else _days(report.chain_ends - now),
        skew_seconds=report.skew_seconds,
        tls_version=report.tls_version,
    )


def _trouble(
    upstream: Upstream, status: TargetStatus, report: TargetReport | None, language: Language, now: datetime
) -> tuple[Level, CauseWords]:
    """What is wrong first, in words."""
    name, failure = upstream.target, status.failure
    if upstream.reached is False and failure is not None:
        return Level.CRITICAL, cause_of(failure, language, client=language.gettext("a client"))
    if report is None:
        if upstream.reached is None:
            return Level.UNKNOWN, _said(_NOT_TRIED, language, target=name)
        return Level.OK, CauseWords()
    if report.verdict not in GOOD:
        words = WORDS[report.verdict]
        return words.level, _said((words.sentence, words.remedy), language, target=name)
    if report.chain_ends is not None and report.chain_ends - now < timedelta(days=_CERTIFICATE_DAYS):
        days = max(0, int(_days(report.chain_ends - now)))
        return Level.WARNING, _said(_EXPIRES, language, target=name, days=days)
    skew = report.skew_seconds or 0.0
    warning, critical = _SKEW_SECONDS
    if abs(skew) >= warning:
        level = Level.CRITICAL if abs(skew) >= critical else Level.WARNING
        sentence = _AHEAD if skew > 0 else _BEHIND
        return level, _said((sentence, _SET_CLOCK), language, target=name, seconds=round(abs(skew)))
    return Level.OK, CauseWords()


def _said(texts: tuple[str, str], language: Language, **known: object) -> CauseWords:
    sentence, remedy = (language.gettext(text).format(**known) for text in texts)
    return CauseWords(sentence, remedy)


def _days(left: timedelta) -> float:
    return round(left.total_seconds() / 86400, 1)
