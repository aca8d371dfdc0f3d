"""Reads in threads: one at a time, and none that hangs holds up the caller or the end of the program."""

import asyncio
import contextlib
import errno
import threading

import pytest

from licensegate.files.off_loop import OffLoop


def test_a_read_returns_its_result_or_raises_its_error() -> None:
    def fail() -> None:
        raise FileNotFoundError("gone")

    async def main() -> None:
        off_loop = OffLoop()
        assert await off_loop.run(lambda: "content") == "content"
        with pytest.raises(FileNotFoundError, match="gone"):
            await off_loop.run(fail)

    asyncio.run(main())


def test_the_loop_runs_on_while_a_read_hangs() -> None:
    async def main() -> None:
        hangs = threading.Event()
        reading = asyncio.create_task(OffLoop().run(hangs.wait))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not reading.done()
        hangs.set()
        assert await reading

    asyncio.run(main())


def test_reads_that_hang_do_not_pile_up_threads() -> None:
    """Each caller has given up; the next read begins once the one that hung has ended."""

    async def main() -> None:
        hangs, off_loop = threading.Event(), OffLoop()
        before = threading.active_count()
        for _ in range(5):
            reading = asyncio.create_task(off_loop.run(hangs.wait))
            await asyncio.sleep(0)
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
            assert threading.active_count() <= before + 1

        later = asyncio.create_task(off_loop.run(lambda: "content"))
        await asyncio.sleep(0)
        hangs.set()
        assert await later == "content"

    asyncio.run(main())


def test_a_read_that_hangs_does_not_hold_up_the_end_of_the_loop() -> None:
    hangs = threading.Event()

    async def main() -> str:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                await OffLoop().run(hangs.wait)
        return "ended"

    assert asyncio.run(main()) == "ended"
    hangs.set()


def test_a_brief_read_gives_up_and_later_ones_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        answers, off_loop = threading.Event(), OffLoop()

        def hang() -> str:
            answers.wait()
            return "content"

        assert await off_loop.run_briefly(lambda: "content", "old") == "content"
        with monkeypatch.context() as patch:
            patch.setattr("licensegate.files.off_loop._BRIEFLY_SECONDS", 0.01)
            assert await off_loop.run_briefly(hang, "old") == "old"
        assert off_loop.hangs
        assert await off_loop.run_briefly(lambda: "content", "old") == "old"
        answers.set()
        while off_loop.hangs:
            await asyncio.sleep(0)
        assert await off_loop.run_briefly(lambda: "content", "old") == "content"

    asyncio.run(main())


def test_a_mount_that_times_out_is_the_reads_error() -> None:
    def time_out() -> str:
        raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")

    async def main() -> None:
        with pytest.raises(TimeoutError, match="Connection timed out"):
            await OffLoop().run_briefly(time_out, "old")

    asyncio.run(main())


def test_a_read_that_hangs_leaves_places_for_others() -> None:
    async def main() -> None:
        hangs, off_loop = threading.Event(), OffLoop(at_most=2)
        hung = [asyncio.create_task(off_loop.run(hangs.wait))]
        await asyncio.sleep(0)
        assert await off_loop.run(lambda: "content") == "content"
        hung.append(asyncio.create_task(off_loop.run(hangs.wait)))
        third = asyncio.create_task(off_loop.run(lambda: "third"))
        await asyncio.sleep(0)
        for task in hung:
            task.cancel()
        assert (await asyncio.wait(hung))[0] == set(hung)
        assert not third.done()
        hangs.set()
        assert await third == "third"

    asyncio.run(main())


@pytest.mark.parametrize("result", ["content", None])
def test_a_late_result_is_passed_on_once_it_is_read(result: str | None) -> None:
    async def main() -> list[str]:
        answers, off_loop, unwanted = threading.Event(), OffLoop(), list[str]()

        def read() -> str:
            answers.wait()
            if result is None:
                raise FileNotFoundError
            return result

        reading = asyncio.create_task(off_loop.run(read, unwanted.append))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait({reading})
        answers.set()
        await off_loop.run(lambda: None)  # waits for the first one's place
        return unwanted

    assert asyncio.run(main()) == ([] if result is None else [result])
