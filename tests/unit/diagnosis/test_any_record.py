"""Any record and any look at a target, in any order: the diagnosis always comes to a finding in words, or to none."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from licensegate.diagnosis.codes import Code
from licensegate.diagnosis.diagnosis import Diagnosis
from licensegate.diagnosis.target_report import TargetReport
from licensegate.records.certificate import CertificateOutline
from licensegate.records.contact import Contact
from licensegate.records.outcome import Outcome
from licensegate.records.record import SCHEMA, DialAttempt, LoginResult, TunnelRecord
from licensegate.records.target_verdict import TargetVerdict
from licensegate.records.tcp_account import TcpAccount

LONGEST_TEXT = 200  # of one value in a record
MOST_EVIDENCE = 1500
LABELS = {code.label for code in Code}

TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 2), timezones=st.just(UTC)) | st.datetimes(
    datetime(1970, 1, 2), timezones=st.just(UTC)
)
MILLISECONDS = st.none() | st.floats(0, 3000) | st.floats(0, 1e7)
TEXTS = st.text(max_size=LONGEST_TEXT) | st.sampled_from(["{", "{client}", "Java/17.0.1", "Java/99", "a.crl"])
TARGETS = st.sampled_from(["tools.cisco.com:443", "10.0.0.1:443", "[2001:db8::1]:8443", ""])
ADDRESSES = st.sampled_from(["192.0.2.1", "10.0.0.1", "127.0.0.1", "0.0.0.0", "::", "fe80::1%eth0", "146.112.61.104"])
LENGTHS = st.sampled_from([1, 2, 7, 19, 23, 25, 35, 41, 53, 69, 250, 266, 2000])
RECORDS = st.lists(st.tuples(st.integers(20, 24), LENGTHS), max_size=16)
ALERTS = st.none() | st.integers(0, 255)
VERSIONS = st.sampled_from(["", "1.0", "1.2", "1.3"])
ACCOUNTS = st.none() | st.builds(TcpAccount, st.integers(0, 9000), st.integers(0, 9), st.integers(0, 9))
OUTLINES = st.builds(CertificateOutline, TEXTS, TEXTS, TIMES, TIMES, st.lists(TEXTS, max_size=16).map(tuple))
RECORD = st.builds(
    TunnelRecord, schema=st.just(SCHEMA), event=st.just("end"), id=st.just("1"), time=TIMES,
    client=st.sampled_from(["10.1.1.1", "2001:db8::1"]), client_port=st.just(1), listener=st.just("0.0.0.0:443"),
    outcome=st.none() | st.sampled_from(Outcome), detail=TEXTS, user_agent=TEXTS, requested=TEXTS, target=TARGETS,
    login_result=st.none() | st.sampled_from(LoginResult), login_unanswered=st.integers(0, 9),
    login_offered=st.lists(st.sampled_from(["basic", "digest", "digest md5", ""]), max_size=3).map(tuple),
    preset=st.sampled_from(["", "cisco-licensing"]), addresses=st.lists(ADDRESSES, max_size=4),
    attempts=st.lists(st.builds(DialAttempt, ADDRESSES, st.floats(0, 9000), st.sampled_from(["", "ETIMEDOUT"]))),
    parent=st.sampled_from(["", "direct", "http://parent.example"]), parent_status=st.integers(0, 999),
    parent_location=TEXTS, server_name=TEXTS, alpn=st.sampled_from([(), ("h2", "http/1.1")]), tls_version=VERSIONS,
    client_records=RECORDS, upstream_records=RECORDS, client_alert=ALERTS, upstream_alert=ALERTS,
    head_ms=MILLISECONDS, resolve_ms=MILLISECONDS, dial_ms=MILLISECONDS, parent_ms=MILLISECONDS,
    relay_ms=MILLISECONDS, total_ms=MILLISECONDS, upstream_read=st.integers(0, 9999),
    contact=st.none() | st.sampled_from(Contact), tls_negotiated=VERSIONS, answered_ms=MILLISECONDS,
    client_last_ms=MILLISECONDS, upstream_last_ms=MILLISECONDS, server_certificate=st.none() | OUTLINES,
    client_tcp=ACCOUNTS, upstream_tcp=ACCOUNTS, hello_bytes=st.integers(0, 999), hello_size=st.integers(0, 999),
    target_said=TEXTS,
)  # fmt: skip
LOOK = st.builds(
    TargetReport, TARGETS, TIMES, st.sampled_from(TargetVerdict), TEXTS, st.lists(OUTLINES, max_size=2).map(tuple),
    skew_seconds=st.none() | st.floats(-1e9, 1e9),
)  # fmt: skip


@given(st.lists(RECORD | LOOK, max_size=5))
def test_any_history_leads_to_bounded_findings_of_the_table(history: list[TunnelRecord | TargetReport]) -> None:
    diagnosis = Diagnosis()
    for event in history:
        if isinstance(event, TargetReport):
            diagnosis.seen(event)
            continue
        finding = diagnosis.explain(event)
        assert diagnosis.explain(event) == finding
        if finding is not None:
            assert finding.code == event.finding
            assert finding.code in LABELS
            assert finding.sentence
            assert len(finding.evidence) <= MOST_EVIDENCE
        diagnosis.observe([event])
        diagnosis.review(event)
        assert all(silent.code == "never_arrived" for _, silent in diagnosis.silent(event.time))
