"""Findings about certificates that clients did not accept. Pure.

The alert means different things by TLS library, and in TLS 1.3 most send theirs encrypted: the gate's own look at the
target tells more. What TLS 1.2 shows of the certificate in the tunnel itself is the best evidence.
"""

from collections.abc import Mapping
from typing import Final

from licensegate.records.alert import ABOUT_A_CERTIFICATE, Alert, alert_name
from licensegate.records.certificate import CertificateOutline
from licensegate.records.finding import Certainty
from licensegate.records.record import TunnelRecord
from licensegate.records.target_verdict import TargetVerdict

from .case import Case, Conclusion, lower
from .codes import Code
from .dials import is_own_host
from .revocation import blocked_revocation
from .target_report import TargetReport

_CERTAIN, _LIKELY, _POSSIBLE = Certainty.CERTAIN, Certainty.LIKELY, Certainty.POSSIBLE

_OF_VERDICT: Final[Mapping[TargetVerdict, Code]] = {
    TargetVerdict.PRIVATE: Code.ONPREM_UNTRUSTED,
    TargetVerdict.UNTRUSTED: Code.ONPREM_UNTRUSTED,
    TargetVerdict.WRONG_NAME: Code.WRONG_NAME,
    TargetVerdict.EXPIRED: Code.SERVER_EXPIRED,
    TargetVerdict.NOT_YET_VALID: Code.SERVER_NOT_YET_VALID,
    TargetVerdict.GATE_CLOCK: Code.GATE_CLOCK,
    TargetVerdict.SELF_SIGNED: Code.SELF_SIGNED,
    TargetVerdict.INCOMPLETE_CHAIN: Code.INCOMPLETE_CHAIN,
}
"""What the look says is wrong with the server's certificate."""

_GOOD: Final = frozenset({TargetVerdict.PUBLIC, TargetVerdict.PRIVATE, TargetVerdict.NOT_JUDGED})
_GO_AND_GNUTLS: Final = ("Go-http-client/", "Wget/")
"""Programs whose alert 42 means an unknown authority. In JSSE and OpenSSL it means not yet valid."""


def of_rejection(case: Case) -> Conclusion:
    """The client rejected the certificate that it was shown."""
    alert = case.record.client_alert
    said = (
        f"the client sent alert {alert} ({alert_name(alert)})"
        if alert in ABOUT_A_CERTIFICATE and alert is not None
        else ("the client ended the handshake at the certificate")
    )
    blocked = blocked_revocation(case)
    if blocked is not None and alert not in ABOUT_A_CERTIFICATE - {Alert.CERTIFICATE_UNKNOWN}:
        return blocked
    found = _by_report(case) or _by_tunnel(case)
    if found is None:
        return Conclusion(Code.CERTIFICATE_REJECTED, _LIKELY, f"{said}; there is no recent look at the target")
    return Conclusion(found.code, found.certainty, f"{said}; {found.evidence}")


def of_doubt(case: Case, *, in_handshake: bool = False) -> Conclusion | None:
    """The client ended without a word where some check the certificate; None unless it has a fault.

    `in_handshake`: it was in the middle of the handshake. There even a good certificate is in doubt, as only a client
    that does not trust it ends so by itself.
    """
    blocked = blocked_revocation(case)
    if blocked is not None:
        return Conclusion(blocked.code, lower(blocked.certainty), blocked.evidence)
    report = case.report
    if not in_handshake and report is not None and report.verdict in _GOOD:
        return None
    found = _by_report(case) or _by_shown(case)
    if found is None:
        return None
    # Only a wrong name is noticed after the handshake by many clients.
    certainty = found.certainty if found.code is Code.WRONG_NAME else lower(found.certainty)
    return Conclusion(found.code, certainty if certainty is not _CERTAIN else _LIKELY, found.evidence)


def _by_report(case: Case) -> Conclusion | None:
    """What the gate's own look at the target says; None if it says nothing about the certificate."""
    report, record = case.report, case.record
    if report is None:
        return None
    seen = f"the gate's own look at {report.time:%Y-%m-%d %H:%M:%S}"
    shown = record.server_certificate
    if report.verdict is TargetVerdict.PUBLIC:
        if shown is not None and report.chain and shown.issuer != report.chain[0].issuer:
            evidence = f"it was signed by {shown.issuer}, the one that {seen} met by {report.chain[0].issuer}"
            return Conclusion(Code.INTERCEPTED, case.by_report(_LIKELY), evidence)
        return _of_public(case, seen)
    if report.verdict is TargetVerdict.FOREIGN_ISSUER:
        return _of_foreign(case, report, seen)
    if report.verdict is TargetVerdict.NOT_JUDGED:
        certainty = case.by_report(_LIKELY) if is_own_host(record) else _POSSIBLE
        return Conclusion(Code.ONPREM_UNTRUSTED, certainty, f"{seen} met {_signed_by(report)}; no rule names its root")
    code = _OF_VERDICT.get(report.verdict)
    if code is None:
        return None
    detail = f": {report.detail}" if report.detail else ""
    skew = (
        f"; the target's clock differs by {report.skew_seconds:.0f} s"
        if code is Code.GATE_CLOCK and (report.skew_seconds is not None)
        else ""
    )
    return Conclusion(code, case.by_report(_LIKELY), f"{seen} met {_signed_by(report)}{detail}{skew}")


