"""What a report means."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from licensegate.licensing.limits import all_families, limit
from licensegate.licensing.meaning import Explained, explain
from licensegate.licensing.read import read
from licensegate.licensing.report import Authorization, LicenseReport, Reading, Registration
from licensegate.licensing.states import Effect, LicenseState, Override, override_of, state_of, table
from licensegate.licensing.words import AUTHORIZATION, REGISTRATION
from support.licence_texts import NAMES, text_of

ROOT = Path(__file__).resolve().parents[3]


def meaning_of(name: str, now: str, family: str = "") -> Explained:
    return explain(read(text_of(name).encode()), datetime.fromisoformat(now).replace(tzinfo=UTC), family=family)


@pytest.mark.parametrize(
    ("name", "now", "level", "enforced"),
    [
        pytest.param("cucm-all", "2026-03-10", "ok", "no", id="authorized"),
        pytest.param("cucm-all", "2026-04-05", "warning", "after", id="authorized, contact overdue"),
        pytest.param("cucm-all", "2026-07-01", "critical", "unknown", id="authorized once, deadline passed"),
        pytest.param("asa-failing", "2025-05-05", "warning", "after", id="failing under a green state"),
        pytest.param("ios-out-of-compliance", "2025-10-01", "warning", "after", id="overage"),
        pytest.param("ios-out-of-compliance", "2025-12-01", "critical", "after", id="overage, 20 days left"),
        pytest.param("ios-out-of-compliance", "2026-02-01", "critical", "now", id="overage over"),
        pytest.param("ios-unregistered", "2026-01-01", "warning", "no", id="unregistered, no licence used"),
        pytest.param("ios-evaluation-summary", "2026-01-01", "critical", "no", id="evaluation, 12 days left"),
        pytest.param("asyncos-status", "2026-01-01", "warning", "no", id="evaluation, 20 days left"),
        pytest.param("ios-reserved", "2036-01-01", "ok", "no", id="reserved never alarms"),
        pytest.param("iosxe-status-no-reporting", "2036-01-01", "ok", "no", id="no reporting never alarms"),
        pytest.param("iosxe-status-proxy", "2026-10-23", "ok", "no", id="report ahead"),
        pytest.param("iosxe-status-proxy", "2026-11-20", "warning", "no", id="report late"),
        pytest.param("iosxe-status-proxy", "2027-01-13", "critical", "no", id="ACK deadline passed"),
        pytest.param("nxos-traditional", "2026-01-01", "ok", "no", id="not Smart Licensing"),
        pytest.param("ios-udi", "2026-01-01", "unknown", "unknown", id="no state in the text"),
        pytest.param("cucm-summary", "2026-01-01", "warning", "unknown", id="states that do not go together"),
    ],
)
def test_a_report_means_a_level_and_an_enforcement(name: str, now: str, level: str, enforced: str) -> None:
    meaning = meaning_of(name, now).meaning

    assert (meaning.level, meaning.enforced) == (level, enforced)


@pytest.mark.parametrize(
    ("status", "level", "words"),
    [
        ("OUT OF COMPLIANCE", "warning", "More licences are used"),
        ("AUTHORIZATION EXPIRED", "critical", "the authorization has ended"),
        ("EVALUATION EXPIRED", "critical", "the evaluation has ended"),
        ("AUTHORIZED - RESERVED", "ok", "Licences are reserved"),
    ],
)
def test_an_authorization_tells_the_registration(status: str, level: str, words: str) -> None:
    """`show license usage` prints no other state."""
    text = f"License Authorization Status: {status} as of Oct 11 08:15:09 2025 UTC\n"

    meaning = explain(read(text.encode()), datetime(2025, 10, 12, tzinfo=UTC)).meaning

    assert (meaning.level, words in meaning.text) == (level, True)


REGISTRATION_THAT_ENDS = """\
Registration:
  Status: {status}
  Initial Registration: SUCCEEDED on Jul 11 12:00:00 2025 UTC
  Last Renewal Attempt: FAILED on Jul 11 11:49:00 2026 UTC
    Failure reason: The certificate was revoked
  Registration Expires: Jul 11 11:54:00 2026 UTC
License Authorization:
  Status: {authorization}
