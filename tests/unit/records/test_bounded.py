from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.records.bounded import BoundedDict


def test_oldest_entry_goes_when_it_is_full() -> None:
    known: BoundedDict[str, int] = BoundedDict(2)
    for number, key in enumerate("abc"):
        known.put(key, number)

    assert known == {"b": 1, "c": 2}


def test_putting_an_entry_again_makes_it_the_newest() -> None:
    known: BoundedDict[str, int] = BoundedDict(2)
    for number, key in enumerate("abac"):
        known.put(key, number)

    assert list(known.items()) == [("a", 2), ("c", 3)]


def test_an_entry_that_is_got_or_added_is_made_once_and_becomes_the_newest() -> None:
    known: BoundedDict[str, list[str]] = BoundedDict(2)
    for key in "abac":
        known.get_or_add(key, list).append(key)

    assert list(known.items()) == [("a", ["a", "a"]), ("c", ["c"])]


def test_reading_an_entry_does_not_keep_it() -> None:
    known: BoundedDict[str, int] = BoundedDict(2)
    known.put("a", 1)
    known.put("b", 2)
    assert known.get("a") == 1

    known.put("c", 3)

    assert "a" not in known


@pytest.mark.parametrize(
    ("busy", "left"),
    [
        pytest.param({"a"}, "acd", id="the oldest is busy"),
        pytest.param({"a", "b", "c"}, "abcd", id="all are busy"),
        pytest.param(set(), "bcd", id="none is busy"),
    ],
)
def test_an_entry_that_may_not_go_stays(busy: set[str], left: str) -> None:
    known: BoundedDict[str, str] = BoundedDict(3, lambda value: value not in busy)
    for key in "abcd":
        known.put(key, key)

    assert "".join(known) == left


@given(st.integers(1, 5), st.lists(st.integers(0, 9)))
def test_it_holds_the_entries_put_last(most: int, keys: list[int]) -> None:
    known: BoundedDict[int, int] = BoundedDict(most)
    latest: OrderedDict[int, int] = OrderedDict()
    for value, key in enumerate(keys):
        known.put(key, value)
        latest[key] = value
        latest.move_to_end(key)

    assert list(known.items()) == list(latest.items())[-most:]
