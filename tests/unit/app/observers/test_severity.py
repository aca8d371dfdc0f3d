"""How bad each entry of the access log is."""

from datetime import UTC, datetime

import pytest

from licensegate.app.logs.sink import Severity
from licensegate.app.observers.severity import severity_of
from licensegate.diagnosis.codes import PROBLEMS
from licensegate.records.log_reader import LogEntry
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord, open_record
from licensegate.records.summary import RecordSummary


def ended(outcome: Outcome, relay_ms: float | None = None, finding: str = "") -> TunnelRecord:
    record = open_record("192.0.2.9", 4711, "127.0.0.1:3128")
    record.end(outcome)
    record.relay_ms, record.finding = relay_ms, finding
    return record


def summary(outcome: Outcome) -> RecordSummary:
    return RecordSummary(2, "summary", datetime(2026, 11, 30, tzinfo=UTC), 9, outcome=outcome)


@pytest.mark.parametrize(
    ("entry", "severity"),
    [
        pytest.param(ended(Outcome.CLOSED_BY_CLIENT, 5.0), Severity.INFO, id="a tunnel"),
        pytest.param(
            ended(Outcome.CLOSED_BY_CLIENT, 5.0, min(PROBLEMS)), Severity.WARNING, id="a tunnel with a problem"
        ),
        pytest.param(open_record("192.0.2.9", 1, "127.0.0.1:3128"), Severity.INFO, id="a start"),
        pytest.param(ended(Outcome.TARGET_NOT_ALLOWED), Severity.NOTICE, id="a refusal"),
        pytest.param(ended(Outcome.CONNECTION_TIMEOUT), Severity.WARNING, id="a failure"),
        pytest.param(ended(Outcome.INTERNAL_ERROR), Severity.ERROR, id="a fault of the gate's own"),
        pytest.param(summary(Outcome.CLOSED_BY_CLIENT), Severity.INFO, id="many tunnels"),
        pytest.param(summary(Outcome.TARGET_NOT_ALLOWED), Severity.NOTICE, id="many refusals"),
        pytest.param(summary(Outcome.DNS_TIMEOUT), Severity.WARNING, id="many failures"),
    ],
)
def test_a_tunnel_is_information_and_a_failure_a_warning(entry: LogEntry, severity: Severity) -> None:
    assert severity_of(entry) is severity
