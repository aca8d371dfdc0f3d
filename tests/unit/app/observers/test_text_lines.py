"""Lines of the access log for people."""

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given

from licensegate.app.observers.text_lines import TextLines, TimeStamp
from licensegate.records.contact import Contact
from licensegate.records.log_reader import LogEntry
from licensegate.records.outcome import Outcome, Party
from licensegate.records.summary import SummaryKey
from support.records import any_record, failure, record, tunnel

DATED = TextLines(TimeStamp.DATE)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

ANSWERED = tunnel(contact=Contact.ANSWERED, finding="transport_fine", user="cucm-pub")
REFUSED = record(Outcome.TARGET_IN_PRESET, target="smartreceiver.cisco.com:443", detail="cucm")
MISSING_ROOT = tunnel(contact=Contact.CERTIFICATE_REJECTED, finding="missing_root", ended_first=Party.CLIENT)
SUMMARY = SummaryKey("10.1.2.3", Outcome.TARGET_NOT_ALLOWED, "a.example:443").begin(NOON)
SUMMARY.count = 57


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        pytest.param(
            ANSWERED,
            "2026-03-02T12:00:02Z tunnel   10.1.2.3 (cucm-pub) to tools.cisco.com:443, answered, 2.1 s, "
            "6.0 kB sent, 5.5 kB received",
            id="answered",
        ),
        pytest.param(
            tunnel(None, total_ms=60_000.0, relay_ms=None),
            "2026-03-02T12:01:00Z open     10.1.2.3 to tools.cisco.com:443, still open",
            id="open for a minute",
        ),
        pytest.param(
            REFUSED,
            "2026-03-02T12:00:00Z refused  10.1.2.3: smartreceiver.cisco.com:443 is not in the allowlist, but the "
            "preset cucm would allow it. [target_in_preset, 403]",
            id="refused",
        ),
        pytest.param(
            record(Outcome.LOGIN_REQUIRED, target="tools.cisco.com:443"),
            "2026-03-02T12:00:00Z refused  10.1.2.3 must log in, but sent no login. [login_required, 407]",
            id="a sentence that names the client",
        ),
        pytest.param(
            failure(Outcome.CONNECTION_TIMEOUT, "192.0.2.1:443"),
            "2026-03-02T12:00:15Z failed   10.1.2.3: tools.cisco.com:443 did not answer in time (192.0.2.1:443). "
            "[connection_timeout, 504]",
            id="target not reached",
        ),
        pytest.param(
            MISSING_ROOT,
            "2026-03-02T12:00:02Z failed   10.1.2.3 rejected the public certificate of tools.cisco.com:443: it "
            "probably lacks the root. [missing_root]",
            id="a tunnel in which TLS failed",
        ),
        pytest.param(
            record(Outcome.CLOSED_AFTER_HANDSHAKE, repeated=12),
            "2026-03-02T12:00:00Z failed   10.1.2.3 completed TLS with the gate on 0.0.0.0:3128 and closed the "
            "connection without a request. [closed_after_handshake, 12 more before it]",
            id="once an hour",
        ),
        pytest.param(
            tunnel(contact=Contact.ANSWERED, finding="transport_fine", reported="target_not_allowed"),
            "2026-03-02T12:00:02Z tunnel   10.1.2.3 to tools.cisco.com:443, answered, 2.1 s, 6.0 kB sent, "
            "5.5 kB received, passed only because it is reported: target_not_allowed",
            id="reported only",
        ),
        pytest.param(
            SUMMARY,
            "2026-03-02T12:00:00Z summary  57 more connections of 10.1.2.3 to a.example:443 in a second, "
            "target_not_allowed",
            id="summary",
        ),
    ],
)
def test_a_line_says_what_happened_to_whom(entry: LogEntry, line: str) -> None:
    assert DATED.encode(entry).decode() == line


@pytest.mark.parametrize(
    ("milliseconds", "count", "words"),
    [
        (250.0, 999, "0.2 s, 999 B sent"),
        (99_000.0, 1000, "99.0 s, 1.0 kB sent"),
        (180_000.0, 999_960, "3 min, 1.0 MB sent"),
        (3 * 3600_000.0 + 120_000, 2_500_000_000, "3 h 2 min, 2.5 GB sent"),
        (0.0, 3 * 10**12, "0.0 s, 3.0 TB sent"),
    ],
)
def test_times_and_sizes_are_short(milliseconds: float, count: int, words: str) -> None:
    line = DATED.encode(tunnel(total_ms=milliseconds, upstream_written=count)).decode()
    assert words in line


def test_a_refusal_is_yellow_and_a_failure_red() -> None:
    lines = TextLines(TimeStamp.NONE, coloured=True)
    assert lines.encode(REFUSED).startswith(b"\x1b[33mrefused  \x1b[0m10.1.2.3")
    assert lines.encode(MISSING_ROOT).startswith(b"\x1b[31mfailed   \x1b[0m10.1.2.3")
    assert b"\x1b" not in lines.encode(ANSWERED)


@given(any_record)
def test_nothing_that_a_client_sends_moves_the_cursor(entry: LogEntry) -> None:
    for stamp in TimeStamp:
        line = TextLines(stamp).encode(entry).decode()
        assert [each for each in line if not each.isprintable() and unicodedata.category(each) != "Zs"] == []
