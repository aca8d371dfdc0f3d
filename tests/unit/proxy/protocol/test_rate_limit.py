"""The limit on how often somebody may come: so many at once, then so many per second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.proxy.protocol.rate_limit import RateLimit, rate_limit
from support.clock import Clock

ONE, OTHER = "10.0.0.1", "10.0.0.2"


def test_a_burst_passes_and_then_so_many_per_second() -> None:
    clock = Clock()
    limit: RateLimit[str] = RateLimit(2, 3, clock)

    assert [limit.take(ONE) for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)]
    clock.now += 0.5
    assert limit.take(ONE) == 0
    assert limit.take(ONE) == pytest.approx(0.5)
    clock.now += 1
    assert [limit.take(ONE) for _ in range(3)] == [0, 0, pytest.approx(0.5)]


def test_each_key_has_a_bucket_of_its_own() -> None:
    limit: RateLimit[str] = RateLimit(1, 1, Clock())

    assert limit.take(ONE) == 0
    assert limit.take(ONE) > 0
    assert limit.take(OTHER) == 0


def test_what_is_refused_is_not_counted() -> None:
    clock = Clock()
    limit: RateLimit[str] = RateLimit(1, 1, clock)
    limit.take(ONE)

    for _ in range(1000):
        assert limit.take(ONE) == pytest.approx(1)
    clock.now += 1
    assert limit.take(ONE) == 0


def test_a_rate_above_the_burst_passes_a_second_at_once() -> None:
    limit: RateLimit[str] = RateLimit(100, 20, Clock())

    assert [limit.take(ONE) > 0 for _ in range(101)] == [False] * 100 + [True]


def test_a_rate_below_one_per_second_waits_for_minutes() -> None:
    clock = Clock()
    limit: RateLimit[str] = RateLimit(1 / 120, 1, clock)
    limit.take(ONE)

    clock.now += 20
    assert limit.take(ONE) == pytest.approx(100)
    clock.now += 100
    assert limit.take(ONE) == 0


def test_full_buckets_are_forgotten() -> None:
    clock = Clock()
    limit: RateLimit[str] = RateLimit(1, 1, clock)
    for number in range(100):
        limit.take(f"10.0.1.{number}")

    for _ in range(60):
        clock.now += 1
        limit.take(ONE)

    assert len(limit) == 1


def test_a_million_addresses_take_bounded_room() -> None:
    limit: RateLimit[int] = RateLimit(1, 1, Clock(), remembered=64)

    assert not any(limit.take(number) for number in range(10_000))

    assert len(limit) == 64
    assert limit.take(9_999) > 0, "the newest are known"
    assert limit.take(1) == 0, "an old one is forgotten, not shut out"


@given(
    st.floats(0.001, 1000),
    st.integers(1, 50),
    st.lists(st.floats(0, 10), max_size=200),
)
def test_no_more_than_the_burst_and_the_rate_pass(per_second: float, burst: int, pauses: list[float]) -> None:
    clock = Clock(0.0)
    limit: RateLimit[str] = RateLimit(per_second, burst, clock)
    passed = 0
    for pause in pauses:
        clock.now += pause
        wait = limit.take(ONE)
        passed += wait == 0
        assert passed <= max(burst, per_second) + clock.now * per_second + 0.01
        assert wait <= 1 / per_second + 0.01


@given(st.floats(0.001, 1000), st.integers(1, 50), st.integers(1, 100))
def test_one_that_waits_as_told_is_served(per_second: float, burst: int, tries: int) -> None:
    clock = Clock(0.0)
    limit: RateLimit[str] = RateLimit(per_second, burst, clock)

    for _ in range(tries):
        clock.now += limit.take(ONE)
    assert limit.take(ONE) <= 1 / per_second + 0.01
    clock.now += limit.take(ONE)
    assert limit.take(ONE) == 0


def test_a_limit_with_the_same_numbers_goes_on() -> None:
    limit: RateLimit[str] | None = rate_limit(1, 1, None)
    assert limit is not None

    assert rate_limit(1, 1, limit) is limit
    assert rate_limit(2, 1, limit) is not limit
    assert rate_limit(1, 2, limit) is not limit
    assert rate_limit(0, 1, limit) is None
