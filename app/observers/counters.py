"""Counts records in plain integers, at a fifth of the cost of prometheus-client's own counters.

`metrics` gives them names. Every key comes from a closed set: outcomes, the settings' targets, kinds of errors. No
client is a key or chooses one.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final

from licensegate.records.finding import Certainty
from licensegate.records.outcome import PROBES, Outcome
from licensegate.records.record import DialAttempt, ServerNameCheck, TunnelRecord

from .observer import Observer
from .target_names import NO_TARGET, TargetNames

_SETUP_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)
"""Seconds, up to the limit on dialling. A cached name takes less than the first, a distant target about 0.1."""

_USE_BOUNDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
"""Seconds. A licensing message takes 1 to 10, a kept connection minutes, an abandoned one the idle limit."""

_RESULT_OF_ERRNO: Final = {
    "": "connected",
    "ECANCELED": "given_up",
    "ECONNREFUSED": "refused",
    "ETIMEDOUT": "timeout",
    "EHOSTUNREACH": "unreachable",
    "ENETUNREACH": "unreachable",
    "ENETDOWN": "unreachable",
}
_OTHER_ERRNO: Final = "failed"


class Durations:
    """A histogram of durations: `counts` per bound in seconds, the last count for those beyond all bounds."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self._bounds_ms = [bound * 1000 for bound in bounds]
        self.counts = [0] * (len(bounds) + 1)
        self.sum_ms = 0.0

    def add(self, durations_ms: Iterable[float | None]) -> None:
        """Count these durations. None is one that there was not."""
        counts, bounds, total = self.counts, self._bounds_ms, self.sum_ms
        for ms in durations_ms:
            if ms is not None:
                counts[bisect_left(bounds, ms)] += 1
                total += ms
        self.sum_ms = total


_read_from_client: Final = attrgetter("client_read")
_written_to_client: Final = attrgetter("client_written")
_read_from_upstream: Final = attrgetter("upstream_read")
_written_to_upstream: Final = attrgetter("upstream_written")
_head: Final = attrgetter("head_ms")
_resolve: Final = attrgetter("resolve_ms")
_dial: Final = attrgetter("dial_ms")
_parent: Final = attrgetter("parent_ms")
_relay: Final = attrgetter("relay_ms")
_total: Final = attrgetter("total_ms")


class Counters(Observer):
    """The connections that have ended since the start.

    The keys are target and outcome in `ended`, the outcome that was not enforced in `reported`, code and certainty in
    `findings`, and address family and result in `attempts`, the dials to one address.
    """

    def __init__(self, targets: TargetNames) -> None:
        self._targets = targets
        self.ended: dict[tuple[str, str], int] = {}
        self.reported: dict[str, int] = {}
        self.findings: dict[tuple[str, Certainty], int] = {}
        self.empty = 0
        self.health_answers = 0
        self.attempts: dict[tuple[str, str], int] = {}
        self.server_name_checks: dict[ServerNameCheck, int] = {}
        self.client_read = self.client_written = self.upstream_read = self.upstream_written = 0
        self.head = Durations(_SETUP_BOUNDS)
        self.resolve = Durations(_SETUP_BOUNDS)
        self.dial = Durations(_SETUP_BOUNDS)
        self.parent = Durations(_SETUP_BOUNDS)
        self.relay = Durations(_USE_BOUNDS)
        self.total = Durations(_USE_BOUNDS)

    def observe(self, records: Sequence[TunnelRecord]) -> None:
        """Count each connection once, at its end."""
        ends: dict[tuple[str, Outcome], int] = {}
        served = []
        for record in records:
            outcome = record.outcome
            if outcome is not None and record.event != "probe":
                end = record.rule, outcome
                ends[end] = ends.get(end, 0) + 1
                if outcome not in PROBES:
                    served.append(record)
        for (rule, outcome), count in ends.items():
            self._add_ends(rule, outcome, count)
        if served:
            self._add_amounts(served)
            for record in served:
                self._add_results(record)

    def _add_ends(self, rule: str, outcome: Outcome, count: int) -> None:
        if outcome is Outcome.CLOSED_UNUSED:
            self.empty += count
        elif outcome is Outcome.HEALTH_ASKED:
            self.health_answers += count
        else:
            ended = self._targets.name(rule), outcome.label
            self.ended[ended] = self.ended.get(ended, 0) + count

    @property
    def hits(self) -> dict[str, int]:
        """How many ended connections each rule applied to, by its host and port. One that was never used is missing."""
        hits: dict[str, int] = {}
        for (target, _), count in list(self.ended.items()):
            hits[target] = hits.get(target, 0) + count
        hits.pop(NO_TARGET, None)
        return hits

    def _add_amounts(self, records: Sequence[TunnelRecord]) -> None:
        """Add bytes and durations, one kind after the other: that takes a third of the time for 25 records."""
        self.client_read += sum(map(_read_from_client, records))
        self.client_written += sum(map(_written_to_client, records))
        self.upstream_read += sum(map(_read_from_upstream, records))
        self.upstream_written += sum(map(_written_to_upstream, records))
        self.head.add(map(_head, records))
        self.resolve.add(map(_resolve, records))
        self.dial.add(map(_dial, records))
        self.parent.add(map(_parent, records))
        established = [record for record in records if record.relay_ms is not None]
        self.relay.add(map(_relay, established))
        self.total.add(map(_total, established))

    def _add_results(self, record: TunnelRecord) -> None:
        if record.finding and record.certainty is not None:
            found = record.finding, record.certainty
            self.findings[found] = self.findings.get(found, 0) + 1
        for attempt in record.attempts:
            result = _result(attempt)
            self.attempts[result] = self.attempts.get(result, 0) + 1
        check = record.server_name_check
        if check is not None:
            self.server_name_checks[check] = self.server_name_checks.get(check, 0) + 1
        if record.reported:
            self.reported[record.reported] = self.reported.get(record.reported, 0) + 1


def _result(attempt: DialAttempt) -> tuple[str, str]:
    family = "ipv6" if ":" in attempt.address else "ipv4"
    return family, _RESULT_OF_ERRNO.get(attempt.errno, _OTHER_ERRNO)
