"""The access log as squid would write it."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.app.observers.squid_lines import squid_line
from licensegate.records.outcome import Outcome
from licensegate.records.record import DialAttempt, TunnelRecord, open_record
from licensegate.records.summary import RecordSummary

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
LINE = re.compile(r" *\d+\.\d{3} +\d+ [!-~]+ [A-Z]+_[A-Z]+/\d{3} \d+ [!-~]+ [!-~]+ [!-~]+ [A-Z]+_[A-Z]+/[!-~]+ [!-~]+")


def ended(outcome: Outcome, **values: object) -> TunnelRecord:
    record = open_record("192.0.2.9", 4711, "127.0.0.1:3128")
    record.time, record.total_ms = NOON, 1352.4
    record.end(outcome)
    for name, value in values.items():
        setattr(record, name, value)
    return record


@pytest.mark.parametrize(
    ("record", "line"),
    [
        pytest.param(
            ended(
                Outcome.CLOSED_BY_CLIENT, method="CONNECT", target="a.example:443", client_written=59,
                upstream="192.0.2.1:443", user="us er%\\x01\\xc3\\xbc",
            ),
            "1796040001.352   1352 192.0.2.9 TCP_TUNNEL/200 59 CONNECT a.example:443 us%20er%25%01%c3%bc "
            "HIER_DIRECT/192.0.2.1 -",
            id="a tunnel",
        ),
        pytest.param(
            ended(
                Outcome.CLOSED_BY_UPSTREAM, method="CONNECT", target="a.example:443", client_written=59,
                upstream="[2001:db8::1]:3128", parent="http://proxy.example:3128",
            ),
            "1796040001.352   1352 192.0.2.9 TCP_TUNNEL/200 59 CONNECT a.example:443 - FIRSTUP_PARENT/2001:db8::1 -",
            id="through a parent proxy",
        ),
        pytest.param(
            ended(Outcome.TARGET_NOT_ALLOWED, method="CONNECT", target="a.example:443", client_written=300),
            "1796040001.352   1352 192.0.2.9 TCP_DENIED/403 300 CONNECT a.example:443 - HIER_NONE/- text/plain",
            id="refused",
        ),
        pytest.param(
            ended(
                Outcome.CONNECTION_TIMEOUT, method="CONNECT", target="a.example:443", client_written=300,
                attempts=[DialAttempt("192.0.2.1", 1.0, "ECONNREFUSED"), DialAttempt("192.0.2.2", 1.0)],
            ),
            "1796040001.352   1352 192.0.2.9 NONE_NONE/504 300 CONNECT a.example:443 - HIER_DIRECT/192.0.2.2 "
            "text/plain",
            id="not reached",
        ),
        pytest.param(
            ended(Outcome.HEAD_MALFORMED, client_written=300),
            "1796040001.352   1352 192.0.2.9 NONE_NONE/400 300 - error:invalid-request - HIER_NONE/- text/plain",
            id="no request",
        ),
        pytest.param(
            ended(Outcome.CROWDED_OUT),
            "1796040001.352   1352 192.0.2.9 NONE_NONE/000 0 - error:transaction-end-before-headers - HIER_NONE/- -",
            id="no answer",
        ),
    ],
)  # fmt: skip
def test_a_record_is_one_line_of_squids(record: TunnelRecord, line: str) -> None:
    assert squid_line(record).decode() == line
    assert LINE.fullmatch(line)


def test_the_start_of_a_tunnel_has_no_line() -> None:
    record = open_record("192.0.2.9", 4711, "127.0.0.1:3128")
    record.event = "start"
    assert squid_line(record) == b""


def test_a_summary_says_how_many_lines_it_stands_for() -> None:
    summary = RecordSummary(2, "summary", NOON, 412, "192.0.2.9", Outcome.TARGET_NOT_ALLOWED, client_written=8)
    line = squid_line(summary).decode()
    assert " 192.0.2.9 NONE_NONE/000 8 - error:412-more-connections - HIER_NONE/- -" in line
    assert LINE.fullmatch(line)


@given(
    st.sampled_from(Outcome),
    st.fixed_dictionaries({name: st.text(max_size=20) for name in ("method", "target", "requested", "user")}),
)
def test_no_text_of_a_client_makes_another_field(outcome: Outcome, values: dict[str, str]) -> None:
    assert LINE.fullmatch(squid_line(ended(outcome, **values)).decode())
