"""The metrics as a scraper reads them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from prometheus_client.parser import text_string_to_metric_families

from licensegate.allowlist.policy import Policy
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.app.logs.sink import Loss
from licensegate.app.observers.client_metrics import ClientStandings
from licensegate.app.observers.counters import Counters
from licensegate.app.observers.ledger import Ledger
from licensegate.app.observers.metrics import Metrics
from licensegate.app.observers.product_metrics import ProductAsks
from licensegate.app.observers.target_health import TargetHealth
from licensegate.app.observers.target_names import NO_TARGET, TargetNames
from licensegate.app.observers.target_reports import TargetReports
from licensegate.certs.identity import ServerIdentity
from licensegate.certs.pem import CertificateError
from licensegate.diagnosis.codes import Code
from licensegate.diagnosis.target_report import TargetReport
from licensegate.ledger.clients import NamedClient
from licensegate.ledger.standing import ClientStanding
from licensegate.licensing.clocks import Due, Level
from licensegate.licensing.limits import limit
from licensegate.licensing.report import LicenseReport, Reading
from licensegate.products.no_answer import NoAnswerReason
from licensegate.products.poller import ProductAnswer, ProductPoller
from licensegate.products.settings import AskedProduct
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.protocol.states import State
from licensegate.proxy.tunnel.context import ClientConnection
from licensegate.records.certificate import CertificateOutline
from licensegate.records.finding import Certainty
from licensegate.records.outcome import Outcome, Stage
from licensegate.records.record import ServerNameCheck, TunnelRecord
from licensegate.records.target_verdict import TargetVerdict
from support.conversation_harness import IDENTITY, make_snapshot
from support.records import API, CLOUDSSO, NOON, TARGETS, TOOLS, any_record, failure, record, tunnel

PAGE = (Path(__file__).parents[4] / "docs" / "monitoring.md").read_text()
SNAPSHOT = make_snapshot()
MAX_LINES = 900


class WatchedGate:
    """The parts of a gate that the metrics read."""

    def __init__(self) -> None:
        self.snapshot: Snapshot = SNAPSHOT
        self.connections: list[ClientConnection] = []
        self.waiting = 0
        self.draining = False
        self.look_ups: Mapping[Outcome | None, int] = {}


class KnownClients:
    """A ledger that knows one client, and its own writer."""

    is_kept = is_working = True
    dropped = 0
    client = NamedClient("CUCM", product="CUCM")
    due = Due(NOON, True, limit("contact"))
    stands = ClientStanding("classic", NOON, False, NOON, {"contact": due}, NOON, timedelta(days=3), Level.OK, NOON)
    standings = ((client, stands),)

    @property
    def writer(self) -> "KnownClients":
        return self


def asked_products(*names: str) -> ProductPoller:
    """A poller of these clients' products that has not asked yet."""
    return ProductPoller([AskedProduct(name, "pub.example", 8443, "reader", Path("p")) for name in names], "test")


class OpenConnection:
    """An open connection in this state."""

    def __init__(self, state: State) -> None:
        self.conversation = self
        self.state = state


class Scraped:
    """A gate's metrics after these records."""

    def __init__(
        self,
        records: Iterable[TunnelRecord] = (),
        gate: WatchedGate | None = None,
        dropped: int = 0,
        looks: Iterable[TargetReport] = (),
        clients: ClientStandings | None = None,
        products: ProductPoller | None = None,
    ) -> None:
        gate = gate or WatchedGate()
        targets = TargetNames(lambda: gate.snapshot.policy)
        counters, target_health = Counters(targets), TargetHealth(targets)
        counters.observe(list(records))
        target_health.observe(list(records))
        reports = TargetReports()
        for look in looks:
            reports.put(look)
        asks = ProductAsks(products, clients) if products is not None and clients is not None else None
        metrics = Metrics(
            "1.2.3",
            "3ee587f",
            gate,
            counters,
            target_health,
            {"access": lambda: {"disk_full": dropped}},
            reports,
            clients,
            asks,
        )
        self.pieces = list(metrics.pieces())
        self.text = b"".join(self.pieces).decode()
        self.families = {family.name: family for family in text_string_to_metric_families(self.text)}
        self.samples = [sample for family in self.families.values() for sample in family.samples]

    def value(self, name: str, **labels: str) -> float | None:
        found = [sample.value for sample in self.samples if sample.name == name and sample.labels == labels]
        return found[0] if found else None

    def series(self, name: str) -> list[dict[str, str]]:
        return [sample.labels for sample in self.samples if sample.name == name]


