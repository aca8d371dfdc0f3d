"""Revocation lists and OCSP answers that a client asked for and did not get. Pure."""

import re
from datetime import timedelta
from typing import Final

from licensegate.records.finding import Certainty
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord

from .case import Case, Conclusion, RefusedFetch
from .codes import Code

_SHORTLY: Final = timedelta(minutes=2)

_REFUSED: Final = frozenset(
    {Outcome.HTTP_WITHOUT_TUNNEL, Outcome.TARGET_NOT_ALLOWED, Outcome.TARGET_IN_PRESET, Outcome.TARGET_PORT_NOT_ALLOWED}
)
_IS_REVOCATION: Final = re.compile(r"(?i)\.crl\b|(?:^|[/.])(?:ocsp|crl)[0-9]*[./:]|/(?:ocsp|crl)\b")
"""By the URLs and hosts that certificates name (RFC 5280 sections 4.2.1.13 and 4.2.2.1)."""


def refused_fetch(record: TunnelRecord) -> RefusedFetch | None:
    """The fetch of a revocation list or OCSP answer that this record refuses; None if it is no such record."""
    if record.outcome not in _REFUSED:
        return None
    asked = record.requested or record.target
    return RefusedFetch(record.time, asked) if _IS_REVOCATION.search(asked) else None


def blocked_revocation(case: Case) -> Conclusion | None:
    """The client was refused such a fetch shortly before it gave up its TLS; None if not."""
    fetch = case.refused_fetch
    if fetch is None or not timedelta() <= case.record.time + _SHORTLY - fetch.time <= 2 * _SHORTLY:
        return None
    return Conclusion(
        Code.REVOCATION_BLOCKED, Certainty.LIKELY, f"at {fetch.time:%H:%M:%S} the gate refused it {fetch.requested}"
    )
