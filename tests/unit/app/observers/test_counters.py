"""The counters: each end of a connection is counted once."""

import pytest

from licensegate.app.observers.counters import Counters, Durations
from licensegate.app.observers.target_names import TargetNames
from licensegate.records.outcome import Outcome
from licensegate.records.record import DialAttempt, ServerNameCheck
from support.records import POLICY, failure, record, tunnel


def make_counters() -> Counters:
    return Counters(TargetNames(lambda: POLICY))


def test_ends_are_counted_by_target_and_outcome() -> None:
    counters = make_counters()

    counters.observe([tunnel(), tunnel(), failure(Outcome.DNS_TIMEOUT)])
    counters.observe([record(Outcome.TARGET_NOT_ALLOWED, target="evil.example:443")])

    assert counters.ended == {
        ("tools.cisco.com:443", "closed_by_client"): 2,
        ("tools.cisco.com:443", "dns_timeout"): 1,
        ("none", "target_not_allowed"): 1,
    }


def test_hits_are_by_rule_whatever_the_outcome() -> None:
    counters = make_counters()
    assert counters.hits == {}

    counters.observe([tunnel(), failure(Outcome.DNS_TIMEOUT)])
    counters.observe([record(Outcome.TARGET_NOT_ALLOWED, target="evil.example:443")])

    assert counters.hits == {"tools.cisco.com:443": 2}


def test_the_start_of_a_long_tunnel_is_not_counted() -> None:
    counters = make_counters()
    before = vars(make_counters()).keys()

    counters.observe([tunnel(None)])

    assert not counters.ended
    assert not counters.attempts
    assert counters.client_read == 0
    assert not any(counters.dial.counts)
    assert vars(counters).keys() == before


def test_a_balancers_probes_are_counted_separately() -> None:
    counters = make_counters()

    counters.observe([record(Outcome.CLOSED_UNUSED), record(Outcome.HEALTH_ASKED), record(Outcome.HEALTH_ASKED)])

    assert (counters.empty, counters.health_answers, counters.ended) == (1, 2, {})


def test_bytes_are_summed_by_direction() -> None:
    counters = make_counters()

    counters.observe([tunnel(), record(Outcome.TARGET_NOT_ALLOWED, client_read=100, client_written=500)])

    assert (counters.client_read, counters.client_written) == (6222, 6039)
    assert (counters.upstream_read, counters.upstream_written) == (5500, 6000)


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        (DialAttempt("192.0.2.1", 1.0), ("ipv4", "connected")),
        (DialAttempt("2001:db8::1", 1.0), ("ipv6", "connected")),
        (DialAttempt("192.0.2.1", 1.0, "ECONNREFUSED"), ("ipv4", "refused")),
        (DialAttempt("192.0.2.1", 1.0, "ETIMEDOUT"), ("ipv4", "timeout")),
        (DialAttempt("2001:db8::1", 1.0, "ENETUNREACH"), ("ipv6", "unreachable")),
        (DialAttempt("192.0.2.1", 1.0, "EHOSTUNREACH"), ("ipv4", "unreachable")),
        (DialAttempt("192.0.2.1", 1.0, "ECANCELED"), ("ipv4", "given_up")),
        (DialAttempt("192.0.2.1", 1.0, "EPERM"), ("ipv4", "failed")),
    ],
    ids=lambda value: value.errno or "connected" if isinstance(value, DialAttempt) else value[0],
)
def test_each_dialled_address_is_counted_by_result(attempt: DialAttempt, expected: tuple[str, str]) -> None:
    counters = make_counters()

    counters.observe([tunnel(attempts=[attempt])])

    assert counters.attempts == {expected: 1}


def test_server_name_checks_and_reported_refusals_are_counted() -> None:
    counters = make_counters()
    passing = tunnel(rule="", reported="target_in_preset", server_name_check=ServerNameCheck.ABSENT)

    counters.observe([tunnel(), tunnel(), passing, record(Outcome.HEAD_TIMEOUT)])

    assert counters.server_name_checks == {ServerNameCheck.MATCH: 2, ServerNameCheck.ABSENT: 1}
    assert counters.reported == {"target_in_preset": 1}


def test_only_the_phases_a_connection_reached_are_counted() -> None:
    counters = make_counters()

    refused = failure(Outcome.PARENT_REFUSED, parent_ms=9.0)
    counters.observe([tunnel(), failure(Outcome.DNS_NOT_FOUND, head_ms=1.0, resolve_ms=5.0), refused])

    phases = counters.head, counters.resolve, counters.dial, counters.parent, counters.relay, counters.total
    assert [sum(phase.counts) for phase in phases] == [2, 2, 1, 1, 1, 1]
    assert counters.resolve.sum_ms == pytest.approx(17.0)


def test_a_bound_is_inclusive() -> None:
    durations = Durations([0.1, 1])

    durations.add([0.0, 100.0, None, 100.1, 1000.0, 1000.1, 1e9])

    assert durations.counts == [2, 2, 2]
