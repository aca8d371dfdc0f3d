import asyncio
import logging
import os
import select
import socket
from collections.abc import Callable

import pytest

from licensegate.proxy.net import poller as poller_module
from licensegate.proxy.net.poller import ENDED, ONCE, READ, WRITE, Poller
from support.sockets import run, turns, until, wait_for_end
from support.tunnel_harness import counting_poller


class Owner:
    """Records its events, then calls a function."""

    def __init__(self, act: Callable[[int, int], object] = lambda descriptor, events: None) -> None:
        self._act = act
        self.told: list[tuple[int, int]] = []
        self.crashes: list[Exception] = []

    def ready(self, descriptor: int, events: int) -> None:
        self.told.append((descriptor, events))
        self._act(descriptor, events)

    def crashed(self, error: Exception) -> None:
        self.crashes.append(error)


Ends = tuple[socket.socket, socket.socket]


def test_an_owner_gets_the_descriptor_and_its_events(ends: Ends) -> None:
    async def main() -> None:
        with counting_poller() as poller:
            near, far = ends
            owner = Owner(lambda descriptor, _: poller.forget(descriptor))
            poller.watch(near.fileno(), READ, owner)
            await turns(5)
            assert not owner.told
            far.send(b"x")
            await until(lambda: owner.told)
            assert owner.told == [(near.fileno(), READ & ~ENDED)]

    run(main())


def test_an_end_behind_the_last_bytes_is_reported_with_them(ends: Ends) -> None:
    async def main() -> None:
        with counting_poller() as poller:
            near, far = ends
            owner = Owner(lambda descriptor, _: poller.forget(descriptor))
            poller.watch(near.fileno(), READ, owner)
            far.send(b"x")
            far.shutdown(socket.SHUT_WR)
            wait_for_end(near.fileno())
            await until(lambda: owner.told)
            assert owner.told == [(near.fileno(), READ)]

    run(main())


def test_the_last_to_watch_a_descriptor_owns_it(ends: Ends) -> None:
    async def main() -> None:
        with counting_poller() as poller:
            first = Owner()
            second = Owner(lambda descriptor, _: poller.forget(descriptor))
            poller.watch(ends[0].fileno(), READ, first)
            poller.watch(ends[0].fileno(), WRITE, second)
            await until(lambda: second.told)
            assert second.told == [(ends[0].fileno(), WRITE)]
            assert not first.told

    run(main())


def test_a_forgotten_descriptor_is_not_reported_even_on_errors(ends: Ends) -> None:
    async def main() -> None:
        with counting_poller() as poller:
            owner = Owner()
            poller.watch(ends[0].fileno(), READ | WRITE, owner)
            poller.forget(ends[0].fileno())
            poller.forget(ends[0].fileno())
            ends[1].close()
            await turns()
            assert not owner.told
            assert poller.wake_ups == 0

    run(main())


def test_a_hang_up_is_reported_even_without_other_events(ends: Ends) -> None:
    async def main() -> None:
        with counting_poller() as poller:
            owner = Owner(lambda descriptor, _: poller.forget(descriptor))
            poller.watch(ends[0].fileno(), 0, owner)
            ends[1].send(b"x")
            await turns(20)
            assert not owner.told
            ends[1].close()
            await until(lambda: owner.told)
            assert owner.told[0][1] & (select.EPOLLHUP | select.EPOLLERR)

    run(main())


def test_a_closed_owner_is_not_called_in_the_same_batch(ends: Ends) -> None:
    """Two owners close each other: the second is not called."""

    async def main() -> None:
        with counting_poller() as poller:
            sockets = socket.socketpair()
            told: list[int] = []

            def close_the_other(descriptor: int, _: int) -> None:
                told.append(descriptor)
                poller.forget(descriptor)
                poller.close(next(sock for sock in sockets if sock.fileno() != descriptor))

            for sock in sockets:
                poller.watch(sock.fileno(), WRITE, Owner(close_the_other))
            last = Owner(lambda descriptor, _: poller.forget(descriptor))
            poller.watch(ends[0].fileno(), WRITE, last)
            await until(lambda: told)
            await turns(20)
            assert [sock.fileno() for sock in sockets if sock.fileno() != -1] == told
            assert last.told, "an owner after the closed one still has its turn"
            assert poller.wake_ups == 1
            for sock in sockets:
                sock.close()

    run(main())


