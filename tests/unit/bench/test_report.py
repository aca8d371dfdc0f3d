"""Ratios of a benchmark: within each round, then their median and quartiles."""

import pytest
import quantities as q
from report import Report, Sample, Spread
from tables import tables
from trial import Amount

AMOUNT = Amount(tunnels=10, concurrency=5, serial=5, megabytes=1, newcomers=5, crowds=(10,))


def report(**values: list[float]) -> Report:
    """A report with CPU per tunnel of these contenders, one number per round."""
    samples = [
        Sample(q.CPU, name, number, value) for name, numbers in values.items() for number, value in enumerate(numbers)
    ]
    return Report(
        date="2026-11-30",
        commit="0123456789ab",
        version="licensegate 0",
        machine="a machine, 2 CPUs",
        system="Linux",
        whole=True,
        rounds=3,
        amount=AMOUNT,
        contenders=dict.fromkeys(values, "relays"),
        samples=samples,
    )


def test_a_ratio_is_taken_within_each_round() -> None:
    # A slow second round: the ratio of the medians would be 2.2.
    found = report(licensegate=[2.0, 22.0, 2.2], squid=[1.0, 10.0, 1.0]).ratio(q.CPU, "licensegate", "squid")

    assert found is not None
    assert (found.median, found.low, found.high) == pytest.approx((2.2, 2.1, 2.2))


def test_a_round_that_one_of_both_lacks_does_not_count() -> None:
    numbers = report(licensegate=[2.0, 8.0], squid=[1.0])

    assert numbers.ratio(q.CPU, "licensegate", "squid") == Spread(2.0, 2.0, 2.0)
    assert numbers.ratio(q.CPU, "licensegate", "floor") is None


def test_a_table_shows_microseconds_and_ratios_with_quartiles() -> None:
    (table,) = tables(report(licensegate=[100e-6, 120e-6, 110e-6], squid=[100e-6, 100e-6, 100e-6]))

    row = next(line for line in table.as_text().splitlines() if line.startswith("licensegate"))
    assert row.split()[:3] == ["licensegate", "110", "1.10"]
    assert "| licensegate | 110 | 1.10 (1.05-1.15) |" in table.as_markdown()
