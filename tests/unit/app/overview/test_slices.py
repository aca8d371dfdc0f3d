"""Long work in slices: complete, in order, and with turns for the event loop."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from licensegate.app.overview import slices
from licensegate.app.overview.slices import gathered, in_order
from support.sockets import run


@pytest.mark.parametrize("number", [0, 1, 299, 300, 301, 1000])
def test_sorting_in_parts_is_sorting(number: int) -> None:
    items = [(each * 7919) % 1009 for each in range(number)]

    assert run(in_order(items, lambda each: each)) == sorted(items)


def test_equal_items_keep_their_order() -> None:
    items = [(each % 3, each) for each in range(1000)]

    assert run(in_order(items, lambda each: each[0])) == sorted(items, key=lambda each: each[0])


def test_the_loop_runs_between_slices() -> None:
    async def main() -> None:
        turns: list[int] = []

        def items() -> Iterator[int]:
            for each in range(3):
                time.sleep(2 * slices._SLICE_SECONDS)
                yield each

        asyncio.get_running_loop().call_soon(turns.append, 1)
        assert await gathered(items()) == [0, 1, 2]
        assert turns

    run(main())
