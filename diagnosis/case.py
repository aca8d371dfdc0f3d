"""What the rules know about one connection, and what they conclude from it."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from licensegate.records.finding import Certainty
from licensegate.records.record import DIRECT, TunnelRecord
from licensegate.records.tcp_account import TcpAccount

from .codes import Code
from .target_report import TargetReport

SILENCE_MS: Final = 1000.0
"""A wait that means silence, in milliseconds: a peer that closes does so within a round trip."""

_FRESH: Final = timedelta(minutes=10)
_USABLE: Final = timedelta(hours=6, minutes=30)  # looks in the background are six hours apart

_LOWER: Final = {Certainty.CERTAIN: Certainty.LIKELY, Certainty.LIKELY: Certainty.POSSIBLE}


class Conclusion(Struct, frozen=True):
    """A finding without its words. `evidence` says what was seen."""

    code: Code
    certainty: Certainty
    evidence: str = ""


class RefusedFetch(Struct, frozen=True):
    """A revocation list or an OCSP answer that the gate did not let a client fetch."""

    time: datetime
    requested: str


class Case(Struct, frozen=True):
    """A record that is to be explained.

    `report` is the newest look at its target, if it is recent enough, and `is_fresh` whether it is of the same
    minutes. `refused_fetch` is the client's last one. `has_logged_in`: this client did before. `answered_before`: the
    same program reached the same target before.
    """

    record: TunnelRecord
    report: TargetReport | None = None
    is_fresh: bool = False
    refused_fetch: RefusedFetch | None = None
    has_logged_in: bool = False
    answered_before: datetime | None = None

    def by_report(self, certainty: Certainty) -> Certainty:
        """The certainty of what the report says: one degree lower if it is not fresh."""
        return certainty if self.is_fresh else lower(certainty)


def usable(report: TargetReport | None, record: TunnelRecord) -> tuple[TargetReport | None, bool]:
    """The report if it is evidence for this record, and whether it is fresh."""
    if report is None:
        return None, False
    age = abs(record.time + timedelta(milliseconds=record.total_ms or 0) - report.time)
    return (report, age <= _FRESH) if age <= _USABLE else (None, False)


def lower(certainty: Certainty) -> Certainty:
    """One degree less sure."""
    return _LOWER.get(certainty, Certainty.POSSIBLE)


def waited_ms(record: TunnelRecord) -> float:
    """How long nothing moved before the end of a tunnel."""
    last = max(record.client_last_ms or 0.0, record.upstream_last_ms or 0.0)
    if not last:
        return record.relay_ms or record.total_ms or 0.0
    return max((record.total_ms or 0.0) - last, 0.0)


def seconds(ms: float) -> str:
    """A duration in words."""
    return f"{ms / 1000:.0f} s" if ms >= 10_000 else f"{ms / 1000:.1f} s" if ms >= 1000 else f"{ms:.0f} ms"


def lost(record: TunnelRecord, account: TcpAccount | None) -> bool:
    """Whether packets to this peer were lost: not acknowledged for long, or although they were sent again.

    Bytes that only wait to be sent, with all others acknowledged, are of the tunnel's last moment.
    """
    if account is None or not (account.unsent or account.unacknowledged):
        return False
    sent_again = account.unacknowledged > 0 and account.retransmitted > 0
    return sent_again or waited_ms(record) >= SILENCE_MS


def in_words(account: TcpAccount | None) -> str:
    """What TCP says about a peer that did not acknowledge."""
    if account is None:
        return "TCP has no account"
    return (
        f"{account.unsent} bytes were unsent, {account.unacknowledged} segments unacknowledged, "
        f"{account.retransmitted} sent again"
    )


def through_parent(record: TunnelRecord) -> bool:
    """Whether a parent proxy opened the tunnel."""
    return record.parent not in ("", DIRECT)
