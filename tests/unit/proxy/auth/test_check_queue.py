"""Which password is checked next: by standing, then by turns of the sources, within a bounded time."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.proxy.auth.check_queue import CheckQueue, Standing

PROVEN, NEW, FAILED = Standing


def make_queue(seconds: float = 1000, at_most: int = 1000, per_source: int = 1000) -> CheckQueue[str]:
    return CheckQueue(seconds, at_most, per_source)


def put(queue: CheckQueue[str], *items: str, standing: Standing = NEW, seconds: float = 1) -> list[str]:
    """Put items named after their source, such as "a1"; returns all that gave way."""
    return [gone for item in items for gone in queue.put(item, item[0], standing, seconds)]


def drain(queue: CheckQueue[str]) -> list[str]:
    taken = []
    while (item := queue.take()) is not None:
        taken.append(item)
    return taken


def test_sources_take_turns() -> None:
    queue = make_queue()
    put(queue, "a1", "a2", "a3", "b1", "c1", "b2")

    assert drain(queue) == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_a_source_that_was_just_served_waits_for_all_others() -> None:
    queue = make_queue()
    put(queue, "a1", "b1", "c1")

    assert queue.take() == "a1"
    put(queue, "a2")
    assert drain(queue) == ["b1", "c1", "a2"]


@pytest.mark.parametrize("others", [NEW, FAILED])
def test_a_proven_login_goes_ahead_of_200_others(others: Standing) -> None:
    queue = make_queue()
    for number in range(200):
        queue.put(f"guess {number}", f"source {number}", others, 0.07)
    drained_before = queue.take()
    queue.put("right", "source 7", PROVEN, 0.07)

    assert drained_before == "guess 0"
    assert "right" in [queue.take(), queue.take()]


def test_a_new_source_goes_ahead_of_those_that_failed() -> None:
    queue = make_queue()
    for number in range(200):
        queue.put(f"guess {number}", f"source {number}", FAILED, 0.07)
    queue.put("right", "another", NEW, 0.07)

    assert queue.take() == "right"


def test_no_standing_starves_while_better_ones_never_end() -> None:
    queue = make_queue()
    for number in range(80):
        queue.put(f"p{number}", "p", PROVEN, 1)
        queue.put(f"n{number}", "n", NEW, 1)
        queue.put(f"f{number}", "f", FAILED, 1)

    taken = Counter((queue.take() or "?")[0] for _ in range(80))

    assert taken == {"p": 40, "n": 30, "f": 10}


def test_a_turn_of_an_absent_standing_goes_to_the_best_that_waits() -> None:
    queue = make_queue()
    put(queue, *(f"f{number}" for number in range(20)), standing=FAILED)

    assert len(drain(queue)) == 20


def test_the_limit_is_a_time_so_slow_hashes_queue_less() -> None:
    quick, slow = make_queue(seconds=10), make_queue(seconds=10)

    assert put(quick, *"abcdefghijklmnop", seconds=0.5) == []
    assert put(slow, *"abcdefghijklmnop", seconds=3) == [*"defghijklmnop"]


def test_one_check_is_accepted_however_slow() -> None:
    queue = make_queue(seconds=1)

    assert put(queue, "a", seconds=3) == []
    assert put(queue, "b", seconds=3) == ["b"]


def test_the_newest_of_the_fullest_source_gives_way_to_a_new_source() -> None:
    queue = make_queue(at_most=6)
    put(queue, "a1", "a2", "a3", "b1", "b2", "c1")

    assert put(queue, "d1") == ["a3"]
    assert drain(queue) == ["a1", "b1", "c1", "d1", "a2", "b2"]


def test_a_source_with_one_check_gives_way_to_no_equal() -> None:
    queue = make_queue(at_most=2)
    put(queue, "a1", "b1")

    assert put(queue, "c1") == ["c1"]
    assert put(queue, "a2") == ["a2"]


@pytest.mark.parametrize(
    ("waiting", "comes", "gone"),
    [
        (FAILED, NEW, "b1"),
        (FAILED, PROVEN, "b1"),
        (NEW, PROVEN, "b1"),
        (NEW, NEW, "c1"),
        (NEW, FAILED, "c1"),
        (PROVEN, NEW, "c1"),
    ],
)
def test_a_lower_standing_gives_way_to_a_better_one(waiting: Standing, comes: Standing, gone: str) -> None:
    queue = make_queue(at_most=2)
    put(queue, "b1", "a1", standing=waiting)

    assert put(queue, "c1", standing=comes) == [gone]
    assert len(queue) == 2


def test_a_slow_check_displaces_as_many_quick_ones_as_it_needs() -> None:
    queue = make_queue(seconds=4)
    put(queue, "a1", "b1", "c1", "d1", standing=FAILED)

    assert put(queue, "e1", seconds=2) == ["a1", "b1"]
    assert queue.seconds == 4


def test_one_source_queues_a_bounded_number_of_any_standing() -> None:
    queue = make_queue(per_source=3)

    assert put(queue, "a1", "a2", "a3", "a4", "b1") == ["a4"]
    assert put(queue, "a5", standing=PROVEN) == ["a5"]
    queue.take()
    assert put(queue, "a6") == []


def test_a_source_that_must_wait_loses_all_its_checks() -> None:
    queue = make_queue()
    put(queue, "a1", "b1", "a2")
    put(queue, "a3", standing=PROVEN)

    assert sorted(queue.remove_source("a")) == ["a1", "a2", "a3"]
    assert queue.remove_source("a") == []
    assert drain(queue) == ["b1"]


def test_after_a_failure_a_source_is_served_after_the_others() -> None:
    queue = make_queue()
    put(queue, "a1", "a2", "b1")
    put(queue, "a3", standing=PROVEN)

    queue.demote("a")

    assert drain(queue) == ["a3", "b1", "a1", "a2"]


def test_a_removed_check_is_gone_and_makes_room() -> None:
    queue = make_queue(at_most=1)
    put(queue, "a1")

    assert queue.remove("a1")
    assert not queue.remove("a1")
    assert (len(queue), queue.seconds, queue.take()) == (0, 0, None)
    assert put(queue, "b1") == []


_PUTS = st.tuples(st.sampled_from("abcd"), st.sampled_from(Standing), st.floats(0.001, 3))
_STEPS = st.one_of(_PUTS, st.sampled_from(["take", "demote", "remove source"]))


@given(st.lists(_STEPS, max_size=80))
def test_every_check_leaves_once_and_the_bounds_hold(steps: list[tuple[str, Standing, float] | str]) -> None:
    queue: CheckQueue[int] = CheckQueue(10, 12, 5)
    inside: set[int] = set()
    for number, step in enumerate(steps):
        match step:
            case "take":
                item = queue.take()
                assert (item is None) == (not inside)
                inside.discard(-1 if item is None else item)
            case "demote":
                queue.demote("a")
            case "remove source":
                inside.difference_update(queue.remove_source("b"))
            case (source, standing, seconds):
                gave_way = queue.put(number, source, standing, seconds)
                inside.add(number)
                assert inside >= set(gave_way)
                inside.difference_update(gave_way)
        assert len(queue) == len(inside) <= 12
        assert queue.seconds <= 10 + 1e-9
    assert sorted(iter(queue.take, None)) == sorted(inside)
