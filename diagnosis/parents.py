"""Findings about parent proxies that say more than their outcome. Pure."""

from collections.abc import Callable, Mapping
from typing import Final

from licensegate.records.finding import Certainty
from licensegate.records.outcome import Outcome

from .case import Case, Conclusion
from .codes import Code

_REDIRECTIONS: Final = range(300, 400)
_PORTAL: Final = 511
"""Network Authentication Required (RFC 6585 section 6)."""


def of_refusal(case: Case) -> Conclusion:
    """A redirection, or a demand to log in to the network, comes from a portal for browsers."""
    record = case.record
    if record.parent_location:
        return Conclusion(Code.PARENT_PORTAL, Certainty.CERTAIN, f"it redirects to {record.parent_location}")
    if record.parent_status == _PORTAL or record.parent_status in _REDIRECTIONS:
        return Conclusion(Code.PARENT_PORTAL, Certainty.LIKELY, f"it answered {record.parent_status}")
    return Conclusion(Code.PARENT_REFUSED, Certainty.CERTAIN, record.detail)


RULES: Final[Mapping[Outcome, Callable[[Case], Conclusion]]] = {
    Outcome.PARENT_REFUSED: of_refusal,
}