"""


def test_clocks_of_a_registration_end_with_it() -> None:
    text = REGISTRATION_THAT_ENDS.format(
        status="UNREGISTERED - REGISTRATION EXPIRED",
        authorization="EVAL MODE\n  Evaluation Period Remaining: 3 days, 0 hours, 0 minutes, 0 seconds",
    )
    now = datetime(2026, 7, 12, tzinfo=UTC)

    explained = explain(read(text.encode()), now)

    assert explained.meaning.enforced_at == now + timedelta(days=3)
    assert [each.name for each in explained.deadlines] == ["certificate_expiry", "evaluation"]


def test_a_registration_that_ended_since_is_said() -> None:
    text = REGISTRATION_THAT_ENDS.format(status="REGISTERED", authorization="AUTHORIZED on Jul 10 10:00:00 2026 UTC")

    meaning = explain(read(text.encode()), datetime(2026, 7, 12, tzinfo=UTC)).meaning

    assert (meaning.level, "registration ended on 2026-07-11" in meaning.text) == ("critical", True)
    assert "register" in meaning.do


def test_an_expired_authorization_is_no_unchanged_status() -> None:
    text = (
        "License Authorization:\nStatus: AUTHORIZATION EXPIRED on Feb 21 11:00:09 2026 UTC\n"
        "Last Communication Attempt: FAILED on Feb 28 23:00:09 2026 UTC\nCommunication Deadline: DEADLINE EXCEEDED\n"
    )
    reading = read(text.encode())

    assert explain(reading, datetime(2026, 3, 1, tzinfo=UTC)).meaning.notes == ()
    assert reading.unread == []


def test_the_last_success_after_a_failure_is_90_days_before_the_deadline() -> None:
    meaning = meaning_of("asa-failing", "2025-05-05").meaning

    assert meaning.last_success == datetime(2025, 8, 2, 9, 4, 17, tzinfo=UTC) - limit("authorization").length
    assert "The last contact failed" in meaning.notes[0]


def test_a_failed_registration_is_no_contact() -> None:
    text = """Registration:
  Status: UNREGISTERED - REGISTRATION FAILED
  Initial Registration: FAILED on Oct 17 15:55:06 2025 EDT
    Failure reason: Fail to send out Call Home HTTP message.
License Authorization:
  Status: EVAL EXPIRED on Oct 17 15:55:06 2025 EDT
"""
    found = explain(read(text.encode()), datetime(2025, 10, 18, tzinfo=UTC))

    assert (found.meaning.level, found.meaning.enforced, found.meaning.last_success) == ("critical", "now", None)
    assert [each.name for each in found.deadlines] == ["evaluation"]


def test_a_summary_without_a_deadline_is_judged_by_its_next_contact() -> None:
    found = explain(read(SUMMARY.encode()), datetime(2026, 5, 1, tzinfo=UTC))

    assert [(each.name, str(each.due.date()), each.printed) for each in found.deadlines] == [
        ("contact", "2026-03-01", True),
        ("authorization", "2026-04-30", False),
        ("overage", "2026-07-29", False),
    ]
    assert found.meaning.level == "critical"
    assert found.meaning.last_success is None


SUMMARY = """Smart Licensing is ENABLED
Registration:
  Status: REGISTERED
License Authorization:
  Status: AUTHORIZED
  Last Communication Attempt: SUCCEEDED
  Next Communication Attempt: Mar 01 10:00:00 2026 UTC
"""


def test_the_next_try_after_a_failure_tells_no_contact() -> None:
    failed = SUMMARY.replace("SUCCEEDED", "FAILED").encode()

    assert [each.name for each in explain(read(failed), datetime(2026, 5, 1, tzinfo=UTC)).deadlines] == ["contact"]


def test_alerts_of_rtmt_are_named_for_cucm_alone() -> None:
    states = "Registration:\n  Status: REGISTERED\nLicense Authorization:\n  Status: OUT OF COMPLIANCE\n"
    found = [explain(read((states + udi).encode())).meaning.alerts for udi in ("UDI: PID:UCM,SN:1\n", "")]

    assert [len(alerts) for alerts in found] == [2, 0]


@pytest.mark.parametrize(("now", "word"), [("2025-12-01", "In 20 days"), ("2026-02-01", "time for that is over")])
def test_an_overage_that_is_over_is_said(now: str, word: str) -> None:
    assert word in meaning_of("ios-out-of-compliance", now).meaning.text


POLICY = """Smart Licensing Using Policy:
  Status: ENABLED
Transport:
  Type: {transport}