def test_ends_are_labelled_with_target_stage_and_outcome() -> None:
    scraped = Scraped([tunnel(), tunnel(), record(Outcome.TARGET_NOT_ALLOWED, target="evil.example:443")])
    name = "licensegate_connections_ended_total"

    assert scraped.value(name, target="tools.cisco.com:443", stage="relay", outcome="closed_by_client") == 2
    assert scraped.value(name, target=NO_TARGET, stage="policy", outcome="target_not_allowed") == 1


def test_a_series_appears_with_its_first_count() -> None:
    before, after = Scraped(), Scraped([tunnel()])

    for name in ("connections_ended_total", "phase_seconds_bucket", "server_name_checks_total", "dial_attempts_total"):
        assert before.series(f"licensegate_{name}") == []
        assert after.series(f"licensegate_{name}") != []
    assert not [sample.name for sample in after.samples if sample.name.endswith("_created")]


def test_a_rule_that_nobody_used_has_no_hit() -> None:
    scraped = Scraped([tunnel(), tunnel()])
    name = "licensegate_rule_hits_total"

    assert scraped.value(name, rule="tools.cisco.com:443", preset="cisco-licensing") == 2
    assert scraped.value(name, rule="api.cisco.com:443", preset="cisco-licensing") == 0


def test_open_connections_are_counted_at_the_scrape() -> None:
    gate = WatchedGate()
    gate.connections = cast(list[ClientConnection], [OpenConnection(state) for state in (State.RELAYING, State.HEAD)])
    gate.waiting = 1

    scraped = Scraped(gate=gate)

    assert scraped.value("licensegate_connections_open") == 2
    assert scraped.value("licensegate_tunnels_open") == 1
    assert scraped.value("licensegate_connections_waiting") == 1
    assert scraped.value("licensegate_connections_limit") == SNAPSHOT.limits.tunnels
    assert scraped.value("licensegate_draining") == 0


def test_bytes_checks_probes_and_dropped_lines_are_counted() -> None:
    records = [tunnel(), record(Outcome.CLOSED_UNUSED), record(Outcome.HEALTH_ASKED)]

    scraped = Scraped(records, dropped=7)

    assert scraped.value("licensegate_bytes_total", direction="from_client") == 6122
    assert scraped.value("licensegate_bytes_total", direction="to_client") == 5539
    assert scraped.value("licensegate_bytes_total", direction="from_upstream") == 5500
    assert scraped.value("licensegate_bytes_total", direction="to_upstream") == 6000
    assert scraped.value("licensegate_server_name_checks_total", result="match") == 1
    assert scraped.value("licensegate_dial_attempts_total", family="ipv4", result="connected") == 1
    assert scraped.value("licensegate_empty_connections_total") == 1
    assert scraped.value("licensegate_health_answers_total") == 1
    assert scraped.value("licensegate_log_lines_dropped_total", log="access") == 7
    assert scraped.value("licensegate_log_dropped_total", log="access", reason="disk_full") == 7


def test_reported_tunnels_are_labelled_with_the_refusal() -> None:
    scraped = Scraped([tunnel(rule="evil.example:443", target="evil.example:443", reported="target_not_allowed")])

    assert scraped.value("licensegate_reported_total", outcome="target_not_allowed") == 1
    assert [labels["target"] for labels in scraped.series("licensegate_connections_ended_total")] == [NO_TARGET]
    assert "evil" not in scraped.text


def test_phases_are_cumulative_histograms_in_seconds() -> None:
    scraped = Scraped([tunnel(dial_ms=24.0), tunnel(dial_ms=300.0), tunnel(dial_ms=99_000.0)])
    bucket = "licensegate_phase_seconds_bucket"

    assert scraped.value(bucket, phase="dial", le="0.01") == 0
    assert scraped.value(bucket, phase="dial", le="0.025") == 1
    assert scraped.value(bucket, phase="dial", le="15.0") == 2
    assert scraped.value(bucket, phase="dial", le="+Inf") == 3
    assert scraped.value("licensegate_phase_seconds_count", phase="dial") == 3
    assert scraped.value("licensegate_phase_seconds_sum", phase="dial") == pytest.approx(99.324)
    assert {labels["phase"] for labels in scraped.series(bucket)} == {"head", "resolve", "dial", "relay", "total"}


