"""Items by size: the largest is found, whatever was put and taken before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.proxy.protocol.by_size import BySize


def test_of_several_with_one_size_the_first_comes_first() -> None:
    items: BySize[str] = BySize()
    for item, size in (("small", 1), ("first", 5), ("second", 5), ("medium", 3)):
        items.put(item, size)

    assert (items.largest(), items.largest_size) == ("first", 5)
    items.take("first", 5)
    assert items.largest() == "second"
    items.take("second", 5)
    assert (items.largest(), items.largest_size) == ("medium", 3)


def test_without_an_item_there_is_no_largest() -> None:
    items: BySize[str] = BySize()
    items.put("only", 7)
    items.take("only", 7)

    assert items.largest_size == 0
    with pytest.raises(StopIteration):
        items.largest()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 20))))
def test_any_story_finds_a_largest_item(story: list[tuple[int, int]]) -> None:
    items: BySize[int] = BySize()
    sizes: dict[int, int] = {}
    for item, size in story:
        if item in sizes:
            items.take(item, sizes.pop(item))
        else:
            items.put(item, size)
            sizes[item] = size
        assert items.largest_size == max(sizes.values(), default=0)
        if sizes:
            assert sizes[items.largest()] == items.largest_size