def test_a_closed_descriptor_is_not_reused_within_the_batch(ends: Ends) -> None:
    async def main() -> None:
        with counting_poller() as poller:
            old = ends[0].fileno()
            given: list[int] = []

            def close_and_open(*_: int) -> None:
                poller.close(ends[0])
                given.append(os.dup(2))

            poller.watch(old, WRITE, Owner(close_and_open))
            await until(lambda: given)
            assert given[0] != old
            assert ends[0].fileno() == -1
            os.close(given[0])

    run(main())


def test_a_fault_ends_its_owner_only_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        with counting_poller() as poller:

            def fail(descriptor: int, _: int) -> None:
                poller.forget(descriptor)
                raise ZeroDivisionError

            sockets = [socket.socketpair() for _ in range(3)]
            owners = [Owner(fail), Owner(lambda descriptor, _: poller.forget(descriptor)), Owner(fail)]
            for (near, _), owner in zip(sockets, owners, strict=True):
                poller.watch(near.fileno(), WRITE, owner)
            await until(lambda: owners[-1].told)
            assert [len(owner.told) for owner in owners] == [1, 1, 1]
            assert [[type(error) for error in owner.crashes] for owner in owners] == [
                [ZeroDivisionError], [], [ZeroDivisionError],
            ]  # fmt: skip
            assert poller.wake_ups == 1
            for near, far in sockets:
                near.close()
                far.close()

    run(main())
    faults = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(faults) == 2
    assert faults[0].exc_info is not None
    assert faults[0].exc_info[0] is ZeroDivisionError


def test_an_owner_that_fails_to_end_does_not_end_the_batch(caplog: pytest.LogCaptureFixture) -> None:
    class Hopeless(Owner):
        def crashed(self, error: Exception) -> None:
            raise LookupError from error

    async def main() -> None:
        done = []
        with counting_poller(lambda: done.append(1)) as poller:

            def fail(*_: int) -> None:
                raise ZeroDivisionError

            sockets = [socket.socketpair() for _ in range(3)]
            owners = [Hopeless(fail), Owner(lambda descriptor, _: poller.forget(descriptor)), Hopeless(fail)]
            for (near, _), owner in zip(sockets, owners, strict=True):
                poller.watch(near.fileno(), WRITE, owner)
            await until(lambda: owners[-1].told)
            await turns()
            assert [len(owner.told) for owner in owners] == [1, 1, 1], "it is called again and again"
            assert len(done) == poller.wake_ups == 1
            poller.run(owners[0], fail, 0, 0)
            for near, far in sockets:
                near.close()
                far.close()

    run(main())
    assert {record.exc_info[0] for record in caplog.records if record.exc_info} == {ZeroDivisionError, LookupError}


def test_a_batch_is_bounded_and_asyncio_runs_between_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller_module, "_BATCH", 2)

    async def main() -> None:
        with counting_poller() as poller:
            seen: list[int] = []

            def note(descriptor: int, _: int) -> None:
                seen.append(poller.wake_ups)
                poller.forget(descriptor)

            owner = Owner(note)
            sockets = [socket.socketpair() for _ in range(3)]
            for near, _ in sockets:
                poller.watch(near.fileno(), WRITE, owner)
            await until(lambda: len(seen) == 3)
            assert seen == [1, 1, 2]
            for near, far in sockets:
                near.close()
                far.close()

    run(main())


def test_batch_done_runs_once_after_all_calls_of_a_batch(ends: Ends) -> None:
    async def main() -> None:
        order: list[str] = []
        with counting_poller(lambda: order.append("done")) as poller:

            def note(descriptor: int, _: int) -> None:
                order.append("ready")
                poller.forget(descriptor)

            for end in ends:
                poller.watch(end.fileno(), WRITE, Owner(note))
            await until(lambda: order)
            await turns(5)
            assert order == ["ready", "ready", "done"]

    run(main())


