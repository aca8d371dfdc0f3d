"""Which answers the resolver caches, and for how long."""

import pytest

from licensegate.proxy.dial import resolver as resolver_module
from licensegate.proxy.dial.resolution import Unresolved
from support.resolver_harness import (
    CLIENT,
    FAILED,
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


def test_a_fresh_answer_needs_no_look_up(name_server: NameServer, clock: ResolverClock) -> None:
    async def main() -> None:
        asker = ResolverHarness(name_server, fresh_seconds=60)
        await asker.ask()
        clock.now += 59
        assert asker.resolver.look_up(NAME, CLIENT, must_not_be_called) == ONE
        assert name_server.asked == [NAME]

    run(main())


def test_a_stale_answer_is_used_and_renewed_in_the_background(clock: ResolverClock) -> None:
    async def main() -> None:
        server = NameServer(ONE, TWO)
        asker = ResolverHarness(server, fresh_seconds=60)
        await asker.ask()
        clock.now += 61
        assert asker.resolver.look_up(NAME, CLIENT, must_not_be_called) == ONE
        await asker.settle()
        assert asker.resolver.look_up(NAME, CLIENT, must_not_be_called) == TWO
        assert len(server.asked) == 2

    run(main())


def test_an_old_answer_is_looked_up_again(clock: ResolverClock) -> None:
    async def main() -> None:
        asker = ResolverHarness(NameServer(ONE, TWO), fresh_seconds=60)
        await asker.ask()
        clock.now += 121
        assert asker.ask_later() == []
        assert await asker.ask() == TWO

    run(main())


def test_a_failure_is_cached_for_a_while(clock: ResolverClock) -> None:
    async def main() -> None:
        server = NameServer(FAILED, ONE)
        asker = ResolverHarness(server, failure_seconds=5)
        assert await asker.ask() == FAILED
        clock.now += 4
        assert asker.resolver.look_up(NAME, CLIENT, must_not_be_called) == FAILED
        assert len(server.asked) == 1
        clock.now += 2
        assert await asker.ask() == ONE

    run(main())


@pytest.mark.parametrize("failure", [FAILED, TIMED_OUT], ids=["fails", "is silent"])
def test_the_last_good_answer_serves_while_the_resolver_fails(clock: ResolverClock, failure: Unresolved) -> None:
    async def main() -> None:
        server = NameServer(ONE, failure)
        asker = ResolverHarness(server, fresh_seconds=60, last_good_seconds=86400, failure_seconds=5)
        await asker.ask()
        clock.now += 86399
        assert await asker.ask() == ONE
        assert asker.resolver.look_up(NAME, CLIENT, must_not_be_called) == ONE, "the failure is cached, and hidden"
        assert len(server.asked) == 2
        clock.now += 6
        assert await asker.ask() == failure

    run(main())


def test_a_failed_renewal_is_not_repeated_at_every_look_up(clock: ResolverClock) -> None:
    async def main() -> None:
        server = NameServer(ONE, FAILED)
        asker = ResolverHarness(server, fresh_seconds=60, failure_seconds=5)
        await asker.ask()
        clock.now += 61
        for _ in range(5):
            assert asker.resolver.look_up(NAME, CLIENT, must_not_be_called) == ONE
            await asker.settle()
        assert len(server.asked) == 2

    run(main())


@pytest.mark.parametrize("past", [61, 121], ids=["in the background", "while a caller waits"])
def test_a_name_that_no_longer_exists_loses_its_good_answer(clock: ResolverClock, past: int) -> None:
    async def main() -> None:
        asker = ResolverHarness(NameServer(ONE, NOT_FOUND, FAILED), fresh_seconds=60, failure_seconds=5)
        await asker.ask()
        clock.now += past
        asker.resolver.look_up(NAME, CLIENT, lambda answer: None)
        await asker.settle()
        assert await asker.ask() == NOT_FOUND
        clock.now += 6
        assert await asker.ask() == FAILED, "the answer from before the name was gone no longer counts"

    run(main())


def test_the_name_cache_is_bounded_but_keeps_look_ups_in_flight(
    name_server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver_module, "_CACHED_NAMES", 8)

    async def main() -> None:
        name_server.hang("slow.test")
        asker = ResolverHarness(name_server)
        answers = asker.ask_later("slow.test")
        for number in range(40):
            await asker.ask(f"name{number}.test")
        assert len(asker.resolver._names) <= 8
        name_server.hanging["slow.test"].set()
        await until(lambda: answers)
        asked = len(name_server.asked)
        assert await asker.ask("slow.test") == ONE
        assert await asker.ask("name39.test") == ONE
        assert len(name_server.asked) == asked, "what was asked last is remembered"

    run(main())
