"""Look-ups in progress: waiters, time limits, threads, errors."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from unittest.mock import patch

import pytest

from licensegate.proxy.dial.look_up_shares import LookUpShares
from licensegate.proxy.dial.resolution import Resolution, Resolved, Unresolved
from licensegate.records.outcome import Outcome
from support.resolver_harness import (
    CLIENT,
    NAME,
    NOT_FOUND,
    ONE,
    TIMED_OUT,
    TWO,
    NameServer,
    ResolverClock,
    ResolverHarness,
    must_not_be_called,
)
from support.sockets import run, until
from support.upstream import SECONDS


def test_concurrent_waiters_share_one_look_up(name_server: NameServer) -> None:
    async def main() -> None:
        name_server.hang(NAME)
        asker = ResolverHarness(name_server)
        loop = asyncio.get_running_loop()
        with patch.object(loop, "call_later", wraps=loop.call_later) as timers:
            answers = [asker.ask_later() for _ in range(10)]
        assert timers.call_count == 1
        name_server.hanging[NAME].set()
        await until(lambda: all(answers))
        await asker.settle()
        assert answers == [[ONE]] * 10
        assert name_server.asked == [NAME]
        assert asker.finished == 1, "the end-of-batch work runs once, after all of them"

    run(main())


def test_a_hanging_name_times_out_without_delaying_others(name_server: NameServer) -> None:
    async def main() -> None:
        name_server.hang("slow.test")
        asker = ResolverHarness(name_server, timeout_seconds=0.05)
        slow = asker.ask_later("slow.test")
        assert await asker.ask("quick.test") == ONE
        await until(lambda: slow)
        assert slow == [TIMED_OUT]
        assert asker.resolver.look_up("slow.test", CLIENT, must_not_be_called) == TIMED_OUT, (
            "a timeout is cached as a failure"
        )

        name_server.hanging["slow.test"].set()
        await asker.settle()
        assert await asker.ask("slow.test") == ONE, "a late answer counts"
        assert name_server.asked.count("slow.test") == 1
        assert len(slow) == 1

    run(main())


def test_a_hanging_name_has_one_look_up_in_flight(name_server: NameServer, clock: ResolverClock) -> None:
    async def main() -> None:
        name_server.hang(NAME)
        asker = ResolverHarness(name_server, timeout_seconds=0.01, failure_seconds=5)
        for _ in range(3):
            assert await asker.ask() == TIMED_OUT
            clock.now += 6
        assert name_server.asked == [NAME]

    run(main())


def test_the_number_of_look_ups_in_flight_is_limited(name_server: NameServer) -> None:
    async def main() -> None:
        asker = ResolverHarness(name_server)
        asker.resolver._shares = LookUpShares(3, reserved=0)
        for number in range(3):
            name_server.hang(f"slow{number}.test")
            asker.ask_later(f"slow{number}.test", f"192.0.2.{number}")
        refused = asker.resolver.look_up("one.too.many.test", CLIENT, must_not_be_called)
        assert isinstance(refused, Unresolved)
        assert refused.outcome is Outcome.DNS_FAILED
        assert len(name_server.asked) <= 3
        name_server.hanging["slow0.test"].set()
        await until(lambda: asker.resolver._shares.taken < 3)
        assert await asker.ask("one.too.many.test") == ONE

    run(main())


def test_hanging_names_of_one_client_leave_another_its_look_up(name_server: NameServer) -> None:
    async def main() -> None:
        asker = ResolverHarness(name_server)
        names = [f"slow{number}.test" for number in range(100)]
        for name in names:
            name_server.hang(name)
            asker.resolver.look_up(name, CLIENT, lambda answer: None)
        answers = asker.ask_later("quick.test", "192.0.2.77")
        await until(lambda: answers)
        assert answers == [ONE]
        for name in names:
            name_server.hanging[name].set()
        await asker.settle()
        assert asker.resolver._shares.taken == 0
        assert await asker.ask() == ONE

    run(main())


def test_a_forgotten_waiter_is_not_called(name_server: NameServer) -> None:
    async def main() -> None:
        name_server.hang(NAME)
        asker = ResolverHarness(name_server)
        gone: list[Resolution] = []
        waiter = gone.append
        assert asker.resolver.look_up(NAME, CLIENT, waiter) is None
        staying = asker.ask_later()
        asker.resolver.forget(NAME, waiter)
        asker.resolver.forget(NAME, waiter)
        asker.resolver.forget("unheard.of.test", waiter)
        name_server.hanging[NAME].set()
        await until(lambda: staying)
        assert not gone

    run(main())


def test_a_fault_in_a_look_up_fails_only_that_name(caplog: pytest.LogCaptureFixture) -> None:
    def faulty(name: str) -> Resolution:
        if name == NAME:
            raise ZeroDivisionError
        return ONE

    async def main() -> None:
        asker = ResolverHarness(faulty)
        answer = await asker.ask()
        assert isinstance(answer, Unresolved)
        assert answer.outcome is Outcome.DNS_FAILED
        assert await asker.ask("other.test") == ONE

    run(main())
    assert any(record.levelno == logging.ERROR and record.exc_info for record in caplog.records)


def test_a_look_up_without_a_thread_fails_and_works_later(
    name_server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def main() -> None:
        asker = ResolverHarness(name_server)
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refuse)
            refused = asker.resolver.look_up(NAME, CLIENT, must_not_be_called)
        assert isinstance(refused, Unresolved)
        assert refused.outcome is Outcome.DNS_FAILED
        assert await asker.ask() == ONE

    run(main())


def test_an_answer_after_the_end_of_the_loop_is_ignored(
    name_server: NameServer, recwarn: pytest.WarningsRecorder
) -> None:
    async def main() -> None:
        name_server.hang(NAME)
        ResolverHarness(name_server).ask_later()

    run(main())
    thread = next(thread for thread in threading.enumerate() if thread.name == f"look-up {NAME}")
    name_server.hanging[NAME].set()
    thread.join(SECONDS)
    assert not thread.is_alive()
    assert not recwarn


class HalfAnswer:
    """Answers ONE at once, and TWO when the test ends it."""

    def __init__(self) -> None:
        self.end = threading.Event()

    def __call__(self, name: str) -> Iterator[Resolution]:
        yield ONE
        self.end.wait(SECONDS)
        yield TWO


@pytest.mark.parametrize("fresh_seconds", [60, 0])
def test_addresses_that_come_late_are_for_the_next_look_up(fresh_seconds: float) -> None:
    async def main() -> None:
        server = HalfAnswer()
        asker = ResolverHarness(NameServer(ONE), fresh_seconds=fresh_seconds)
        asker.resolver._ask = server
        answers = asker.ask_later()
        await until(lambda: answers)
        assert asker.resolver.look_up(NAME, CLIENT, must_not_be_called) == ONE, "nobody waits for the late ones"
        server.end.set()
        await asker.settle()
        assert asker.resolver._names[NAME].good == TWO
        assert asker.resolver.results == {None: 1}

    run(main())


@pytest.mark.parametrize(
    ("so_far", "last", "then"),
    [
        pytest.param(Resolved(("192.0.2.3",), may_change=True), TWO, TWO, id="addresses, then more"),
        pytest.param(Unresolved(Outcome.DNS_NOT_FOUND, may_change=True), NOT_FOUND, None, id="missing"),
        pytest.param(Unresolved(Outcome.DNS_NOT_FOUND, may_change=True), TWO, TWO, id="missing, then addresses"),
    ],
)
@pytest.mark.parametrize("past", [61, 3600], ids=["while it is renewed", "when it is old"])
def test_an_answer_that_may_change_replaces_no_whole_one(
    clock: ResolverClock, past: int, so_far: Resolution, last: Resolution, then: Resolution | None
) -> None:
    async def main() -> None:
        asker = ResolverHarness(NameServer(ONE), fresh_seconds=60)
        await asker.ask()
        end = threading.Event()

        def renew(_: str) -> Iterator[Resolution]:
            yield so_far
            end.wait(SECONDS)
            yield last

        asker.resolver._ask = renew
        clock.now += past
        known = asker.resolver._names[NAME]
        asker.resolver.look_up(NAME, CLIENT, lambda _: None)
        await until(lambda: known.in_flight and known.answered)
        assert known.good == ONE
        assert asker.resolver.look_up(NAME, CLIENT, must_not_be_called) == ONE
        end.set()
        await asker.settle()
        assert known.good == then

    run(main())