def test_run_guards_a_call_like_a_batch() -> None:
    async def main() -> None:
        with counting_poller() as poller:
            owner = Owner()
            poller.run(owner, owner.ready, 1, 2)
            assert owner.told == [(1, 2)]
            poller.run(owner, [].pop)
            assert [type(error) for error in owner.crashes] == [IndexError]

    run(main())


def test_after_the_stop_nothing_is_reported(ends: Ends) -> None:
    async def main() -> None:
        poller = Poller(asyncio.get_running_loop(), lambda: None)
        owner = Owner()
        poller.watch(ends[0].fileno(), WRITE, owner)
        poller.stop()
        await turns(20)
        assert not owner.told

    run(main())


def test_call_again_calls_the_owner_once_in_the_next_batch(ends: Ends) -> None:
    async def main() -> None:
        with counting_poller() as poller:
            seen: list[tuple[int, int]] = []

            def note(descriptor: int, events: int) -> None:
                seen.append((poller.wake_ups, events))
                if len(seen) == 1:
                    ends[0].recv(1)
                if len(seen) < 3:
                    poller.call_again(descriptor)

            poller.watch(ends[0].fileno(), READ, Owner(note))
            ends[1].send(b"x")
            await until(lambda: len(seen) == 3)
            await turns(20)
            assert seen == [(1, READ & ~ENDED), (2, READ & ~ENDED), (3, READ & ~ENDED)]

    run(main())


def test_a_ready_owner_to_be_called_again_is_called_once(ends: Ends) -> None:
    """Calling it twice would mean three times in the next batch, and so on, until no other owner had a turn."""

    async def main() -> None:
        with counting_poller() as poller:
            calls: list[tuple[int, int]] = []

            def note(descriptor: int, events: int) -> None:
                calls.append((poller.wake_ups, events))
                if len(calls) < 20:
                    poller.call_again(descriptor)
                    poller.call_again(descriptor)
                else:
                    poller.forget(descriptor)

            poller.watch(ends[0].fileno(), WRITE, Owner(note))
            await until(lambda: len(calls) == 20)
            batches = [batch for batch, _ in calls]
            assert batches == sorted(set(batches)), "twice in one batch"
            assert calls[0][1] == WRITE
            assert calls[1][1] == (READ & ~ENDED) | WRITE

    run(main())


def test_a_new_owner_does_not_inherit_call_again(ends: Ends) -> None:
    async def main() -> None:
        with counting_poller() as poller:
            first, second = Owner(), Owner()
            descriptor = ends[0].fileno()
            poller.watch(descriptor, READ, first)
            poller.call_again(descriptor)
            poller.forget(descriptor)
            poller.watch(descriptor, READ, second)
            await turns(20)
            assert not first.told
            assert not second.told

    run(main())


def test_a_stop_cancels_call_again(ends: Ends, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        poller = Poller(asyncio.get_running_loop(), lambda: None)
        owner = Owner()
        poller.watch(ends[0].fileno(), READ, owner)
        poller.call_again(ends[0].fileno())
        poller.stop()
        await turns(20)
        assert not owner.told

    run(main())
    assert not caplog.records


def test_a_once_descriptor_is_silent_until_it_is_watched_again(ends: Ends) -> None:
    async def main() -> None:
        with counting_poller() as poller:
            owner = Owner()
            poller.watch(ends[0].fileno(), WRITE | ONCE, owner)
            await until(lambda: owner.told)
            ends[1].close()
            await turns()
            assert owner.told == [(ends[0].fileno(), WRITE)]
            assert poller.wake_ups == 1
            poller.watch(ends[0].fileno(), READ, Owner(lambda descriptor, _: poller.forget(descriptor)))
            await until(lambda: poller.wake_ups == 2)

    run(main())
