"""Each nonce count is accepted once, in bounded memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.proxy.auth.nonce_replay_cache import NonceReplayCache

LIFETIME = 300.0


def nonce(number: int) -> bytes:
    return b"nonce-%d" % number


def test_a_count_is_new_once() -> None:
    replays = NonceReplayCache(LIFETIME)

    assert [replays.is_new(b"n", 0.0, count) for count in (1, 1, 2, 2, 3, 1)] == [True, False, True, False, True, False]


def test_counts_may_overtake_each_other_within_a_window() -> None:
    replays = NonceReplayCache(LIFETIME)

    assert replays.is_new(b"n", 0.0, 200)
    assert [replays.is_new(b"n", 0.0, count) for count in (199, 73, 199, 72, 1)] == [True, True, False, False, False]


@pytest.mark.parametrize("count", [0, -1])
def test_counts_begin_with_one(count: int) -> None:
    replays = NonceReplayCache(LIFETIME)

    assert not replays.is_new(b"n", 0.0, count)
    assert replays.is_new(b"n", 0.0, 1)
    assert not replays.is_new(b"n", 0.0, count)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 400)), max_size=200))
def test_no_count_is_ever_taken_twice(used: list[tuple[int, int]]) -> None:
    replays = NonceReplayCache(LIFETIME)
    taken = [each for each in used if replays.is_new(nonce(each[0]), 0.0, each[1])]

    assert len(taken) == len(set(taken))


def test_the_cache_is_bounded_and_a_dropped_nonce_stays_used() -> None:
    replays = NonceReplayCache(LIFETIME, remembered=8)

    for number in range(100):
        assert replays.is_new(nonce(number), float(number), 1)
        assert len(replays) <= 8

    for number in range(100):
        assert not replays.is_new(nonce(number), float(number), 1)


def test_stale_entries_are_forgotten_before_used_ones() -> None:
    replays = NonceReplayCache(LIFETIME, remembered=8)
    for number in range(6):
        replays.is_new(nonce(number), 0.0, 1)
    for number in (6, 7):
        replays.is_new(nonce(number), 1000.0, 1)

    assert replays.is_new(nonce(8), 1000.0, 1)

    assert len(replays) == 3
    assert replays.is_new(nonce(6), 1000.0, 2), "still counted"
    assert not replays.is_new(nonce(0), 0.0, 2)


def test_a_nonce_older_than_the_forgotten_ones_is_rejected() -> None:
    replays = NonceReplayCache(LIFETIME, remembered=4)
    for number in range(1, 6):
        replays.is_new(nonce(number), float(number), 1)

    assert not replays.is_new(b"never seen", 1.0, 1)
