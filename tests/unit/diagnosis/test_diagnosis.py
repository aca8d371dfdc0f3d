"""What the diagnosis remembers, and what it leaves alone."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from licensegate.diagnosis.diagnosis import Diagnosis
from licensegate.diagnosis.silence import never_arrived
from licensegate.diagnosis.wording import code_of
from licensegate.records.contact import Contact
from licensegate.records.finding import Certainty
from licensegate.records.log_reader import read_record
from licensegate.records.outcome import Outcome
from licensegate.records.record import LoginResult, TunnelRecord
from support.diagnosed import failed, refused
from support.records import NOON, any_record, record

PAGE = (Path(__file__).parents[3] / "docs" / "records.md").read_text()


def test_a_finding_is_written_once() -> None:
    made = failed(Contact.HELLO_CUT)
    diagnosis = Diagnosis()
    first = diagnosis.explain(made)
    made.contact = Contact.NOT_TLS

    assert diagnosis.explain(made) == first
    assert made.finding == "server_closed_on_hello"


def test_probes_and_open_tunnels_get_no_finding() -> None:
    skipped = [record(Outcome.CLOSED_UNUSED), record(Outcome.HEALTH_ASKED), record(None)]
    probe = refused(Outcome.CONNECTION_REFUSED, event="probe")
    Diagnosis().observe([*skipped, probe])

    assert [each.finding for each in (*skipped, probe)] == ["", "", "", ""]


def test_hosts_of_one_ipv6_network_are_one_client() -> None:
    diagnosis = Diagnosis()
    diagnosis.observe([refused(Outcome.TARGET_NOT_ALLOWED, client="2001:db8::1", login_result=LoginResult.ACCEPTED)])

    assert diagnosis.explain(refused(Outcome.LOGIN_REQUIRED, client="2001:db8::2")) is None
    assert diagnosis.explain(refused(Outcome.LOGIN_REQUIRED, client="2001:db8:0:1::2")) is not None


def test_a_client_silent_beyond_its_rhythm_never_arrived() -> None:
    diagnosis = Diagnosis()
    diagnosis.observe([failed(Contact.ANSWERED, after=day * 86_400, answered_ms=100.0) for day in range(6)])
    last = NOON + timedelta(days=5)

    assert list(diagnosis.silent(last + timedelta(days=2))) == []
    ((client, finding),) = diagnosis.silent(last + timedelta(days=4))
    assert (client, finding.code, finding.certainty) == ("10.1.2.3", "never_arrived", Certainty.POSSIBLE)
    assert "2026-03-07 12:00:00" in finding.evidence


def test_the_connections_of_one_message_are_no_rhythm() -> None:
    diagnosis = Diagnosis()
    month, message = 30 * 86_400, (0, 1, 2)
    starts = [number * month + second for number in range(6) for second in message]
    diagnosis.observe([failed(Contact.ANSWERED, after=start, answered_ms=100.0) for start in starts])

    assert list(diagnosis.silent(NOON + timedelta(seconds=starts[-1], days=20))) == []
    assert len(list(diagnosis.silent(NOON + timedelta(seconds=starts[-1], days=91)))) == 1


def test_a_client_seen_once_is_silent_only_after_a_month() -> None:
    assert never_arrived("10.1.2.3", [NOON], NOON + timedelta(days=20)) is None
    assert never_arrived("10.1.2.3", [NOON], NOON + timedelta(days=31)) is not None
    assert never_arrived("10.1.2.3", [], NOON) is None


@pytest.mark.parametrize("line", re.findall(r"^```json\n(.*)\n```$", PAGE.partition("## Summaries")[0], re.MULTILINE))
def test_the_records_on_the_page_have_their_findings(line: str) -> None:
    written = read_record(line.encode())
    made = structs.replace(written, finding="", certainty=None, evidence="")
    Diagnosis().conclude(made)

    assert made == written


@given(st.lists(any_record, max_size=20))
def test_any_records_are_explained_without_a_fault(records: list[TunnelRecord]) -> None:
    diagnosis = Diagnosis()
    diagnosis.observe(records)

    for made in records:
        finding = diagnosis.explain(made)
        assert (finding is None) == (made.finding == "")
        assert finding is None or code_of(finding.code) is not None