def test_look_ups_are_labelled_with_their_result() -> None:
    gate = WatchedGate()
    gate.look_ups = {None: 5, Outcome.DNS_TIMEOUT: 2}

    scraped = Scraped(gate=gate)

    assert scraped.value("licensegate_dns_look_ups_total", result="resolved") == 5
    assert scraped.value("licensegate_dns_look_ups_total", result="dns_timeout") == 2


def test_a_target_has_its_status_and_when_it_was_last_reached() -> None:
    scraped = Scraped([tunnel(), tunnel(rule=API), failure(Outcome.DNS_TIMEOUT, rule=API, after=60)])

    assert scraped.value("licensegate_target_reached", target="tools.cisco.com:443") == 1
    assert scraped.value("licensegate_target_reached", target="api.cisco.com:443") == 0
    assert scraped.value("licensegate_target_reached", target="cloudsso.cisco.com:443") is None, "never tried"
    when = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp() + 0.0365
    last = "licensegate_target_last_reached_timestamp_seconds"
    assert scraped.value(last, target="tools.cisco.com:443") == pytest.approx(when, abs=1e-3)
    assert scraped.value(last, target="api.cisco.com:443") == pytest.approx(when, abs=1e-3)


def test_build_policy_certificate_and_process_have_metrics() -> None:
    scraped = Scraped()

    build = scraped.series("licensegate_build_info")[0]
    assert (build["version"], build["revision"]) == ("1.2.3", "3ee587f")
    assert scraped.value("licensegate_policy_info", hash=SNAPSHOT.policy.hash, mode="enforce") == 1
    expiry = "licensegate_certificate_expiry_timestamp_seconds"
    assert scraped.value(expiry) == IDENTITY.not_after.timestamp()
    assert scraped.value("process_start_time_seconds")
    assert scraped.value("process_open_fds")


def test_an_absent_or_unreadable_certificate_has_no_expiry() -> None:
    class Unreadable(ServerIdentity):
        def __init__(self) -> None: ...

        @property
        def not_after(self) -> datetime:
            raise CertificateError("only OpenSSL can read it")

    gate = WatchedGate()
    for identity in (None, Unreadable()):
        gate.snapshot = structs.replace(SNAPSHOT, identity=identity)
        assert Scraped(gate=gate).value("licensegate_certificate_expiry_timestamp_seconds") is None


ALL_TRAFFIC = [
    tunnel(
        outcome,
        rule=rule,
        reported=outcome.label,
        server_name_check=check,
        resolve_ms=1.0,
        finding="transport_fine",
        certainty=Certainty.LIKELY,
    )
    for rule in ("", TOOLS, API, CLOUDSSO, "evil.example:443")
    for outcome in Outcome
    for check in ServerNameCheck
]
LABELS: dict[str, set[str]] = {
    "target": {*TARGETS, NO_TARGET},
    "rule": {str(Target(rule.host, rule.port)) for rule in SNAPSHOT.policy.rules},
    "preset": {rule.preset for rule in SNAPSHOT.policy.rules},
    "stage": set(Stage),
    "outcome": {outcome.label for outcome in Outcome},
    "finding": {code.label for code in Code},
    "certainty": set(Certainty),
    "phase": {"head", "resolve", "dial", "parent", "relay", "total"},
    "direction": {"from_client", "to_client", "from_upstream", "to_upstream"},
    "family": {"ipv4", "ipv6"},
    "result": {
        *("resolved", "dns_not_found", "dns_failed", "dns_timeout"),
        *("connected", "given_up", "refused", "timeout", "unreachable", "failed"),
        *ServerNameCheck,
    },
    "log": {"access"},
    "reason": set(Loss),
    "version": {"1.2.3"},
    "mode": {"enforce"},
    "hash": {SNAPSHOT.policy.hash},
}


@given(st.lists(any_record, max_size=30))
@settings(max_examples=50)
def test_clients_choose_no_label_and_lines_stay_few(records: list[TunnelRecord]) -> None:
    scraped = Scraped(ALL_TRAFFIC + records)

    assert len(scraped.text.splitlines()) < MAX_LINES
    for sample in scraped.samples:
        if sample.name.startswith("licensegate_"):
            for label, value in sample.labels.items():
                assert label in {"le", "python", "revision"} or value in LABELS[label]


KNOWN = ClientStandings(cast(Ledger, KnownClients()))


