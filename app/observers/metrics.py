"""The metrics for Prometheus (`docs/monitoring.md`): names and labels for the counters and the gate's state.

Values are read on each scrape, so a tunnel costs nothing here. A series appears with its first count. Clients choose no
label; only those that the settings name are in one.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from itertools import chain
from platform import python_version
from typing import Final, Protocol

from prometheus_client import ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from licensegate.certs.identity import ServerIdentity
from licensegate.certs.pem import CertificateError
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.protocol.states import State
from licensegate.proxy.tunnel.context import ClientConnection
from licensegate.records.outcome import Outcome

from .client_metrics import ClientStandings, Sample
from .counters import Counters, Durations
from .metric_families import OneFamily, counter, gauge, in_parts, info
from .product_metrics import ProductAsks
from .target_health import TargetHealth
from .target_reports import TargetReports

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text format, which every scraper accepts."""

_INFINITY: Final = float("inf")
_STAGE_OF: Final = {outcome.label: outcome.stage.value for outcome in Outcome}


class GateGauges(Protocol):
    """The part of the gate that the metrics show."""

    @property
    def snapshot(self) -> Snapshot:
        """The settings in force for new connections."""

    @property
    def connections(self) -> Collection[ClientConnection]:
        """The open client connections."""

    @property
    def waiting(self) -> int:
        """The number of open connections without a complete request."""

    @property
    def draining(self) -> bool:
        """Whether the gate is stopping and takes no more clients."""

    @property
    def look_ups(self) -> Mapping[Outcome | None, int]:
        """The number of look-ups by their failure; None counts the successful ones."""


