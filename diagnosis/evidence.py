"""Evidence that findings about tunnels share: alerts, ends, the gate's own look, a certificate that is wanted. Pure."""

from typing import Final

from licensegate.records.alert import Alert, alert_name
from licensegate.records.finding import Certainty
from licensegate.records.record import TunnelRecord
from licensegate.records.target_verdict import TargetVerdict

from .case import Case, Conclusion
from .codes import Code
from .shapes import (
    shows_no_certificate,
)

NO_FAULT: Final = frozenset({Alert.CLOSE_NOTIFY, Alert.USER_CANCELED})


def of_wanted_certificate(case: Case) -> Conclusion | None:
    """The client showed an empty certificate, or the gate's own look met a target that wants one; None if neither."""
    if shows_no_certificate(case.record):
        evidence = "the client was asked for a certificate, showed an empty one, and got no answer"
        return Conclusion(Code.CLIENT_CERTIFICATE_WANTED, Certainty.LIKELY, evidence)
    also = met_by_look(case, TargetVerdict.CLIENT_CERTIFICATE)
    if also:
        return Conclusion(Code.CLIENT_CERTIFICATE_WANTED, case.by_report(Certainty.LIKELY), f"no answer came{also}")
    return None


def alert_in_words(alert: int | None) -> str:
    """The alert of a target; one that is encrypted has no number."""
    return "the target sent an alert" if alert is None else f"the target sent alert {alert} ({alert_name(alert)})"


def end_in_words(record: TunnelRecord) -> str:
    """How a tunnel ended, without the side."""
    return f"the connection was reset ({record.detail})" if record.detail else "the connection was closed"


def met_by_look(case: Case, verdict: TargetVerdict) -> str:
    """That the gate's own look at the target met the same; empty if it did not."""
    report = case.report
    if report is None or report.verdict is not verdict:
        return ""
    return f"; the gate's own look at {report.time:%H:%M:%S} met the same"
