"""Deadlines: which owners expire, and in which order. The clock is a number; nothing here waits."""

from hypothesis import given
from hypothesis import strategies as st

from licensegate.proxy.net.deadline import Deadline, DeadlineOwner
from support.deadline_owner import FakeOwner


def test_owners_expire_exactly_when_their_time_is_over() -> None:
    deadline, owner = Deadline(10), FakeOwner()
    deadline.begin(owner, 100)

    assert list(deadline.expired(109.999)) == []
    assert list(deadline.expired(110)) == [owner]


def test_a_late_owner_is_returned_once() -> None:
    deadline, owner = Deadline(10), FakeOwner()
    deadline.begin(owner, 100)

    assert list(deadline.expired(200)) == [owner]
    assert list(deadline.expired(300)) == []
    assert len(deadline) == 0


def test_owners_expire_in_the_order_they_began() -> None:
    deadline = Deadline(10)
    first, second, third = FakeOwner(), FakeOwner(), FakeOwner()
    for began, owner in ((100, first), (101, second), (102, third)):
        deadline.begin(owner, began)

    assert list(deadline.expired(111)) == [first, second]
    assert list(deadline.expired(112)) == [third]


def test_a_restarted_owner_moves_to_the_end() -> None:
    deadline = Deadline(10)
    active, silent = FakeOwner(), FakeOwner()
    deadline.begin(active, 100)
    deadline.begin(silent, 101)
    deadline.begin(active, 105)

    assert len(deadline) == 2
    assert list(deadline.expired(114)) == [silent]
    assert list(deadline.expired(115)) == [active]


def test_a_stopped_owner_does_not_expire() -> None:
    deadline = Deadline(10)
    stopped, other = FakeOwner(), FakeOwner()
    deadline.begin(stopped, 100)
    deadline.begin(other, 100)

    deadline.stop(stopped)
    deadline.stop(stopped)

    assert list(deadline.expired(1000)) == [other]


def test_a_late_owner_may_stop_another_late_owner() -> None:
    deadline = Deadline(10)
    first, second, third = FakeOwner(), FakeOwner(), FakeOwner()
    for owner in (first, second, third):
        deadline.begin(owner, 100)

    late = deadline.expired(110)

    assert next(late) is first
    deadline.stop(second)
    assert list(late) == [third]


def test_a_late_owner_may_restart_at_once() -> None:
    deadline, owner = Deadline(10), FakeOwner()
    deadline.begin(owner, 100)

    late = deadline.expired(110)

    assert next(late) is owner
    deadline.begin(owner, 110)
    assert list(late) == []
    assert list(deadline.expired(120)) == [owner]


@given(st.lists(st.tuples(st.sampled_from(["begin", "stop", "sweep"]), st.integers(0, 4), st.integers(0, 7))))
def test_expiry_matches_a_simple_model(events: list[tuple[str, int, int]]) -> None:
    """The model is a plain dict from owner to time, searched completely at each sweep."""
    deadline = Deadline(10)
    people = [FakeOwner() for _ in range(5)]
    expected: dict[DeadlineOwner, int] = {}
    now = 0
    for event, number, passed in events:
        now += passed
        owner = people[number]
        match event:
            case "begin":
                deadline.begin(owner, now)
                expected[owner] = now + 10
            case "stop":
                deadline.stop(owner)
                expected.pop(owner, None)
            case "sweep":
                late = list(deadline.expired(now))
                assert set(late) == {owner for owner, expires in expected.items() if expires <= now}
                assert late == sorted(late, key=expected.__getitem__)
                for one in late:
                    del expected[one]
        assert len(deadline) == len(expected)
