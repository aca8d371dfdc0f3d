"""Which targets were reached, by what tunnels and probes show."""

from datetime import timedelta

import pytest

from licensegate.app.observers.target_health import NOT_REACHED, TargetHealth, TargetStatus
from licensegate.app.observers.target_names import TargetNames
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord
from support.records import API, NOON, POLICY, failure, record, tunnel

TARGET = "tools.cisco.com:443"


def after(*records: TunnelRecord) -> TargetHealth:
    reached = TargetHealth(TargetNames(lambda: POLICY))
    reached.observe(records)
    return reached


def evidence(*records: TunnelRecord) -> TargetStatus:
    return after(*records).by_target[TARGET]


def test_a_target_was_reached_when_it_was_connected_and_not_when_its_tunnel_ended() -> None:
    seen = evidence(tunnel(head_ms=1000.0, resolve_ms=2000.0, dial_ms=500.0, total_ms=3_600_000.0))

    assert seen.reached
    assert seen.reached_at == seen.newest == NOON + timedelta(seconds=3.5)


def test_through_a_parent_a_target_was_reached_once_the_parent_said_so() -> None:
    parent = "http://proxy.example.net:8080"
    opened = tunnel(head_ms=1000.0, resolve_ms=1.0, dial_ms=2.0, parent_ms=500.0, parent=parent, parent_status=200)
    asked = record(Outcome.CLIENT_LEFT_IN_DIAL, rule=opened.rule, dial_ms=2.0, parent=parent)
    challenged = record(Outcome.CLIENT_LEFT_IN_DIAL, rule=opened.rule, dial_ms=2.0, parent=parent, parent_status=407)
    around = tunnel(dial_ms=2.0, parent="direct")

    assert evidence(opened).reached_at == NOON + timedelta(seconds=1.5)
    assert after(asked, challenged).by_target == {}
    assert evidence(around).reached
    assert evidence(failure(Outcome.PARENT_REFUSED, "proxy.example.net:8080, 403")).reached is False


def test_a_long_tunnel_shows_it_while_it_is_open() -> None:
    assert evidence(tunnel(None)).reached


def test_a_failure_is_of_the_time_when_it_was_known() -> None:
    seen = evidence(failure(Outcome.CONNECTION_TIMEOUT, "192.0.2.1:443"))

    assert seen.reached is False
    assert seen.failed_at == seen.newest == NOON + timedelta(seconds=15)
    assert seen.reached_at is None


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "out of order"])
def test_the_newest_counts_in_whatever_order_tunnels_end(order: int) -> None:
    older = tunnel(after=0), failure(Outcome.CONNECTION_REFUSED, after=-60)
    newer = failure(Outcome.DNS_TIMEOUT, after=60), tunnel(after=30)

    seen = evidence(*(*older, *newer)[::order])

    assert seen.reached is False
    assert seen.failure is newer[0]
    assert seen.success is newer[1]


def test_what_was_seen_before_the_clock_was_set_back_counts_no_more() -> None:
    ahead = 86400
    failed = evidence(tunnel(after=ahead), failure(Outcome.DNS_TIMEOUT, after=ahead + 60), failure(Outcome.DNS_TIMEOUT))
    reached = evidence(failure(Outcome.DNS_TIMEOUT, after=ahead), tunnel())

    assert (failed.reached, failed.reached_at) == (False, None)
    assert failed.failure is not None
    assert failed.failed_at == NOON + timedelta(milliseconds=failed.failure.total_ms or 0)
    assert (reached.reached, reached.failed_at) == (True, None)


def test_a_long_tunnel_that_ends_hides_nothing_that_was_seen_since() -> None:
    seen = evidence(failure(Outcome.DNS_TIMEOUT, after=7200), tunnel(total_ms=7_500_000.0))

    assert seen.reached is False
    assert seen.reached_at is not None


def test_a_target_that_is_reached_again_is_reached() -> None:
    assert evidence(failure(Outcome.DNS_TIMEOUT), tunnel(after=20)).reached


@pytest.mark.parametrize(
    "shows_nothing",
    [
        pytest.param(record(Outcome.TARGET_NOT_ALLOWED, target=TARGET), id="a refusal"),
        pytest.param(failure(Outcome.CLIENT_LEFT_IN_DIAL), id="a client that left"),
        pytest.param(failure(Outcome.CUT_BEFORE_TUNNEL), id="a gate that stopped"),
        pytest.param(record(Outcome.DRAINING, target=TARGET), id="a gate that drains"),
        pytest.param(tunnel(rule="evil.example:443"), id="a target that passes since all is reported"),
    ],
)
def test_what_says_nothing_of_a_target_is_no_evidence(shows_nothing: TunnelRecord) -> None:
    assert not after(shows_nothing).by_target


def test_each_target_has_evidence_of_its_own() -> None:
    reached = after(tunnel(), failure(Outcome.DNS_NOT_FOUND, rule=API))

    assert {name: seen.reached for name, seen in reached.by_target.items()} == {
        TARGET: True,
        "api.cisco.com:443": False,
    }


def test_a_failure_is_explained_without_naming_a_client() -> None:
    sentence, remedy = evidence(failure(Outcome.CONNECTION_REFUSED, "192.0.2.1:443, ECONNREFUSED")).explain_failure()
    everything = [evidence(failure(outcome)).explain_failure() for outcome in NOT_REACHED]

    assert sentence == "tools.cisco.com:443 refused the connection (192.0.2.1:443, ECONNREFUSED)."
    assert remedy.startswith("Look for a firewall")
    assert "10.1.2.3" not in str(everything)


@pytest.mark.parametrize("outcome", [Outcome.INTERNAL_ERROR, Outcome.DESCRIPTORS_EXHAUSTED])
def test_a_target_is_not_blamed_for_what_the_gate_has_brought_about(outcome: Outcome) -> None:
    assert not after(failure(outcome)).by_target


def test_without_evidence_nothing_is_known() -> None:
    assert (TargetStatus().reached, TargetStatus().newest, TargetStatus().explain_failure()) == (None, None, ("", ""))
