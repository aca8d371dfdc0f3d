import logging
from datetime import timedelta

import pytest
from msgspec import structs

from licensegate.app.observers.target_reports import TargetReports
from licensegate.diagnosis.target_report import TargetReport
from licensegate.records.certificate import CertificateOutline
from licensegate.records.target_verdict import TargetVerdict
from support.records import NOON

NAME = "tools.cisco.com:443"
IDENTRUST = "CN=IdenTrust Commercial Root CA 1, O=IdenTrust, C=US"


def report(issuer: str, root: str = "CN=root", verdict: TargetVerdict = TargetVerdict.PUBLIC) -> TargetReport:
    def outline(subject: str, by: str) -> CertificateOutline:
        return CertificateOutline(subject, by, NOON, NOON + timedelta(days=30))

    return TargetReport(NAME, NOON, verdict, "as found", (outline("CN=leaf", issuer), outline(root, root)))


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    return [(record.levelno, record.getMessage()) for record in caplog.records]


def test_the_newest_report_is_kept_and_told() -> None:
    reports = TargetReports()
    told: list[TargetReport] = []
    reports.tell(told.append)
    first, second = report("CN=one"), report("CN=one")
    reports.put(first)
    reports.put(second)
    assert reports.by_target == {NAME: second}
    assert told == [first, second]


def test_a_new_verdict_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    reports = TargetReports()
    bad = report("CN=one", verdict=TargetVerdict.EXPIRED)
    with caplog.at_level(logging.INFO):
        for one in (report("CN=one"), report("CN=one"), bad, bad, report("CN=one")):
            reports.put(one)
    assert said(caplog) == [
        (logging.INFO, f"a look at {NAME} found public: as found"),
        (logging.WARNING, f"a look at {NAME} found expired: as found"),
        (logging.INFO, f"a look at {NAME} found public: as found"),
    ]


@pytest.mark.parametrize(
    ("root", "words"),
    [
        pytest.param(IDENTRUST, "before 12.5(1)SU5 and 14SU1 refuse it", id="a root that products lack"),
        pytest.param("CN=Another", "products with a fixed list of roots", id="another root"),
    ],
)
def test_a_new_issuer_is_counted_and_says_who_refuses_it(
    root: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    reports = TargetReports()
    for one in (report("CN=one"), report("CN=two", root), report("CN=two", root)):
        reports.put(one)
    assert reports.issuer_changes == {NAME: 1}
    (warning,) = [text for level, text in said(caplog) if level == logging.WARNING]
    assert warning.startswith(f"the certificate of {NAME} has a new issuer, CN=two instead of CN=one: ")
    assert words in warning


def test_a_look_without_a_chain_changes_no_issuer() -> None:
    reports = TargetReports()
    cut = structs.replace(report("CN=one"), verdict=TargetVerdict.HELLO_CUT, chain=())
    for one in (report("CN=one"), cut, report("CN=one")):
        reports.put(one)
    assert reports.issuer_changes == {NAME: 0}
