"""Challenges that a client never answered, counted by its next connections."""

import pytest

from licensegate.proxy.auth.unanswered_challenges import ANSWERED_WITHIN_SECONDS, UnansweredChallenges
from support.clock import Clock

CUCM = "10.1.2.3"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_each_later_request_without_a_login_counts_as_unanswered(clock: Clock) -> None:
    unanswered = UnansweredChallenges(clock)
    told = []
    for _ in range(4):
        told.append(unanswered.ask(CUCM))
        clock.now += 900

    assert told == [0, 1, 2, 3]


def test_a_client_that_answers_starts_again_from_zero(clock: Clock) -> None:
    unanswered = UnansweredChallenges(clock)
    unanswered.ask(CUCM)
    clock.now += 900
    unanswered.ask(CUCM)

    unanswered.answered(CUCM)
    clock.now += 900

    assert unanswered.ask(CUCM) == 0
    assert len(unanswered) == 1


def test_connections_side_by_side_are_one_asking(clock: Clock) -> None:
    unanswered = UnansweredChallenges(clock)

    assert [unanswered.ask(CUCM) for _ in range(5)] == [0] * 5
    clock.now += ANSWERED_WITHIN_SECONDS
    assert unanswered.ask(CUCM) == 0
    clock.now += 0.1
    assert [unanswered.ask(CUCM) for _ in range(5)] == [1] * 5


def test_clients_are_kept_apart(clock: Clock) -> None:
    unanswered = UnansweredChallenges(clock)
    unanswered.ask(CUCM)
    clock.now += 900

    assert unanswered.ask("10.1.2.4") == 0
    assert unanswered.ask(CUCM) == 1
    unanswered.answered("10.9.9.9")


def test_no_more_clients_are_remembered_than_fit(clock: Clock) -> None:
    unanswered = UnansweredChallenges(clock, remembered=4)
    for number in range(20):
        unanswered.ask(f"10.0.0.{number}")
        clock.now += 10

    assert len(unanswered) == 4
    assert unanswered.ask("10.0.0.19") == 1
    assert unanswered.ask("10.0.0.0") == 0