Policy:
Usage Reporting:
  Next ACK deadline: Jan 12 12:10:01 2026 UTC
  Reporting push interval: 30 days
{more}"""
STATISTICS = "  Attempts: Total=2, Success=0, Fail=2  Ongoing Failure: Overall=2 Communication={}\n"


@pytest.mark.parametrize(
    ("transport", "more", "remedy"),
    [
        ("Transport Off", "", "by hand"),
        ("cslu", "", "address of a CSLU"),
        ("Smart", STATISTICS.format(0), "The path is fine"),
        ("Smart", STATISTICS.format(2), "path, proxy and trust"),
        ("Smart", "", "path, proxy and trust"),
    ],
)
def test_late_reports_have_a_remedy_for_what_stops_them(transport: str, more: str, remedy: str) -> None:
    text = POLICY.format(transport=transport, more=more).encode()

    assert remedy in explain(read(text), datetime(2026, 2, 1, tzinfo=UTC)).meaning.do
    early = explain(read(text), datetime(2025, 11, 1, tzinfo=UTC)).meaning
    assert (early.level, early.do == "Nothing.") == (("warning", False) if more else ("ok", True))


def test_a_late_report_of_a_cube_stops_calls() -> None:
    late, cube = POLICY.format(transport="Smart", more="").encode(), b"License Usage:\n  cube (CUBE_T_STD) 1 IN USE\n"
    now = datetime(2026, 2, 1, tzinfo=UTC)
    unknown, told = explain(read(late), now).meaning, explain(read(late + cube), now).meaning

    assert (unknown.enforced, told.enforced, told.family) == ("no", "now", "CUBE")
    assert ["CUBE" in note for note in unknown.notes] == [True]
    assert told.notes == ()


def test_not_smart_licensing_is_said() -> None:
    assert "not Smart Licensing" in meaning_of("nxos-traditional", "2026-01-01").meaning.text


def test_deadlines_are_in_order_with_days_left() -> None:
    found = meaning_of("cucm-all", "2026-03-10").deadlines

    assert [(each.name, each.days_left, each.printed) for each in found] == [
        ("contact", 23, True),
        ("authorization", 83, True),
        ("certificate_renewal", 173, True),
        ("certificate_expiry", 358, True),
    ]


def test_days_count_from_the_products_own_time_unless_told() -> None:
    reading = read(text_of("iosxe-status-proxy").encode())

    assert explain(reading).meaning.now == datetime(2026, 10, 23, 5, 30, 30, tzinfo=UTC)
    assert explain(reading, datetime(2026, 1, 1, tzinfo=UTC)).meaning.now.month == 1


def test_without_any_time_days_count_from_this_moment() -> None:
    before = datetime.now(UTC)

    assert before <= explain(read(b"")).meaning.now <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("family", "enforced"), [("", "after"), ("CUCM", "after"), ("CUC", "now"), ("UCCX", "now"), ("UCCE", "now")]
)
def test_an_expired_authorization_is_enforced_by_family(family: str, enforced: str) -> None:
    report = LicenseReport("classic")
    report.registration = Registration("registered")
    report.authorization = Authorization("authorization_expired")

    assert explain(Reading(report), datetime(2026, 1, 1, tzinfo=UTC), family=family).meaning.enforced == enforced


@pytest.mark.parametrize("name", NAMES)
def test_every_output_has_a_meaning_at_any_time(name: str) -> None:
    reading = read(text_of(name).encode())
    for now in (datetime.min, datetime(2026, 1, 1), datetime.max - timedelta(days=1)):
        meaning = explain(reading, now.replace(tzinfo=UTC)).meaning
        assert "{" not in meaning.text + meaning.text_ja + meaning.do
        assert meaning.text
        assert meaning.do_ja


def test_every_combination_of_states_has_a_row() -> None:
    pairs = list(product(set(REGISTRATION.values()), set(AUTHORIZATION.values())))

    assert [pair for pair in pairs if not state_of(*pair).en] == []
    assert state_of("registered", "authorized").level == "ok"
    assert state_of("registered", "reserved").level == "unknown"


def test_states_name_only_known_words_clocks_and_families() -> None:
    rows: list[LicenseState | Override] = [*table().state, *table().override]
    limited: list[Override | Effect] = [*table().override, *table().effect]
    words = {"*", *REGISTRATION.values(), *AUTHORIZATION.values()}
    families = {each.name for each in all_families()}

    assert {word for row in rows for word in (*row.registration, *row.authorization)} <= words
    assert {name for row in limited for name in row.families} <= families
    assert all(limit(row.clock) for row in table().state if row.clock)


def test_a_family_without_an_override_has_none() -> None:
    assert override_of("CUCM", "registered", "authorization_expired") is None


def test_the_page_of_states_and_clocks_is_up_to_date() -> None:
    made = subprocess.run(
        [sys.executable, ROOT / "scripts" / "licensing_page.py"], capture_output=True, text=True, check=True
    )

    page = (ROOT / "docs" / "licensing.md").read_text(encoding="utf-8")
    assert page == made.stdout, "run: python scripts/licensing_page.py > docs/licensing.md"
