"""What is said about a handshake and a chain, by the verdict of the look."""

from datetime import UTC, datetime, timedelta

import pytest

from licensegate.diagnosis.target_report import TargetReport
from licensegate.doctor.path.tls import judge_chain, judge_tls
from licensegate.doctor.step import StepVerdict
from licensegate.records.certificate import CertificateOutline
from licensegate.records.target_verdict import TargetVerdict

NOW = datetime(2026, 11, 30, tzinfo=UTC)
HANDSHAKE = {
    TargetVerdict.NOT_REACHED, TargetVerdict.NOT_TLS, TargetVerdict.SILENT, TargetVerdict.HELLO_CUT,
    TargetVerdict.HELLO_REFUSED, TargetVerdict.SERVER_TOO_OLD, TargetVerdict.NO_COMMON_CIPHER,
    TargetVerdict.CLIENT_CERTIFICATE,
}  # fmt: skip
GOOD = {TargetVerdict.PUBLIC, TargetVerdict.PRIVATE}


def report(verdict: TargetVerdict, days: float = 90, *, shown: bool = True) -> TargetReport:
    chain = (CertificateOutline("CN=a", "CN=b", NOW, NOW + timedelta(days=days)),) if shown else ()
    return TargetReport("a.example:443", NOW, verdict, "the reason", chain, tls_version="TLSv1.3")


@pytest.mark.parametrize("verdict", TargetVerdict)
def test_a_handshake_fails_by_its_own_verdicts_only(verdict: TargetVerdict) -> None:
    result = judge_tls(report(verdict))
    assert (result.verdict is StepVerdict.FAILED) == (verdict in HANDSHAKE)
    assert (result.cure == "") == (verdict not in HANDSHAKE)


@pytest.mark.parametrize("verdict", TargetVerdict)
def test_a_chain_is_judged_where_one_was_shown(verdict: TargetVerdict) -> None:
    expected = StepVerdict.FAILED
    if verdict in GOOD:
        expected = StepVerdict.OK
    elif verdict in HANDSHAKE or verdict is TargetVerdict.NOT_JUDGED:
        expected = StepVerdict.SKIPPED
    elif verdict is TargetVerdict.INCOMPLETE_CHAIN:
        expected = StepVerdict.WARNING
    result = judge_chain(report(verdict, shown=verdict not in HANDSHAKE), NOW)
    assert result.verdict is expected
    assert "{" not in result.cure


def test_a_certificate_that_ends_soon_is_a_warning() -> None:
    assert judge_chain(report(TargetVerdict.PUBLIC, days=6), NOW).verdict is StepVerdict.WARNING
    assert "valid until 2026-12-20" in judge_chain(report(TargetVerdict.PUBLIC, days=20), NOW).seen