def test_the_last_answer_of_a_product_is_the_poller_s_or_the_ledger_s() -> None:
    poller = asked_products("CUCM", "CER")
    name = "licensegate_product_answer_timestamp_seconds"
    before = Scraped(clients=KNOWN, products=poller)
    poller.products["CUCM"].answer = ProductAnswer(NOON + timedelta(hours=6), Reading(LicenseReport()))
    after = Scraped(clients=KNOWN, products=poller)

    assert before.series(name) == after.series(name) == [{"client": "CUCM"}]
    assert before.value(name, client="CUCM") == NOON.timestamp()
    assert after.value(name, client="CUCM") == NOON.timestamp() + 6 * 3600


def test_asks_of_a_product_are_counted_by_what_came_of_them() -> None:
    poller = asked_products("CUCM", "CER")
    asked = poller.products["CUCM"]
    asked.answered, asked.failure = 3, NoAnswerReason.THROTTLED
    asked.failed[NoAnswerReason.THROTTLED] = 2
    scraped = Scraped(clients=KNOWN, products=poller)

    assert scraped.series("licensegate_product_failing") == [{"client": "CUCM", "reason": "throttled"}]
    assert scraped.value("licensegate_product_asks_total", client="CUCM", result="answered") == 3
    assert scraped.value("licensegate_product_asks_total", client="CUCM", result="throttled") == 2
    assert len(scraped.series("licensegate_product_asks_total")) == 2
    assert scraped.value("licensegate_product_interval_seconds", client="CER") == 6 * 3600


def test_the_page_lists_exactly_the_metrics() -> None:
    gate = WatchedGate()
    gate.look_ups = {None: 1}
    looks = [a_look("CN=one"), a_look("CN=two")]
    poller = asked_products("CUCM")
    poller.products["CUCM"].answered, poller.products["CUCM"].failure = 1, NoAnswerReason.STATUS
    scraped = Scraped(ALL_TRAFFIC, gate, looks=looks, clients=KNOWN, products=poller)
    names = {
        sample.name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum")
        for sample in scraped.samples
        if sample.name.startswith("licensegate_")
    }

    rows = {line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `licensegate_")}
    assert {row.partition("{")[0] for row in rows} == names


def test_many_series_come_in_small_pieces_of_one_family() -> None:
    rules = [Rule(f"host{number}.example") for number in range(400)]
    gate = WatchedGate()
    gate.snapshot = structs.replace(SNAPSHOT, policy=Policy([], rules, {}))
    ends = (Outcome.CLOSED_BY_CLIENT, Outcome.RESET_BY_UPSTREAM, Outcome.DNS_TIMEOUT)

    scraped = Scraped([tunnel(end, rule=str(rule)) for rule in rules for end in ends], gate)

    assert max(piece.count(b"\n") for piece in scraped.pieces) < 120
    for name, series in (("connections_ended_total", 1200), ("target_reached", 400)):
        assert len(scraped.series(f"licensegate_{name}")) == series
        assert scraped.text.count(f"# HELP licensegate_{name} ") == 1
        assert scraped.text.count(f"# TYPE licensegate_{name} ") == 1


def a_look(issuer: str, verdict: TargetVerdict = TargetVerdict.PUBLIC) -> TargetReport:
    leaf = CertificateOutline("CN=leaf", issuer, NOON, NOON + timedelta(days=2))
    middle = CertificateOutline(issuer, "CN=root", NOON, NOON + timedelta(days=1))
    return TargetReport("tools.cisco.com:443", NOON, verdict, chain=(leaf, middle), skew_seconds=-2.5)


def test_the_last_look_at_a_target_is_shown() -> None:
    scraped = Scraped(looks=[a_look("CN=one"), a_look("CN=two", TargetVerdict.FOREIGN_ISSUER)])

    target = {"target": "tools.cisco.com:443"}
    assert scraped.series("licensegate_target_verdict") == [target | {"verdict": "foreign_issuer"}]
    assert scraped.value("licensegate_target_looked_timestamp_seconds", **target) == NOON.timestamp()
    ends = (NOON + timedelta(days=1)).timestamp()
    assert scraped.value("licensegate_target_certificate_expiry_timestamp_seconds", **target) == ends
    assert scraped.value("licensegate_target_clock_skew_seconds", **target) == -2.5
    assert scraped.value("licensegate_target_issuer_changes_total", **target) == 1