class Metrics:
    """All metrics of one gate. `losses` returns each log's number of lost lines by reason, by the log's name.

    `clients` is None where no ledger can be kept, `products` where no product can be asked.
    """

    def __init__(
        self,
        version: str,
        revision: str,
        gate: GateGauges,
        counters: Counters,
        target_health: TargetHealth,
        losses: Mapping[str, Callable[[], Mapping[str, int]]],
        reports: TargetReports,
        clients: ClientStandings | None = None,
        products: ProductAsks | None = None,
    ) -> None:
        self._version = version
        self._revision = revision
        self._gate = gate
        self._counters = counters
        self._target_health = target_health
        self._losses = losses
        self._reports = reports
        self._clients = clients
        self._products = products
        self._certificate: tuple[ServerIdentity | None, datetime | None] = (None, None)
        self._process = ProcessCollector(registry=None)

    def pieces(self) -> Iterator[bytes]:
        """All metrics in the format of CONTENT_TYPE, a few samples in each piece. Each value is read in its turn."""
        previous = ""
        for family in chain(self._families(), self._process.collect()):
            text = generate_latest(OneFamily(family))
            yield text.split(b"\n", 2)[2] if family.name == previous else text  # HELP and TYPE only once
            previous = family.name

    def _families(self) -> Iterator[Metric]:
        yield from self._gate_metrics()
        yield from self._connection_metrics()
        yield from self._target_metrics()
        yield from self._look_metrics()
        yield from counter(
            "licensegate_log_lines_dropped",
            "Lines lost because a log had no reader or could not be written.",
            ("log",),
            [((log,), sum(count().values())) for log, count in self._losses.items()],
        )
        yield from counter(
            "licensegate_log_dropped",
            "The same by reason: why a line was not written in full.",
            ("log", "reason"),
            [((log, reason), lost) for log, count in self._losses.items() for reason, lost in count().items()],
        )
        if self._clients is not None and self._clients.is_kept:
            yield from self._client_metrics(self._clients)
        if self._products is not None:
            yield from _product_metrics(self._products)

    def _gate_metrics(self) -> Iterator[Metric]:
        snapshot = self._gate.snapshot
        build = {"version": self._version, "revision": self._revision, "python": python_version()}
        yield info("licensegate_build_info", "The running version.", build)
        policy = {"hash": snapshot.policy.hash, "mode": snapshot.policy.mode.value}
        yield info("licensegate_policy_info", "The allowlist in force. Equal hashes mean equal rules.", policy)
        yield gauge(
            "licensegate_draining", "1 while the gate is stopping and takes no more clients.", self._gate.draining
        )
        expiry = self._expiry(snapshot.identity)
        if expiry is not None:
            help_text = "When the gate's own certificate expires, which it shows to clients that use TLS to the proxy."
            yield gauge("licensegate_certificate_expiry_timestamp_seconds", help_text, expiry.timestamp())

    def _connection_metrics(self) -> Iterator[Metric]:
        counters, gate = self._counters, self._gate
        yield gauge("licensegate_connections_open", "Open client connections.", len(gate.connections))
        limit = gate.snapshot.limits.tunnels
        yield gauge("licensegate_connections_limit", "The most tunnels at a time: limits.tunnels.", limit)
        waiting = "Open connections that wait for their client's request."
        yield gauge("licensegate_connections_waiting", waiting, gate.waiting)
        tunnels = sum(one.conversation.state is State.RELAYING for one in gate.connections)
        yield gauge("licensegate_tunnels_open", "Open connections that are established tunnels.", tunnels)
        yield from counter(
            "licensegate_connections_ended",
            "Ended tunnels and refusals, by the rule's host and port, the stage they reached, and the outcome.",
            ("target", "stage", "outcome"),
            (((name, _STAGE_OF[label], label), n) for (name, label), n in list(counters.ended.items())),
        )
        hits = counters.hits
        names = {str(rule.target): rule.preset for rule in gate.snapshot.policy.rules}
        yield from counter(
            "licensegate_rule_hits",
            "Ended connections that a rule of the allowlist applied to; 0 for a rule that nobody has used.",
            ("rule", "preset"),
            [((name, preset), hits.get(name, 0)) for name, preset in names.items()],
        )
        yield from counter(
            "licensegate_reported",
            "Tunnels allowed only because the allowlist is report-only, by the refusal that was not enforced.",
            ("outcome",),
            [((label,), count) for label, count in counters.reported.items()],
        )
        yield from counter(
            "licensegate_findings",
            "Connections by what the diagnosis found, and how sure it is.",
            ("finding", "certainty"),
            [((code, certainty.value), count) for (code, certainty), count in counters.findings.items()],
        )
        empty = "Connections closed without a byte, such as a balancer's probe."
        yield from counter("licensegate_empty_connections", empty, (), [((), counters.empty)])
        health = "Answers to GET /healthz on a proxy port."
        yield from counter("licensegate_health_answers", health, (), [((), counters.health_answers)])
        yield from counter(
            "licensegate_bytes", "Bytes of ended connections, by direction.", ("direction",), _bytes(counters)
        )
        yield _durations(counters)
        yield from counter(
            "licensegate_server_name_checks",
            "Checks of the server name in a tunnel's ClientHello, by result.",
            ("result",),
            [((check.value,), count) for check, count in counters.server_name_checks.items()],
        )

    def _target_metrics(self) -> Iterator[Metric]:
        yield from counter(
            "licensegate_dns_look_ups",
            "Look-ups by the system's resolver, by result.",
            ("result",),
            [(("resolved" if end is None else end.label,), count) for end, count in self._gate.look_ups.items()],
        )
        yield from counter(
            "licensegate_dial_attempts",
            "Addresses dialled for tunnels, by result.",
            ("family", "result"),
            list(self._counters.attempts.items()),
        )
        statuses = list(self._target_health.by_target.items())
        yield from self._by_target(
            "reached",
            "1 if the last connection to the target succeeded, 0 if it failed.",
            ((name, float(bool(status.reached))) for name, status in statuses),
        )
        yield from self._by_target(
            "last_reached_timestamp_seconds",
            "When a connection to the target last succeeded.",
            ((name, status.reached_at.timestamp()) for name, status in statuses if status.reached_at is not None),
        )

    def _look_metrics(self) -> Iterator[Metric]:
        looks = list(self._reports.by_target.items())
        yield from in_parts(
            partial(
                GaugeMetricFamily,
                "licensegate_target_verdict",
                "1: the verdict of the last look at the target.",
                labels=("target", "verdict"),
            ),
            (((name, look.verdict.value), 1.0) for name, look in looks),
        )
        yield from self._by_target(
            "looked_timestamp_seconds",
            "When the target was last looked at.",
            ((name, look.time.timestamp()) for name, look in looks),
        )
        yield from self._by_target(
            "certificate_expiry_timestamp_seconds",
            "When the first certificate of the target's chain expires.",
            ((name, look.chain_ends.timestamp()) for name, look in looks if look.chain_ends is not None),
        )
        yield from self._by_target(
            "clock_skew_seconds",
            "How far the target's Date was ahead of the gate's clock.",
            ((name, look.skew_seconds) for name, look in looks if look.skew_seconds is not None),
        )
        yield from counter(
            "licensegate_target_issuer_changes",
            "How often a look found another issuer of the target's certificate than the one before.",
            ("target",),
            [((name,), count) for name, count in self._reports.issuer_changes.items()],
        )

    def _by_target(self, name: str, help_text: str, values: Iterable[tuple[str, float]]) -> Iterator[Metric]:
        return in_parts(
            partial(GaugeMetricFamily, f"licensegate_target_{name}", help_text, labels=("target",)),
            (((target,), value) for target, value in values),
        )

    def _client_metrics(self, clients: ClientStandings) -> Iterator[Metric]:
        yield gauge(
            "licensegate_ledger_working", "1 if the ledger of contacts can be written and read.", clients.is_working
        )
        dropped = "Records that had no room in the ledger, or in memory while it could not be written."
        yield from counter("licensegate_ledger_records_dropped", dropped, (), [((), clients.dropped)])
        for name, help_text, labels, samples in clients.series():
            yield from in_parts(
                partial(GaugeMetricFamily, f"licensegate_client_{name}", help_text, labels=labels), samples
            )

    def _expiry(self, identity: ServerIdentity | None) -> datetime | None:
        """When a certificate expires, read once; None without one, or if only OpenSSL can read it."""
        if identity is not self._certificate[0]:
            try:
                self._certificate = (identity, None if identity is None else identity.not_after)
            except CertificateError:
                self._certificate = (identity, None)
        return self._certificate[1]


