"""How bad an entry of the access log is, for the journal and syslog. Pure."""

from typing import Final

from licensegate.app.logs.sink import Severity
from licensegate.diagnosis.codes import PROBLEMS
from licensegate.records.log_reader import LogEntry
from licensegate.records.outcome import Outcome, Party
from licensegate.records.record import TunnelRecord

_INFO: Final = Severity.INFO


def severity_of(entry: LogEntry) -> Severity:
    """INFO for a tunnel, NOTICE for a refusal by the gate's rules, WARNING for a failure, ERROR for the gate's own."""
    outcome = entry.outcome
    if isinstance(entry, TunnelRecord):
        fine = entry.event != "end" or (entry.relay_ms is not None and entry.finding not in PROBLEMS)
    else:
        fine = outcome is not None and outcome.status == 200
    if fine or outcome is None:
        return _INFO
    if outcome is Outcome.INTERNAL_ERROR:
        return Severity.ERROR
    return Severity.NOTICE if is_refusal(outcome) else Severity.WARNING


def is_refusal(outcome: Outcome) -> bool:
    """Whether the gate refused a request that it could have served otherwise: by its rules, or for a missing login."""
    return outcome.ended_by is Party.GATE and 400 <= outcome.status < 500
