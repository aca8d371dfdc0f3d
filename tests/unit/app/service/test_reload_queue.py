"""Requests for reloads share a run, but only one that begins after them."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from licensegate.app.service.control_protocol import Reply
from licensegate.app.service.reload_queue import ReloadQueue
from licensegate.records.requester import Requester

SIGHUP, ROOT = Requester(signal="SIGHUP"), Requester(0)


class Reloads:
    """Reloads that a test lets end, and who asked for each."""

    def __init__(self) -> None:
        self.begun: list[tuple[tuple[Requester, ...], bool]] = []
        self.ends: list[asyncio.Event] = []

    async def __call__(self, requesters: tuple[Requester, ...], defaults: bool) -> Reply:
        self.begun.append((requesters, defaults))
        self.ends.append(asyncio.Event())
        number = len(self.begun)
        await self.ends[-1].wait()
        return Reply(True, f"reload {number}")

    async def have_begun(self, number: int) -> None:
        while len(self.begun) < number:
            await asyncio.sleep(0)

    def end(self) -> None:
        self.ends[-1].set()


def run(story: Callable[[Reloads, ReloadQueue], Awaitable[None]]) -> None:
    async def main() -> None:
        reloads = Reloads()
        await story(reloads, ReloadQueue(reloads))

    asyncio.run(main())


def test_requests_while_a_reload_runs_share_one_more() -> None:
    async def story(reloads: Reloads, queue: ReloadQueue) -> None:
        first = queue.request(SIGHUP)
        await reloads.have_begun(1)
        others = [queue.request(SIGHUP) for _ in range(200)] + [queue.request(ROOT)]
        reloads.end()
        await reloads.have_begun(2)
        reloads.end()

        assert await first == Reply(True, "reload 1")
        assert set(map(str, await asyncio.gather(*others))) == {str(Reply(True, "reload 2"))}
        assert reloads.begun == [((SIGHUP,), False), ((SIGHUP, ROOT), False)]

    run(story)


def test_requests_before_a_reload_begins_share_it() -> None:
    async def story(reloads: Reloads, queue: ReloadQueue) -> None:
        replies = [queue.request(SIGHUP), queue.request(ROOT, defaults=True)]
        await reloads.have_begun(1)
        reloads.end()

        assert [reply.message for reply in await asyncio.gather(*replies)] == ["reload 1", "reload 1"]
        assert reloads.begun == [((SIGHUP, ROOT), True)]

    run(story)


def test_a_requester_who_leaves_does_not_cancel_the_reload() -> None:
    async def story(reloads: Reloads, queue: ReloadQueue) -> None:
        leaving, staying = queue.request(Requester(1)), queue.request(Requester(2))
        await reloads.have_begun(1)
        leaving.cancel()
        reloads.end()

        assert (await staying).ok

    run(story)


def test_a_fault_in_a_reload_is_a_refusal_and_the_next_one_runs(caplog: pytest.LogCaptureFixture) -> None:
    async def story(reloads: Reloads, queue: ReloadQueue) -> None:
        failing = ReloadQueue(lambda requesters, defaults: fail())

        assert await failing.request(SIGHUP) == Reply(False, "a fault in the gate ended the reload; see its log")
        assert not (await failing.request(SIGHUP)).ok

    async def fail() -> Reply:
        raise IndexError("of ours")

    run(story)

    assert "IndexError: of ours" in caplog.text


def test_other_work_runs_while_no_reload_does() -> None:
    async def story(reloads: Reloads, queue: ReloadQueue) -> None:
        first = queue.request(ROOT)
        await reloads.have_begun(1)
        working = asyncio.Event()

        async def work() -> Reply:
            working.set()
            second = queue.request(SIGHUP)
            await asyncio.sleep(0)
            assert len(reloads.begun) == 1
            seconds.append(second)
            return Reply(True, "worked")

        seconds: list[asyncio.Future[Reply]] = []
        other = asyncio.ensure_future(queue.alone(work))
        await asyncio.sleep(0)
        assert not working.is_set()
        reloads.end()
        assert (await first, await other) == (Reply(True, "reload 1"), Reply(True, "worked"))
        await reloads.have_begun(2)
        reloads.end()
        assert await seconds[0] == Reply(True, "reload 2")

    run(story)
