import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest

from licensegate.proxy.net import poller as poller_module
from licensegate.proxy.net.gate_loop import BatchSelector, GateLoop
from licensegate.proxy.net.poller import READ, WRITE, Poller
from support.sockets import turns, until
from support.upstream import SECONDS

T = TypeVar("T")
Ends = tuple[socket.socket, socket.socket]


class Owner:
    """Calls a function for each event."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.act = act
        self.calls = 0

    def ready(self, descriptor: int, events: int) -> None:
        self.calls += 1
        self.act()

    def crashed(self, error: Exception) -> None:
        raise error


def run(main: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=GateLoop) as runner:
        return runner.run(asyncio.wait_for(main, SECONDS))


@contextlib.contextmanager
def poller_in_loop(batch_done: Callable[[], None] = lambda: None) -> Iterator[Poller]:
    poller = Poller(asyncio.get_running_loop(), batch_done)
    try:
        yield poller
    finally:
        poller.stop()


@contextlib.contextmanager
def busy_tunnels(poller: Poller) -> Iterator[None]:
    """Two tunnels that are ready all the time."""
    sockets = socket.socketpair()
    for sock in sockets:
        poller.watch(sock.fileno(), WRITE, Owner(lambda: None))
    yield
    for sock in sockets:
        poller.forget(sock.fileno())
        sock.close()


def test_tunnels_are_served_without_a_turn_of_asyncio(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio_turns: list[int] = []
    select = BatchSelector.select

    def counted(selector: BatchSelector, timeout: float | None = None) -> Any:
        asyncio_turns.append(owner.calls)
        return select(selector, timeout)

    async def main() -> None:
        done = asyncio.Event()

        def pass_on() -> None:
            ends[0].recv(1)
            if owner.calls < 100:
                ends[1].send(b"x")
            else:
                done.set()

        owner.act = pass_on
        with poller_in_loop() as poller:
            poller.watch(ends[0].fileno(), READ, owner)
            ends[1].send(b"x")
            await done.wait()

    owner = Owner(lambda: None)
    monkeypatch.setattr(BatchSelector, "select", counted)
    run(main())
    assert not {turn for turn in asyncio_turns if 1 < turn < 100}


@pytest.mark.parametrize("seconds", [None, 0.01], ids=["call_soon", "call_later"])
def test_what_a_tunnel_schedules_is_called(ends: Ends, seconds: float | None) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        called = asyncio.Event()

        def schedule() -> None:
            ends[0].recv(1)
            if seconds is None:
                loop.call_soon(called.set)
            else:
                loop.call_later(seconds, called.set)

        with poller_in_loop() as poller:
            poller.watch(ends[0].fileno(), READ, Owner(schedule))
            loop.call_later(0.01, ends[1].send, b"x")
            assert await called.wait()

    run(main())


def test_a_task_that_a_tunnel_makes_runs(ends: Ends) -> None:
    async def main() -> None:
        tasks: list[asyncio.Task[str]] = []

        def make() -> None:
            ends[0].recv(1)
            tasks.append(asyncio.ensure_future(asyncio.sleep(0.001, "whole")))

        with poller_in_loop() as poller:
            poller.watch(ends[0].fileno(), READ, Owner(make))
            asyncio.get_running_loop().call_later(0.01, ends[1].send, b"x")
            await until(lambda: tasks)
            assert await tasks[0] == "whole"

    run(main())


def test_asyncio_has_its_turns_beside_busy_tunnels(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    """Timers, descriptors and threads, even where each batch is full."""
    monkeypatch.setattr(poller_module, "_BATCH", 1)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with poller_in_loop() as poller, busy_tunnels(poller):
            await asyncio.sleep(0.01)
            loop.call_later(0.01, ends[1].send, b"x")
            assert await loop.sock_recv(ends[0], 1) == b"x"
            assert await asyncio.to_thread(os.getpid) == os.getpid()

    run(main())


def test_asyncio_has_its_turns_beside_quiet_tunnels(ends: Ends) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with poller_in_loop() as poller:
            quiet = Owner(lambda: None)
            poller.watch(ends[1].fileno(), READ, quiet)
            await asyncio.sleep(0.01)
            loop.call_later(0.01, ends[1].send, b"x")
            assert await loop.sock_recv(ends[0], 1) == b"x"
            assert await asyncio.to_thread(os.getpid) == os.getpid()
            assert not quiet.calls

    run(main())


def test_tunnels_have_their_turns_beside_a_busy_asyncio(ends: Ends) -> None:
    async def main() -> None:
        owner = Owner(lambda: ends[0].recv(1))
        with poller_in_loop() as poller:
            poller.watch(ends[0].fileno(), READ, owner)
            ends[1].send(b"x")
            await turns(3)
            assert owner.calls == 1

    run(main())


def test_a_signal_ends_the_wait() -> None:
    async def main() -> None:
        taken = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, taken.set)
        with poller_in_loop():
            loop.call_later(0.01, os.kill, os.getpid(), signal.SIGUSR1)
            assert await taken.wait()

    run(main())


def test_a_batch_whose_end_raises_is_logged_and_the_loop_goes_on(ends: Ends, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        faults = [OSError("no more")]

        def fail_once() -> None:
            if faults:
                raise faults.pop()

        with poller_in_loop(fail_once) as poller:
            owner = Owner(lambda: ends[0].recv(1))
            poller.watch(ends[0].fileno(), READ, owner)
            ends[1].send(b"x")
            await until(lambda: owner.calls == 1)
            ends[1].send(b"x")
            await until(lambda: owner.calls == 2)

    run(main())
    assert [record.getMessage() for record in caplog.records] == ["a fault in the gate ended a batch"]


def test_a_tunnel_may_stop_the_poller(ends: Ends) -> None:
    async def main() -> None:
        poller = Poller(asyncio.get_running_loop(), lambda: None)
        owner = Owner(poller.stop)
        poller.watch(ends[0].fileno(), WRITE, owner)
        await until(lambda: owner.calls)
        await asyncio.sleep(0.01)
        assert owner.calls == 1

    run(main())


def test_a_loop_serves_a_second_poller_and_the_next_after_a_stop(ends: Ends) -> None:
    async def both_serve() -> None:
        with poller_in_loop() as first, poller_in_loop() as second:
            served = [Owner(lambda: ends[0].recv(1)), Owner(lambda: ends[1].recv(1))]
            first.watch(ends[0].fileno(), READ, served[0])
            second.watch(ends[1].fileno(), READ, served[1])
            for end in ends:
                end.send(b"x")
            await until(lambda: all(owner.calls for owner in served))
            assert [owner.calls for owner in served] == [1, 1]

    async def main() -> None:
        await both_serve()
        await both_serve()

    run(main())
