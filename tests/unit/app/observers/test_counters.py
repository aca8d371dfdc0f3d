"""What is counted of the records: each end once, in integers."""

import pytest

from licensegate.app.observers.counters import Counters, Durations
from licensegate.app.observers.target_names import TargetNames
from licensegate.records.outcome import Outcome
from licensegate.records.record import DialAttempt, ServerNameCheck
from support.records import POLICY, failure, record, tunnel


def tally() -> Counters:
    return Counters(TargetNames(lambda: POLICY))


def test_ends_are_counted_by_target_and_outcome() -> None:
    counted = tally()

    counted.observe([tunnel(), tunnel(), failure(Outcome.DNS_TIMEOUT)])
    counted.observe([record(Outcome.TARGET_NOT_ALLOWED, target="evil.example:443")])

    assert counted.ended == {
        ("tools.cisco.com:443", "closed_by_client"): 2,
        ("tools.cisco.com:443", "dns_timeout"): 1,
        ("none", "target_not_allowed"): 1,
    }


def test_the_start_of_a_long_tunnel_is_not_counted() -> None:
    counted = tally()
    before = vars(tally()).keys()

    counted.observe([tunnel(None)])

    assert not counted.ended
    assert not counted.attempts
    assert counted.client_read == 0
    assert not any(counted.dial.counts)
    assert vars(counted).keys() == before


def test_a_balancers_probes_are_counted_by_themselves() -> None:
    counted = tally()

    counted.observe([record(Outcome.CLOSED_UNUSED), record(Outcome.HEALTH_ASKED), record(Outcome.HEALTH_ASKED)])

    assert (counted.empty, counted.health_answers, counted.ended) == (1, 2, {})


def test_bytes_are_added_up_by_direction() -> None:
    counted = tally()

    counted.observe([tunnel(), record(Outcome.TARGET_NOT_ALLOWED, client_read=100, client_written=500)])

    assert (counted.client_read, counted.client_written) == (6222, 6039)
    assert (counted.upstream_read, counted.upstream_written) == (5500, 6000)


@pytest.mark.parametrize(
    ("attempt", "counted_as"),
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
def test_each_address_that_was_dialled_counts_by_its_result(attempt: DialAttempt, counted_as: tuple[str, str]) -> None:
    counted = tally()

    counted.observe([tunnel(attempts=[attempt])])

    assert counted.attempts == {counted_as: 1}


def test_server_name_checks_and_what_was_only_reported_are_counted() -> None:
    counted = tally()
    passing = tunnel(rule="", reported="target_in_preset", server_name_check=ServerNameCheck.ABSENT)

    counted.observe([tunnel(), tunnel(), passing, record(Outcome.HEAD_TIMEOUT)])

    assert counted.server_name_checks == {ServerNameCheck.MATCH: 2, ServerNameCheck.ABSENT: 1}
    assert counted.reported == {"target_in_preset": 1}


def test_phases_are_counted_as_far_as_a_connection_came() -> None:
    counted = tally()

    refused = failure(Outcome.PARENT_REFUSED, parent_ms=9.0)
    counted.observe([tunnel(), failure(Outcome.DNS_NOT_FOUND, head_ms=1.0, resolve_ms=5.0), refused])

    phases = counted.head, counted.resolve, counted.dial, counted.parent, counted.relay, counted.total
    assert [sum(phase.counts) for phase in phases] == [2, 2, 1, 1, 1, 1]
    assert counted.resolve.sum_ms == pytest.approx(17.0)


def test_a_duration_counts_up_to_its_bound_and_that_included() -> None:
    durations = Durations([0.1, 1])

    for ms in (0.0, 100.0, 100.1, 1000.0, 1000.1, 1e9):
        durations.add(ms)

    assert durations.counts == [2, 2, 2]
