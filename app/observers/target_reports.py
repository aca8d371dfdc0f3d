"""The newest look at each target, and what has changed since the one before. Bounded; keeps no look of another run."""

import logging
from collections.abc import Callable
from typing import Final

from licensegate.diagnosis.target_report import TargetReport
from licensegate.records.bounded import BoundedDict
from licensegate.records.target_verdict import TargetVerdict

_MOST_TARGETS: Final = 512
"""A wildcard rule allows any number of targets to be looked at."""

GOOD: Final = frozenset({TargetVerdict.PUBLIC, TargetVerdict.PRIVATE, TargetVerdict.NOT_JUDGED})
"""Verdicts that find nothing wrong."""

_REFUSED_BY: Final = {
    "IdenTrust Commercial Root CA 1": "CUCM and IM&P before 12.5(1)SU5 and 14SU1 refuse it without Cisco's COP file "
    "ciscocm.slm_quovadis_rootCA_decommission_v1.1.k4 (Cisco field notice FN72318)",
}
"""Products that lack a root, by its name in the certificate's subject."""

_ANY_OTHER: Final = "products with a fixed list of roots, such as CUCM and Expressway, may refuse it until an update"

_log = logging.getLogger(__name__)


class TargetReports:
    """The newest report of each target. `issuer_changes` counts, by target, how often its issuer became another one."""

    def __init__(self) -> None:
        self.by_target: BoundedDict[str, TargetReport] = BoundedDict(_MOST_TARGETS)
        self.issuer_changes: BoundedDict[str, int] = BoundedDict(_MOST_TARGETS)
        self._listeners: list[Callable[[TargetReport], None]] = []

    def tell(self, listener: Callable[[TargetReport], None]) -> None:
        """Call `listener` with each report from now on."""
        self._listeners.append(listener)

    def put(self, report: TargetReport) -> None:
        """Keep a report, log what has changed, and tell it to the listeners."""
        before = self.by_target.get(report.target)
        self.by_target.put(report.target, report)
        if before is None or before.verdict is not report.verdict:
            log = _log.info if report.verdict in GOOD else _log.warning
            log("a look at %s found %s: %s", report.target, report.verdict, report.detail)
        is_other = before is not None and _issuer(before) and _issuer(report) and _issuer(before) != _issuer(report)
        self.issuer_changes.put(report.target, self.issuer_changes.get(report.target, 0) + bool(is_other))
        if before is not None and is_other:
            _log.warning(
                "the certificate of %s has a new issuer, %s instead of %s: %s",
                *(report.target, _issuer(report), _issuer(before), refused_by(report)),
            )
        for listener in self._listeners:
            listener(report)


def _issuer(report: TargetReport) -> str:
    return report.chain[0].issuer if report.chain else ""


def refused_by(report: TargetReport) -> str:
    """Say which products refuse a certificate with the issuer that this report shows."""
    if report.verdict not in GOOD:
        return report.detail
    root = report.chain[-1].subject if report.chain else ""
    return next((text for name, text in _REFUSED_BY.items() if name in root), _ANY_OTHER)
