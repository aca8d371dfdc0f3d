import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from unittest.mock import patch

import pytest

from licensegate.proxy.dial import resolver as resolver_module
from licensegate.proxy.dial.resolver import Resolution, Resolved, Resolver, Unresolved, system_look_up
from licensegate.proxy.dial.settings import DnsSettings
from licensegate.records.outcome import Outcome
from support.sockets import run, turns, until
from support.upstream import SECONDS

ONE = Resolved(("192.0.2.1",))
TWO = Resolved(("192.0.2.2", "2001:db8::2"))
FAILED = Unresolved(Outcome.DNS_FAILED, "temporary failure")
NOT_FOUND = Unresolved(Outcome.DNS_NOT_FOUND)
TIMED_OUT = Unresolved(Outcome.DNS_TIMEOUT)
NAME = "tools.test"


def must_not_be_called(answer: Resolution) -> None:
    """A waiter that must not be called."""
    pytest.fail(f"called with {answer}")


class NameServer:
    """Answers with each of `answers`, then always the last; a name in `hanging` waits for its event."""

    def __init__(self, *answers: Resolution) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.hanging: dict[str, threading.Event] = {}

    def __call__(self, name: str) -> Resolution:
        self.asked.append(name)
        if name in self.hanging:
            self.hanging[name].wait(SECONDS)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def hang(self, name: str) -> None:
        self.hanging[name] = threading.Event()


