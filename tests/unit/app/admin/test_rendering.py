"""Pages rendered bit by bit, and shared by their readers."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from licensegate.app.admin import rendering as module
from licensegate.app.admin.page import PageAnswer
from licensegate.app.admin.rendering import Rendered, SharedRenderings, joined
from licensegate.app.overview import slices
from support.sockets import run, turns

ANSWER = PageAnswer(b"")
KEY = ("/page", "en")


class Page:
    """A page that the test finishes."""

    def __init__(self) -> None:
        self.rendered = 0
        self.finish = asyncio.Event()

    async def render(self) -> Rendered:
        self.rendered += 1
        number = self.rendered
        await self.finish.wait()
        return ANSWER, str(number).encode()


def test_the_loop_runs_between_slow_pieces() -> None:
    async def main() -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        def pieces() -> Iterator[bytes]:
            for number in range(20):
                seen.append(ticks)
                time.sleep(2 * slices._SLICE_SECONDS)
                yield b"%d," % number

        seen: list[int] = []
        ticking = asyncio.create_task(tick())
        body = await joined(pieces())
        ticking.cancel()

        assert body == b"".join(b"%d," % number for number in range(20))
        assert len(set(seen)) == 20, "a turn of the loop between any two pieces"

    run(main())


def test_requests_share_a_rendering_until_the_last_has_been_sent() -> None:
    async def main() -> None:
        page, renderings = Page(), SharedRenderings()
        with renderings.rendering(KEY, page.render) as first:
            with renderings.rendering(KEY, page.render) as second:
                assert second is first
            page.finish.set()
            assert await first.result == (ANSWER, b"1")
            with renderings.rendering(KEY, page.render) as third:
                assert third is first
        with renderings.rendering(KEY, page.render) as later:
            assert await later.result == (ANSWER, b"2")

    run(main())


def test_an_old_rendering_is_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SHARED_SECONDS", -1)

    async def main() -> None:
        page, renderings = Page(), SharedRenderings()
        page.finish.set()
        with renderings.rendering(KEY, page.render) as old, renderings.rendering(KEY, page.render) as new:
            assert (await old.result, await new.result) == ((ANSWER, b"1"), (ANSWER, b"2"))

    run(main())


def test_a_request_that_leaves_does_not_stop_the_rendering_of_others() -> None:
    async def main() -> None:
        page, renderings = Page(), SharedRenderings()

        async def ask() -> Rendered:
            with renderings.rendering(KEY, page.render) as rendering:
                return await asyncio.shield(rendering.result)

        leaving, staying = asyncio.create_task(ask()), asyncio.create_task(ask())
        await turns(5)
        leaving.cancel()
        await turns(5)
        page.finish.set()
        assert await staying == (ANSWER, b"1")
        assert page.rendered == 1

    run(main())
