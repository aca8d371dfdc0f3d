"""How a target stands, by its tunnels, its probes and the looks at it."""

from datetime import timedelta

import pytest
from msgspec import structs

from licensegate.app.observers.target_health import TargetStatus
from licensegate.app.observers.target_reports import GOOD
from licensegate.app.overview.targets import TargetRow, target_row
from licensegate.app.overview.upstreams import Upstream
from licensegate.app.overview.verdict_words import WORDS
from licensegate.diagnosis.target_report import TargetReport
from licensegate.language.language import ENGLISH, JAPANESE, Language
from licensegate.licensing.clocks import Level
from licensegate.records.outcome import Outcome
from licensegate.records.target_verdict import TargetVerdict
from support.diagnosed import look
from support.records import NOON, record

TARGET = "tools.cisco.com:443"


def shown(
    reached: bool | None,
    report: TargetReport | None = None,
    status: TargetStatus | None = None,
    language: Language = ENGLISH,
) -> TargetRow:
    return target_row(Upstream(TARGET, reached), status or TargetStatus(), report, language, NOON)


def test_a_reached_target_is_all_right() -> None:
    row = shown(True, look(TargetVerdict.PUBLIC))

    assert (row.level, row.state, row.sentence) == ("ok", "reached", "")
    assert (row.verdict, row.verdict_text) == ("public", "signed by a public authority")


def test_an_untried_target_is_not_known() -> None:
    row = shown(None)

    assert (row.level, row.state) == ("unknown", "not tried yet")
    assert row.sentence == f"{TARGET} has not been tried yet."


def test_the_failure_names_no_client() -> None:
    failure = record(Outcome.CONNECTION_TIMEOUT, target=TARGET, client="10.1.2.3")

    row = shown(False, status=TargetStatus(failure=failure))

    assert row.level == "critical"
    assert TARGET in row.sentence
    assert row.remedy
    assert "10.1.2.3" not in row.sentence + row.remedy


@pytest.mark.parametrize("verdict", TargetVerdict)
def test_each_verdict_has_words_in_both_languages(verdict: TargetVerdict) -> None:
    for language in (ENGLISH, JAPANESE):
        row = shown(True, look(verdict), language=language)
        assert (WORDS[verdict].level is Level.OK) == (verdict in GOOD) == (row.level == "ok")
        assert bool(row.sentence) == bool(row.remedy) == (verdict not in GOOD)
        assert row.verdict_text
        assert "{" not in row.sentence + row.remedy + row.verdict_text


@pytest.mark.parametrize(
    ("skew", "level", "words"),
    [
        (299.0, "ok", ""),
        (300.0, "warning", "300 s ahead of"),
        (-301.0, "warning", "301 s behind"),
        (1800.0, "critical", "1800 s ahead of"),
    ],
)
def test_a_difference_of_the_clocks_is_told(skew: float, level: str, words: str) -> None:
    row = shown(True, structs.replace(look(TargetVerdict.PUBLIC), skew_seconds=skew))

    assert row.level == level
    assert words in row.sentence


def test_a_certificate_that_expires_soon_is_told() -> None:
    report = look(TargetVerdict.PUBLIC)
    leaf = structs.replace(report.chain[0], not_after=NOON + timedelta(days=6, hours=1))

    row = shown(True, structs.replace(report, chain=(leaf,)))

    assert (row.level, row.certificate_days) == ("warning", 6.0)
    assert row.sentence == f"The certificate of {TARGET} expires in 6 days."