def _of_public(case: Case, seen: str) -> Conclusion:
    """The certificate is good: the client lacks the root, or its clock is wrong."""
    alert = case.record.client_alert
    good = f"{seen} found it good and signed by a public authority"
    if alert == Alert.CERTIFICATE_EXPIRED:
        return Conclusion(Code.CLIENT_CLOCK, case.by_report(_LIKELY), good)
    if alert == Alert.BAD_CERTIFICATE and not case.record.user_agent.startswith(_GO_AND_GNUTLS):
        known = _is_jsse_or_openssl(case.record)
        return Conclusion(Code.CLIENT_CLOCK, case.by_report(_LIKELY) if known else _POSSIBLE, good)
    if alert == Alert.CERTIFICATE_REVOKED or alert == Alert.UNSUPPORTED_CERTIFICATE:
        return Conclusion(Code.CERTIFICATE_REJECTED, _LIKELY, good)
    if alert != Alert.UNKNOWN_CA and case.answered_before is not None and case.answered_before < case.record.time:
        worked = f"; the same program was answered at {case.answered_before:%Y-%m-%d %H:%M:%S}"
        return Conclusion(Code.CLIENT_CLOCK, _POSSIBLE, good + worked)
    return Conclusion(Code.MISSING_ROOT, case.by_report(_LIKELY), good)


def _of_foreign(case: Case, report: TargetReport, seen: str) -> Conclusion:
    """No public root signed what the gate was shown. The certificate in the tunnel itself may prove it."""
    record, shown = case.record, case.record.server_certificate
    own = "; this host's own store trusts it: a company's root is installed here" if report.system_trusts else ""
    evidence = f"{seen} met {_signed_by(report)}{own}"
    if is_own_host(record):
        return Conclusion(Code.ONPREM_UNTRUSTED, case.by_report(_LIKELY), evidence)
    if shown is not None and any(shown.issuer == one.issuer for one in report.chain):
        evidence = f"it was signed by {shown.issuer}, as in the tunnel itself and in {seen}"
        return Conclusion(Code.INTERCEPTED, case.by_report(_CERTAIN), evidence)
    return Conclusion(Code.INTERCEPTED, case.by_report(_LIKELY), evidence)


def _by_tunnel(case: Case) -> Conclusion | None:
    """What the tunnel's own certificate, the alert and the address say without a look at the target."""
    record, shown = case.record, case.record.server_certificate
    fault = _by_shown(case)
    if fault is not None:
        return fault
    if is_own_host(record):
        signed = f"it is signed by {shown.issuer}, and " if shown is not None else ""
        return Conclusion(Code.ONPREM_UNTRUSTED, _POSSIBLE, f"{signed}the server has an address of your own")
    if shown is not None:
        return Conclusion(Code.CERTIFICATE_REJECTED, _LIKELY, f"the tunnel shows one signed by {shown.issuer}")
    return None


def _by_shown(case: Case) -> Conclusion | None:
    """The fault of the certificate that the tunnel itself shows (TLS 1.2); None without one."""
    record, shown = case.record, case.record.server_certificate
    if shown is None:
        return None
    if shown.subject and shown.subject == shown.issuer:
        code = Code.ONPREM_UNTRUSTED if is_own_host(record) else Code.SELF_SIGNED
        return Conclusion(code, _LIKELY, f"the tunnel shows a certificate that {shown.issuer} signed for itself")
    if not _names(shown, record.target):
        names = ", ".join(shown.names[:4]) or shown.subject
        return Conclusion(Code.WRONG_NAME, _LIKELY, f"the tunnel shows a certificate for {names}")
    if shown.not_after < record.time:
        return Conclusion(Code.SERVER_EXPIRED, _LIKELY, f"the tunnel shows one that ended {shown.not_after:%F}")
    if shown.not_before > record.time:
        return Conclusion(
            Code.SERVER_NOT_YET_VALID, _LIKELY, f"the tunnel shows one that begins {shown.not_before:%F %T}"
        )
    return None


def _names(certificate: CertificateOutline, target: str) -> bool:
    """Whether a certificate is for the target's host (RFC 9525 section 6.3). True if it lists too many names to say."""
    host = target.rpartition(":")[0].strip("[]")
    names = [name.lower() for name in certificate.names]
    parent = host.partition(".")[2]
    if host in names or (parent and f"*.{parent}" in names) or len(names) >= _MOST_NAMES:
        return True
    return not names and host in certificate.subject.lower()


_MOST_NAMES: Final = 16


def _signed_by(report: TargetReport) -> str:
    return f"a certificate signed by {report.chain[0].issuer}" if report.chain else "its certificate"


def _is_jsse_or_openssl(record: TunnelRecord) -> bool:
    """Whether JSSE or OpenSSL sent the alert: by the program's name; in TLS 1.3 only OpenSSL sends it in clear."""
    return "Java/" in record.user_agent or record.user_agent.startswith("curl/") or record.tls_negotiated == "1.3"
