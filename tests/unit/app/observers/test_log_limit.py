"""How many lines of the access log one client gets in a second, and what becomes of the rest."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.app.observers.log_limit import LogLimit
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord
from licensegate.records.summary import RecordSummary
from support.records import NOON, any_record, record, tunnel


class Log:
    """Records written and left out, in seconds that the test counts."""

    def __init__(self, lines_per_client: int) -> None:
        self.second = 0
        self.limit = LogLimit(lines_per_client, self.now)

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.second)

    def written(self, *records: TunnelRecord) -> int:
        """How many of these records, which all end in this second, get a line."""
        self.limit.begin(self.second)
        return sum(self.limit.admits(one) for one in records)

    def summaries(self) -> list[RecordSummary]:
        return list(self.limit.take_summaries())


def refused(count: int = 1, **fields: Any) -> list[TunnelRecord]:
    return [record(Outcome.TARGET_NOT_ALLOWED, allowed=False, **fields) for _ in range(count)]


def test_a_client_gets_its_lines_and_a_summary_of_the_rest() -> None:
    log = Log(3)

    assert log.written(*refused(10, target="evil.example:443", client_read=5)) == 3
    (summary,) = log.summaries()

    assert summary == RecordSummary(
        2, "summary", NOON, 7, "10.1.2.3", Outcome.TARGET_NOT_ALLOWED, "evil.example:443", False, "", client_read=35
    )
    assert not log.limit.has_summaries


def test_each_second_begins_anew() -> None:
    log = Log(3)
    log.written(*refused(5))
    log.second += 1

    assert log.written(*refused(5)) == 3


def test_connections_with_and_without_a_tunnel_are_limited_apart() -> None:
    log = Log(3)

    assert log.written(*refused(10)) == 3
    assert log.written(*(tunnel() for _ in range(10))) == 3
    assert {summary.outcome for summary in log.summaries()} == {Outcome.TARGET_NOT_ALLOWED, Outcome.CLOSED_BY_CLIENT}


def test_start_lines_are_always_written() -> None:
    log = Log(1)

    assert log.written(*(tunnel(None) for _ in range(5)), tunnel(), tunnel()) == 6


@pytest.mark.parametrize(
    ("clients", "lines"),
    [
        (["10.0.0.1", "10.0.0.2"], 2),
        (["2001:db8::1", "2001:db8::2"], 1),
        (["2001:db8:0:1::1", "2001:db8:0:2::1"], 2),
    ],
    ids=["two IPv4 addresses", "one IPv6 network", "two IPv6 networks"],
)
def test_lines_are_counted_by_address_or_network(clients: list[str], lines: int) -> None:
    log = Log(1)

    assert log.written(*(one for client in clients for one in refused(2, client=client))) == lines


def test_all_clients_together_get_ten_times_as_many() -> None:
    log = Log(2)

    assert log.written(*(one for number in range(50) for one in refused(client=f"10.0.0.{number}"))) == 20


def test_zero_writes_every_line() -> None:
    log = Log(0)

    assert log.written(*refused(500)) == 500
    assert not log.limit.has_summaries


def test_a_new_limit_is_in_force_at_once() -> None:
    log = Log(1)
    log.written(*refused(3))
    log.limit.lines_per_client = 5

    assert log.written(*refused(10)) == 4


def test_many_targets_and_clients_are_summarised_more_coarsely() -> None:
    log = Log(1)
    log.written(*refused(10, client="10.0.0.0"))
    log.summaries()
    log.written(*(one for number in range(300) for one in refused(target=f"h{number}.example:443", client="10.0.0.0")))
    log.written(*(one for number in range(500) for one in refused(2, client=f"10.1.{number // 256}.{number % 256}")))

    summaries = log.summaries()

    assert len(summaries) == 201
    assert sum(summary.count for summary in summaries) == 300 + 1000 - 9
    assert sum(bool(summary.target) for summary in summaries) == 100
    assert [summary.client for summary in summaries].count("") == 1
    (rest,) = (summary for summary in summaries if summary.client == "10.0.0.0" and not summary.target)
    assert rest.count == 200


@given(st.lists(any_record, max_size=60), st.integers(0, 3))
def test_every_record_is_written_or_counted_in_a_summary(records: list[TunnelRecord], lines_per_client: int) -> None:
    log = Log(lines_per_client)
    written = log.written(*records)

    assert written + sum(summary.count for summary in log.summaries()) == len(records)
