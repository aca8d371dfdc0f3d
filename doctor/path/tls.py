"""The steps `tls` and `chain`: what a look of the gate's own at a target showed (`licensegate.probe`)."""

from datetime import datetime, timedelta
from typing import Final

from licensegate.diagnosis.target_report import TargetReport
from licensegate.records.target_verdict import TargetVerdict

from ..step import StepResult, failed, ok, skipped, warning

_SOON: Final = timedelta(days=7)

_EXEMPT: Final = "exempt {target} from inspection and filters in the firewall, IPS or proxy on the way"
_HANDSHAKE_CURES: Final = {
    TargetVerdict.NOT_REACHED: "see the step tunnel",
    TargetVerdict.NOT_TLS: f"a block page or another server answers: {_EXEMPT}",
    TargetVerdict.SILENT: f"large packets are lost or filtered: clamp the MSS on the way, or {_EXEMPT}",
    TargetVerdict.HELLO_CUT: f"a filter of server names cuts the connection: {_EXEMPT}",
    TargetVerdict.HELLO_REFUSED: f"a filter or the server refuses the name: {_EXEMPT}",
    TargetVerdict.SERVER_TOO_OLD: "upgrade {target} to TLS 1.2: today's products refuse older versions",
    TargetVerdict.NO_COMMON_CIPHER: "upgrade {target}, or have it offer the ciphers of today's products",
    TargetVerdict.CLIENT_CERTIFICATE: "check that {target} is the host you mean: licensing hosts want no certificate",
}
_CHAIN_CURES: Final = {
    TargetVerdict.WRONG_NAME: "use the server's exact name in the product's URL, or give it a certificate for {host}",
    TargetVerdict.EXPIRED: "have the certificate of {target} renewed",
    TargetVerdict.NOT_YET_VALID: "set the clock of the machine that made the certificate, and have a new one made",
    TargetVerdict.GATE_CLOCK: "set this host's clock: start a time service with a server that it reaches",
    TargetVerdict.SELF_SIGNED: "bypass the TLS inspection of {target} on the way; for a host of your own, name its "
    "certificate in the rule's ca, and set private = true",
    TargetVerdict.FOREIGN_ISSUER: "bypass the TLS inspection of {target} on the way: products trust public roots only, "
    "and a corporate root does not help them",
    TargetVerdict.UNTRUSTED: "have {target} serve a valid certificate; for a host of your own, name its authority in "
    "the rule's ca",
}


def judge_tls(report: TargetReport) -> StepResult:
    """Whether the target shakes hands."""
    cure = _HANDSHAKE_CURES.get(report.verdict)
    if cure is not None:
        return failed(report.detail or report.verdict, cure.format(target=report.target))
    return ok(f"{report.tls_version or 'TLS'}, the server's handshake has {report.flight_bytes} bytes")


def judge_chain(report: TargetReport, now: datetime) -> StepResult:
    """Whether products will trust the certificate, and for how long."""
    host = report.target.rpartition(":")[0]
    if report.verdict in _HANDSHAKE_CURES and not report.chain:
        return skipped("no certificate was shown")
    cure = _CHAIN_CURES.get(report.verdict)
    if cure is not None:
        sign = "; it lacks what public authorities put into theirs" if report.looks_intercepted else ""
        return failed(f"{report.detail}{sign}", cure.format(target=report.target, host=host))
    if report.verdict is TargetVerdict.INCOMPLETE_CHAIN:
        return warning(report.detail, f"have {report.target} send the whole chain: many products reject it as it is")
    if report.verdict is TargetVerdict.NOT_JUDGED:
        return skipped(f"{report.detail}; name its authority in the rule's ca to have it judged")
    left = report.chain[0].not_after - now if report.chain else None
    until = f", valid until {report.chain[0].not_after:%Y-%m-%d}" if report.chain else ""
    if left is not None and left < _SOON:
        return warning(f"{report.detail}{until}", f"have the certificate of {report.target} renewed in time")
    return ok(f"{report.detail}{until}")
