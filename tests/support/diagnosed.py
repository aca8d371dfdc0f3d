"""Records of failed contacts, and looks at their target, for the rules of the diagnosis. Imports the gate's code."""

from datetime import datetime, timedelta
from typing import Any, Final

from licensegate.diagnosis.diagnosis import Diagnosis
from licensegate.diagnosis.target_report import TargetReport
from licensegate.records.certificate import CertificateOutline
from licensegate.records.contact import Contact
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord
from licensegate.records.target_verdict import TargetVerdict
from support.records import NOON, TARGETS, record, tunnel

PRESET: Final = "cisco-licensing"
PUBLIC_ISSUER: Final = "CN=HydrantID Server CA O1, O=IdenTrust"
CORPORATE_ISSUER: Final = "CN=Example Corp Inspection CA"
REJECTED_IN_TLS_1_3: Final = [(20, 1), (23, 35)]


def failed(contact: Contact | None, outcome: Outcome = Outcome.CLOSED_BY_CLIENT, **fields: Any) -> TunnelRecord:
    """A tunnel to tools.cisco.com that ended at once, with this contact."""
    usual: dict[str, Any] = {
        "contact": contact, "preset": PRESET, "tls_negotiated": "1.3", "total_ms": 140.0, "relay_ms": 100.0,
        "client_last_ms": 80.0, "upstream_last_ms": 70.0, "upstream_read": 1843,
    }  # fmt: skip
    return tunnel(outcome, **(usual | fields))


def refused(outcome: Outcome, detail: str = "", **fields: Any) -> TunnelRecord:
    """A connection that ended without a tunnel."""
    made = record(outcome, **({"total_ms": 5.0} | fields))
    made.detail = detail
    return made


def outline(issuer: str = PUBLIC_ISSUER, **fields: Any) -> CertificateOutline:
    """The certificate of tools.cisco.com, valid at NOON."""
    usual: dict[str, Any] = {
        "subject": "CN=tools.cisco.com, O=Cisco Systems Inc.", "issuer": issuer, "not_before": NOON - timedelta(30),
        "not_after": NOON + timedelta(300), "names": ("tools.cisco.com",),
    }  # fmt: skip
    return CertificateOutline(**(usual | fields))


def look(verdict: TargetVerdict, issuer: str = PUBLIC_ISSUER, *, ago: float = 60, **fields: Any) -> TargetReport:
    """A look at tools.cisco.com, some seconds before NOON."""
    return TargetReport(TARGETS[0], NOON - timedelta(seconds=ago), verdict, chain=(outline(issuer),), **fields)


def found(made: TunnelRecord, *looks: TargetReport, before: tuple[TunnelRecord, ...] = ()) -> tuple[str, str]:
    """The code and the certainty for a record, after these looks and earlier records."""
    diagnosis = Diagnosis()
    for report in looks:
        diagnosis.seen(report)
    diagnosis.observe(before)
    finding = diagnosis.explain(made)
    return ("", "") if finding is None else (finding.code, str(finding.certainty))


def later(seconds: float) -> datetime:
    """So many seconds after NOON."""
    return NOON + timedelta(seconds=seconds)
