"""Which targets were reached, as the records of tunnels and probes show."""

from datetime import timedelta

import pytest

from licensegate.app.observers.target_health import NOT_REACHED, TargetHealth, TargetStatus
from licensegate.app.observers.target_names import TargetNames
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord
from support.records import API, NOON, POLICY, failure, record, tunnel

TARGET = "tools.cisco.com:443"


def health_after(*records: TunnelRecord) -> TargetHealth:
    reached = TargetHealth(TargetNames(lambda: POLICY))
    reached.observe(records)
    return reached


def status_after(*records: TunnelRecord) -> TargetStatus:
    return health_after(*records).by_target[TARGET]


def test_the_time_reached_is_when_the_target_was_connected() -> None:
    status = status_after(tunnel(head_ms=1000.0, resolve_ms=2000.0, dial_ms=500.0, total_ms=3_600_000.0))

    assert status.reached
    assert status.reached_at == status.newest == NOON + timedelta(seconds=3.5)


def test_a_target_counts_as_reached_when_the_parent_reports_it() -> None:
    parent = "http://proxy.example.net:8080"
    opened = tunnel(head_ms=1000.0, resolve_ms=1.0, dial_ms=2.0, parent_ms=500.0, parent=parent, parent_status=200)
    asked = record(Outcome.CLIENT_LEFT_IN_DIAL, rule=opened.rule, dial_ms=2.0, parent=parent)
    challenged = record(Outcome.CLIENT_LEFT_IN_DIAL, rule=opened.rule, dial_ms=2.0, parent=parent, parent_status=407)
    around = tunnel(dial_ms=2.0, parent="direct")

    assert status_after(opened).reached_at == NOON + timedelta(seconds=1.5)
    assert health_after(asked, challenged).by_target == {}
    assert status_after(around).reached
    assert status_after(failure(Outcome.PARENT_REFUSED, "proxy.example.net:8080, 403")).reached is False


def test_an_open_long_tunnel_counts_as_reached() -> None:
    assert status_after(tunnel(None)).reached


def test_the_time_of_a_failure_is_when_the_dial_failed() -> None:
    status = status_after(failure(Outcome.CONNECTION_TIMEOUT, "192.0.2.1:443"))

    assert status.reached is False
    assert status.failed_at == status.newest == NOON + timedelta(seconds=15)
    assert status.reached_at is None


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "out of order"])
def test_the_newest_record_counts_in_any_order(order: int) -> None:
    older = tunnel(after=0), failure(Outcome.CONNECTION_REFUSED, after=-60)
    newer = failure(Outcome.DNS_TIMEOUT, after=60), tunnel(after=30)

    status = status_after(*(*older, *newer)[::order])

    assert status.reached is False
    assert status.failure is newer[0]
    assert status.success is newer[1]


def test_records_from_before_the_clock_was_set_back_are_dropped() -> None:
    ahead = 86400
    failed = status_after(
        tunnel(after=ahead), failure(Outcome.DNS_TIMEOUT, after=ahead + 60), failure(Outcome.DNS_TIMEOUT)
    )
    reached = status_after(failure(Outcome.DNS_TIMEOUT, after=ahead), tunnel())

    assert (failed.reached, failed.reached_at) == (False, None)
    assert failed.failure is not None
    assert failed.failed_at == NOON + timedelta(milliseconds=failed.failure.total_ms or 0)
    assert (reached.reached, reached.failed_at) == (True, None)


def test_the_end_of_a_long_tunnel_hides_no_later_failure() -> None:
    status = status_after(failure(Outcome.DNS_TIMEOUT, after=7200), tunnel(total_ms=7_500_000.0))

    assert status.reached is False
    assert status.reached_at is not None


def test_a_success_after_a_failure_counts_as_reached() -> None:
    assert status_after(failure(Outcome.DNS_TIMEOUT), tunnel(after=20)).reached


@pytest.mark.parametrize(
    "irrelevant",
    [
        pytest.param(record(Outcome.TARGET_NOT_ALLOWED, target=TARGET), id="a refusal"),
        pytest.param(failure(Outcome.CLIENT_LEFT_IN_DIAL), id="a client that left"),
        pytest.param(failure(Outcome.CUT_BEFORE_TUNNEL), id="a gate that stopped"),
        pytest.param(record(Outcome.DRAINING, target=TARGET), id="a gate that drains"),
        pytest.param(tunnel(rule="evil.example:443"), id="a target allowed only in report mode"),
    ],
)
def test_records_without_a_dial_result_are_ignored(irrelevant: TunnelRecord) -> None:
    assert not health_after(irrelevant).by_target


def test_each_target_has_its_own_status() -> None:
    reached = health_after(tunnel(), failure(Outcome.DNS_NOT_FOUND, rule=API))

    assert {name: status.reached for name, status in reached.by_target.items()} == {
        TARGET: True,
        "api.cisco.com:443": False,
    }


def test_a_failure_is_explained_without_naming_a_client() -> None:
    sentence, remedy = status_after(
        failure(Outcome.CONNECTION_REFUSED, "192.0.2.1:443, ECONNREFUSED")
    ).explain_failure()
    everything = [status_after(failure(outcome)).explain_failure() for outcome in NOT_REACHED]

    assert sentence == "tools.cisco.com:443 refused the connection (192.0.2.1:443, ECONNREFUSED)."
    assert remedy.startswith("Look for a firewall")
    assert "10.1.2.3" not in str(everything)


@pytest.mark.parametrize("outcome", [Outcome.INTERNAL_ERROR, Outcome.DESCRIPTORS_EXHAUSTED])
def test_a_fault_of_the_gate_is_not_the_targets_failure(outcome: Outcome) -> None:
    assert not health_after(failure(outcome)).by_target


def test_without_records_the_status_is_unknown() -> None:
    assert (TargetStatus().reached, TargetStatus().newest, TargetStatus().explain_failure()) == (None, None, ("", ""))