class Clock:
    """The resolver's clock, set by the test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(resolver_module, "time", clock)
    return clock


class Asker:
    """Asks a resolver, and keeps the answers to its waiters."""

    def __init__(self, server: Callable[[str], Resolution], **settings: float) -> None:
        self.finished = 0
        self.resolver = Resolver(asyncio.get_running_loop(), DnsSettings(**settings), self._finish, server)

    def _finish(self) -> None:
        self.finished += 1

    async def ask(self, name: str = NAME) -> Resolution:
        answers: list[Resolution] = []
        known = self.resolver.look_up(name, answers.append)
        if known is not None:
            return known
        await until(lambda: answers)
        await turns(5)
        assert len(answers) == 1
        return answers[0]

    def ask_later(self, name: str = NAME) -> list[Resolution]:
        answers: list[Resolution] = []
        assert self.resolver.look_up(name, answers.append) is None
        return answers

    async def settle(self) -> None:
        """Wait until no look-up is in progress."""
        await until(lambda: self.resolver._in_flight == 0)


@pytest.fixture
def server() -> Iterator[NameServer]:
    server = NameServer(ONE)
    yield server
    for event in server.hanging.values():
        event.set()


def test_concurrent_waiters_share_one_look_up(server: NameServer) -> None:
    async def main() -> None:
        server.hang(NAME)
        asker = Asker(server)
        loop = asyncio.get_running_loop()
        with patch.object(loop, "call_later", wraps=loop.call_later) as timers:
            answers = [asker.ask_later() for _ in range(10)]
        assert timers.call_count == 1
        server.hanging[NAME].set()
        await until(lambda: all(answers))
        await asker.settle()
        assert answers == [[ONE]] * 10
        assert server.asked == [NAME]
        assert asker.finished == 1, "the end-of-batch work runs once, after all of them"

    run(main())


def test_a_fresh_answer_needs_no_look_up(server: NameServer, clock: Clock) -> None:
    async def main() -> None:
        asker = Asker(server, fresh_seconds=60)
        await asker.ask()
        clock.now += 59
        assert asker.resolver.look_up(NAME, must_not_be_called) == ONE
        assert server.asked == [NAME]

    run(main())


def test_a_stale_answer_is_used_and_renewed_in_the_background(clock: Clock) -> None:
    async def main() -> None:
        server = NameServer(ONE, TWO)
        asker = Asker(server, fresh_seconds=60)
        await asker.ask()
        clock.now += 61
        assert asker.resolver.look_up(NAME, must_not_be_called) == ONE
        await asker.settle()
        assert asker.resolver.look_up(NAME, must_not_be_called) == TWO
        assert len(server.asked) == 2

    run(main())


def test_an_old_answer_is_looked_up_again(clock: Clock) -> None:
    async def main() -> None:
        asker = Asker(NameServer(ONE, TWO), fresh_seconds=60)
        await asker.ask()
        clock.now += 121
        assert asker.ask_later() == []
        assert await asker.ask() == TWO

    run(main())


def test_a_failure_is_cached_for_a_while(clock: Clock) -> None:
    async def main() -> None:
        server = NameServer(FAILED, ONE)
        asker = Asker(server, failure_seconds=5)
        assert await asker.ask() == FAILED
        clock.now += 4
        assert asker.resolver.look_up(NAME, must_not_be_called) == FAILED
        assert len(server.asked) == 1
        clock.now += 2
        assert await asker.ask() == ONE

    run(main())


@pytest.mark.parametrize("failure", [FAILED, TIMED_OUT], ids=["fails", "is silent"])
def test_the_last_good_answer_serves_while_the_resolver_fails(clock: Clock, failure: Unresolved) -> None:
    async def main() -> None:
        server = NameServer(ONE, failure)
        asker = Asker(server, fresh_seconds=60, last_good_seconds=86400, failure_seconds=5)
        await asker.ask()
        clock.now += 86399
        assert await asker.ask() == ONE
        assert asker.resolver.look_up(NAME, must_not_be_called) == ONE, "the failure is cached, and hidden"
        assert len(server.asked) == 2
        clock.now += 6
        assert await asker.ask() == failure

    run(main())


def test_a_failed_renewal_is_not_repeated_at_every_look_up(clock: Clock) -> None:
    async def main() -> None:
        server = NameServer(ONE, FAILED)
        asker = Asker(server, fresh_seconds=60, failure_seconds=5)
        await asker.ask()
        clock.now += 61
        for _ in range(5):
            assert asker.resolver.look_up(NAME, must_not_be_called) == ONE
            await asker.settle()
        assert len(server.asked) == 2

    run(main())


@pytest.mark.parametrize("past", [61, 121], ids=["in the background", "while a caller waits"])
def test_a_name_that_no_longer_exists_loses_its_good_answer(clock: Clock, past: int) -> None:
    async def main() -> None:
        asker = Asker(NameServer(ONE, NOT_FOUND, FAILED), fresh_seconds=60, failure_seconds=5)
        await asker.ask()
        clock.now += past
        asker.resolver.look_up(NAME, lambda answer: None)
        await asker.settle()
        assert await asker.ask() == NOT_FOUND
        clock.now += 6
        assert await asker.ask() == FAILED, "the answer from before the name was gone no longer counts"

    run(main())


def test_a_hanging_name_times_out_without_delaying_others(server: NameServer) -> None:
    async def main() -> None:
        server.hang("slow.test")
        asker = Asker(server, timeout_seconds=0.05)
        slow = asker.ask_later("slow.test")
        assert await asker.ask("quick.test") == ONE
        await until(lambda: slow)
        assert slow == [TIMED_OUT]
        assert asker.resolver.look_up("slow.test", must_not_be_called) == TIMED_OUT, "a timeout is cached as a failure"

        server.hanging["slow.test"].set()
        await asker.settle()
        assert await asker.ask("slow.test") == ONE, "a late answer counts"
        assert server.asked.count("slow.test") == 1
        assert len(slow) == 1

    run(main())


def test_a_hanging_name_has_one_look_up_in_flight(server: NameServer, clock: Clock) -> None:
    async def main() -> None:
        server.hang(NAME)
        asker = Asker(server, timeout_seconds=0.01, failure_seconds=5)
        for _ in range(3):
            assert await asker.ask() == TIMED_OUT
            clock.now += 6
        assert server.asked == [NAME]

    run(main())


def test_the_number_of_look_ups_in_flight_is_limited(server: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver_module, "_MAX_LOOK_UPS", 3)

    async def main() -> None:
        asker = Asker(server)
        for number in range(3):
            server.hang(f"slow{number}.test")
            asker.ask_later(f"slow{number}.test")
        refused = asker.resolver.look_up("one.too.many.test", must_not_be_called)
        assert isinstance(refused, Unresolved)
        assert refused.outcome is Outcome.DNS_FAILED
        assert len(server.asked) <= 3
        server.hanging["slow0.test"].set()
        await until(lambda: asker.resolver._in_flight < 3)
        assert await asker.ask("one.too.many.test") == ONE

    run(main())


def test_a_forgotten_waiter_is_not_called(server: NameServer) -> None:
    async def main() -> None:
        server.hang(NAME)
        asker = Asker(server)
        gone: list[Resolution] = []
        waiter = gone.append
        assert asker.resolver.look_up(NAME, waiter) is None
        staying = asker.ask_later()
        asker.resolver.forget(NAME, waiter)
        asker.resolver.forget(NAME, waiter)
        asker.resolver.forget("unheard.of.test", waiter)
        server.hanging[NAME].set()
        await until(lambda: staying)
        assert not gone

    run(main())


def test_the_name_cache_is_bounded_but_keeps_look_ups_in_flight(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver_module, "_CACHED_NAMES", 8)

    async def main() -> None:
        server.hang("slow.test")
        asker = Asker(server)
        answers = asker.ask_later("slow.test")
        for number in range(40):
            await asker.ask(f"name{number}.test")
        assert len(asker.resolver._names) <= 8
        server.hanging["slow.test"].set()
        await until(lambda: answers)
        asked = len(server.asked)
        assert await asker.ask("slow.test") == ONE
        assert await asker.ask("name39.test") == ONE
        assert len(server.asked) == asked, "what was asked last is remembered"

    run(main())


def test_a_fault_in_a_look_up_fails_only_that_name(caplog: pytest.LogCaptureFixture) -> None:
    def faulty(name: str) -> Resolution:
        if name == NAME:
            raise ZeroDivisionError
        return ONE

    async def main() -> None:
        asker = Asker(faulty)
        answer = await asker.ask()
        assert isinstance(answer, Unresolved)
        assert answer.outcome is Outcome.DNS_FAILED
        assert await asker.ask("other.test") == ONE

    run(main())
    assert any(record.levelno == logging.ERROR and record.exc_info for record in caplog.records)


def test_a_look_up_without_a_thread_fails_and_works_later(server: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def main() -> None:
        asker = Asker(server)
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refuse)
            refused = asker.resolver.look_up(NAME, must_not_be_called)
        assert isinstance(refused, Unresolved)
        assert refused.outcome is Outcome.DNS_FAILED
        assert await asker.ask() == ONE

    run(main())


def test_an_answer_after_the_end_of_the_loop_is_ignored(server: NameServer, recwarn: pytest.WarningsRecorder) -> None:
    async def main() -> None:
        server.hang(NAME)
        Asker(server).ask_later()

    run(main())
    thread = next(thread for thread in threading.enumerate() if thread.name == f"look-up {NAME}")
    server.hanging[NAME].set()
    thread.join(SECONDS)
    assert not thread.is_alive()
    assert not recwarn


def test_the_system_resolver_knows_localhost() -> None:
    answer = system_look_up("localhost")
    assert isinstance(answer, Resolved)
    assert set(answer.addresses) <= {"127.0.0.1", "::1"}
    assert len(set(answer.addresses)) == len(answer.addresses)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        pytest.param(socket.gaierror(socket.EAI_NONAME, "Name or service not known"), Outcome.DNS_NOT_FOUND, id="no"),
        pytest.param(socket.gaierror(socket.EAI_NODATA, "No address"), Outcome.DNS_NOT_FOUND, id="no address"),
        pytest.param(socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), Outcome.DNS_FAILED, id="again"),
        pytest.param(socket.gaierror(socket.EAI_FAIL, "Failure"), Outcome.DNS_FAILED, id="failure"),
        pytest.param(OSError(24, "Too many open files"), Outcome.DNS_FAILED, id="descriptors"),
    ],
)
def test_errors_of_the_system_resolver_map_to_outcomes(
    monkeypatch: pytest.MonkeyPatch, error: OSError, outcome: Outcome
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    answer = system_look_up(NAME)
    assert isinstance(answer, Unresolved)
    assert answer.outcome is outcome
    if outcome is Outcome.DNS_FAILED:
        assert answer.detail == error.strerror
