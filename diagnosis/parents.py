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

_NO_CONNECT: Final = (404, 405, 501)
"""What web servers answer to a CONNECT."""


def of_refusal(case: Case) -> Conclusion:
    """A redirection, or a demand to log in to the network, comes from a portal for browsers.

    An answer that there is no such page or method comes from a web server.
    """
    record = case.record
    if record.parent_location:
        return Conclusion(Code.PARENT_PORTAL, Certainty.CERTAIN, f"it redirects to {record.parent_location}")
    if record.parent_status == _PORTAL or record.parent_status in _REDIRECTIONS:
        return Conclusion(Code.PARENT_PORTAL, Certainty.LIKELY, f"it answered {record.parent_status}")
    if record.parent_status in _NO_CONNECT:
        return Conclusion(Code.PARENT_NOT_A_PROXY, Certainty.LIKELY, f"it answered {record.parent_status}")
    return Conclusion(Code.PARENT_REFUSED, Certainty.CERTAIN, record.detail)


RULES: Final[Mapping[Outcome, Callable[[Case], Conclusion]]] = {
    Outcome.PARENT_REFUSED: of_refusal,
}
