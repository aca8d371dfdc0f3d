"""How long a source waits after failed logins, in bounded memory."""

import pytest

from licensegate.proxy.auth.login_throttle import FORGIVEN_SECONDS, FREE_TRIES, LONGEST_SECONDS, LoginThrottle
from support.clock import Clock

CLIENT = "10.1.2.3"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_wait_grows_with_each_failure_and_not_for_ever(clock: Clock) -> None:
    failures = LoginThrottle(clock)
    waits = []
    for _ in range(FREE_TRIES + 9):
        failures.add(CLIENT)
        waits.append(failures.seconds_left(CLIENT))
        clock.now += waits[-1]

    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 64, 64]
    assert waits[-1] == LONGEST_SECONDS


def test_the_wait_after_failures_ends_by_itself(clock: Clock) -> None:
    failures = LoginThrottle(clock)
    for _ in range(FREE_TRIES + 1):
        failures.add(CLIENT)

    clock.now += 0.5
    assert failures.seconds_left(CLIENT) == 0.5
    clock.now += 0.5
    assert failures.seconds_left(CLIENT) == 0


def test_concurrent_wrong_logins_count_as_one(clock: Clock) -> None:
    failures = LoginThrottle(clock)
    for _ in range(FREE_TRIES + 50):
        failures.add(CLIENT)

    assert failures.seconds_left(CLIENT) == 1


def test_after_a_while_a_source_starts_again_from_zero(clock: Clock) -> None:
    failures = LoginThrottle(clock)
    for _ in range(FREE_TRIES + 1):
        failures.add(CLIENT)

    clock.now += FORGIVEN_SECONDS + 1
    failures.add(CLIENT)

    assert failures.seconds_left(CLIENT) == 0


def test_another_source_does_not_wait_but_the_rest_of_an_ipv6_network_does(clock: Clock) -> None:
    failures = LoginThrottle(clock)
    for _ in range(FREE_TRIES + 1):
        failures.add(CLIENT)
        failures.add("2001:db8::1")

    assert failures.seconds_left("10.1.2.4") == 0
    assert failures.seconds_left("2001:db8::ffff") == 1
    assert failures.seconds_left("2001:db8:0:1::1") == 0


def test_no_more_sources_are_remembered_than_fit_and_the_latest_stay(clock: Clock) -> None:
    failures = LoginThrottle(clock, remembered=4)
    for number in range(20):
        for _ in range(FREE_TRIES + 1):
            failures.add(f"10.0.0.{number}")

    assert len(failures) == 4
    assert [failures.seconds_left(f"10.0.0.{number}") for number in range(20)] == [0] * 16 + [1] * 4