def _product_metrics(products: ProductAsks) -> Iterator[Metric]:
    gauges: tuple[tuple[str, str, tuple[str, ...], Iterator[Sample]], ...] = (
        ("interval_seconds", "How often the product of a client is asked.", ("client",), products.intervals()),
        ("answer_timestamp_seconds", "When the product last answered.", ("client",), products.last_answers()),
        ("failing", "1: the product did not answer when last asked.", ("client", "reason"), products.failing()),
    )
    for name, help_text, labels, samples in gauges:
        yield from in_parts(
            partial(GaugeMetricFamily, f"licensegate_product_{name}", help_text, labels=labels), samples
        )
    yield from counter(
        "licensegate_product_asks",
        "How often the product was asked, by what came of it: answered, or the reason why not.",
        ("client", "result"),
        products.counts(),
    )


def _bytes(counters: Counters) -> list[tuple[tuple[str, ...], int]]:
    return [
        (("from_client",), counters.client_read),
        (("to_client",), counters.client_written),
        (("from_upstream",), counters.upstream_read),
        (("to_upstream",), counters.upstream_written),
    ]


def _durations(counters: Counters) -> Metric:
    help_text = "Duration of each phase of a tunnel; relay and total of established tunnels only."
    family = HistogramMetricFamily("licensegate_phase_seconds", help_text, labels=("phase",))
    for phase in ("head", "resolve", "dial", "parent", "relay", "total"):
        durations: Durations = getattr(counters, phase)
        if any(durations.counts):
            family.add_metric((phase,), _buckets(durations), durations.sum_ms / 1000)
    return family


def _buckets(durations: Durations) -> list[tuple[str, float]]:
    """Cumulative, as Prometheus expects."""
    cumulative, buckets = 0, []
    for bound, count in zip((*durations.bounds, _INFINITY), durations.counts, strict=True):
        cumulative += count
        buckets.append((str(float(bound)) if bound < _INFINITY else "+Inf", float(cumulative)))
    return buckets
