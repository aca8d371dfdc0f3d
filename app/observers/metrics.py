"""The metrics for Prometheus (`docs/monitoring.md`): names and labels for what the tally and the gate have counted.

Each value is read when it is asked for, so that a tunnel costs nothing here. A series is there once something was
counted in it. No label is chosen by a stranger, and none names a client.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from platform import python_version
from typing import Final, Protocol, TypeVar

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from licensegate.certs.identity import ServerIdentity
from licensegate.certs.pem import CertificateError
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.protocol.states import State
from licensegate.proxy.tunnel.context import ClientConnection
from licensegate.records.outcome import Outcome

from .counters import Counters, Durations
from .target_health import TargetHealth

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Of Prometheus' text format, which every scraper takes."""

_Values = TypeVar("_Values", bound=tuple[str, ...])
_BEYOND: Final = float("inf")
_STAGE_OF: Final = {outcome.label: outcome.stage.value for outcome in Outcome}


class Watched(Protocol):
    """What is asked of the gate."""

    @property
    def snapshot(self) -> Snapshot:
        """What is in force."""

    @property
    def connections(self) -> Collection[ClientConnection]:
        """The open client connections."""

    @property
    def draining(self) -> bool:
        """Whether it takes no more clients."""

    @property
    def look_ups(self) -> Mapping[Outcome | None, int]:
        """How often the resolver was asked, by what came of it; None is an answer."""


class Metrics(Collector):
    """One registry's worth of them. `dropped` counts the lines that each log has lost, by the log's name."""

    def __init__(
        self,
        version: str,
        gate: Watched,
        tally: Counters,
        reached: TargetHealth,
        dropped: Mapping[str, Callable[[], int]],
    ) -> None:
        self._version = version
        self._gate = gate
        self._tally = tally
        self._reached = reached
        self._dropped = dropped
        self._certificate: tuple[ServerIdentity | None, datetime | None] = (None, None)
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All of them in the format of CONTENT_TYPE."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Read everything now."""
        yield from self._about_the_gate()
        yield from self._about_connections()
        yield from self._about_targets()
        yield _counters(
            "licensegate_log_lines_dropped",
            "Lines that never reached a log, since nobody read it or it could not be written.",
            ("log",),
            {(log,): count() for log, count in self._dropped.items()},
        )

    def _about_the_gate(self) -> Iterator[Metric]:
        snapshot = self._gate.snapshot
        build = {"version": self._version, "python": python_version()}
        yield _info("licensegate_build_info", "What is running.", build)
        policy = {"hash": snapshot.policy.hash, "mode": snapshot.policy.mode.value}
        yield _info("licensegate_policy_info", "The allowlist in force: the same hash, the same rules.", policy)
        yield _gauge("licensegate_draining", "1 while the gate stops and takes no more clients.", self._gate.draining)
        expiry = self._expiry(snapshot.identity)
        if expiry is not None:
            help_text = "When the certificate ends that the gate shows to clients that speak TLS to it."
            yield _gauge("licensegate_certificate_expiry_timestamp_seconds", help_text, expiry.timestamp())

    def _about_connections(self) -> Iterator[Metric]:
        tally, gate = self._tally, self._gate
        yield _gauge("licensegate_connections_open", "Client connections that are open.", len(gate.connections))
        limit = gate.snapshot.limits.tunnels
        yield _gauge("licensegate_connections_limit", "How many are served at a time: limits.tunnels.", limit)
        tunnels = sum(one.conversation.state is State.RELAYING for one in gate.connections)
        yield _gauge("licensegate_tunnels_open", "Those of them that are tunnels in use.", tunnels)
        yield _counters(
            "licensegate_connections_ended",
            "Tunnels and refusals, by the rule's host and port, how far they had come, and how they ended.",
            ("target", "stage", "outcome"),
            {(name, _STAGE_OF[label], label): n for (name, label), n in tally.ended.items()},
        )
        yield _counters(
            "licensegate_reported",
            "Tunnels that passed only because the allowlist reports, by the refusal that they would have met.",
            ("outcome",),
            {(label,): count for label, count in tally.reported.items()},
        )
        empty = "Connections that never carried a byte, such as a balancer's probe."
        yield _counters("licensegate_empty_connections", empty, (), {(): tally.empty})
        health = "Answers to GET /healthz on a proxy port."
        yield _counters("licensegate_health_answers", health, (), {(): tally.health_answers})
        yield _counters("licensegate_bytes", "Bytes of ended connections, by direction.", ("direction",), _bytes(tally))
        yield _durations(tally)
        yield _counters(
            "licensegate_server_name_checks",
            "What the check of the first bytes in a tunnel came to.",
            ("result",),
            {(check.value,): count for check, count in tally.server_name_checks.items()},
        )

    def _about_targets(self) -> Iterator[Metric]:
        yield _counters(
            "licensegate_dns_look_ups",
            "How often the system's resolver was asked, by what came of it.",
            ("result",),
            {("resolved" if end is None else end.label,): count for end, count in self._gate.look_ups.items()},
        )
        yield _counters(
            "licensegate_dial_attempts",
            "Addresses that were dialled for a tunnel, by what came of it.",
            ("family", "result"),
            self._tally.attempts,
        )
        reached = GaugeMetricFamily(
            "licensegate_target_reached",
            "1 if a target could be connected when it was last tried, 0 if not.",
            labels=("target",),
        )
        when = GaugeMetricFamily(
            "licensegate_target_last_reached_timestamp_seconds", "When it was last connected.", labels=("target",)
        )
        for name, evidence in self._reached.evidence.items():
            reached.add_metric((name,), float(bool(evidence.reached)))
            if evidence.reached_at is not None:
                when.add_metric((name,), evidence.reached_at.timestamp())
        yield reached
        yield when

    def _expiry(self, identity: ServerIdentity | None) -> datetime | None:
        """When a certificate ends, read once; None if there is none, or only OpenSSL can read it."""
        if identity is not self._certificate[0]:
            try:
                self._certificate = (identity, None if identity is None else identity.not_after)
            except CertificateError:
                self._certificate = (identity, None)
        return self._certificate[1]


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value=value)


def _info(name: str, help_text: str, labels: Mapping[str, str]) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=tuple(labels))
    family.add_metric(tuple(labels.values()), 1)
    return family


def _counters(name: str, help_text: str, labels: tuple[str, ...], counts: Mapping[_Values, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, help_text, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def _bytes(tally: Counters) -> dict[tuple[str, ...], int]:
    return {
        ("from_client",): tally.client_read,
        ("to_client",): tally.client_written,
        ("from_upstream",): tally.upstream_read,
        ("to_upstream",): tally.upstream_written,
    }


def _durations(tally: Counters) -> Metric:
    help_text = "How long the phases of a tunnel took; relay and total of those that were established."
    family = HistogramMetricFamily("licensegate_phase_seconds", help_text, labels=("phase",))
    for phase in ("head", "resolve", "dial", "parent", "relay", "total"):
        durations: Durations = getattr(tally, phase)
        if any(durations.counts):
            family.add_metric((phase,), _buckets(durations), durations.sum_ms / 1000)
    return family


def _buckets(durations: Durations) -> list[tuple[str, float]]:
    """Cumulative, as Prometheus wants them."""
    cumulative, buckets = 0, []
    for bound, count in zip((*durations.bounds, _BEYOND), durations.counts, strict=True):
        cumulative += count
        buckets.append((str(float(bound)) if bound < _BEYOND else "+Inf", float(cumulative)))
    return buckets
