"""A resolver in a test's event loop, and a name server for it."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from licensegate.proxy.dial.resolution import Resolution, Resolved, Unresolved
from licensegate.proxy.dial.resolver import Resolver
from licensegate.proxy.dial.settings import DnsSettings
from licensegate.records.outcome import Outcome
from support.sockets import turns, until
from support.upstream import SECONDS

ONE = Resolved(("192.0.2.1",))

TWO = Resolved(("192.0.2.2", "2001:db8::2"))

FAILED = Unresolved(Outcome.DNS_FAILED, "temporary failure")

NOT_FOUND = Unresolved(Outcome.DNS_NOT_FOUND)

TIMED_OUT = Unresolved(Outcome.DNS_TIMEOUT)

NAME = "tools.test"

CLIENT = "192.0.2.9"


def once(answer: Callable[[str], Resolution]) -> Callable[[str], Iterator[Resolution]]:
    """Ask by this function, which answers once."""

    def ask(name: str) -> Iterator[Resolution]:
        yield answer(name)

    return ask


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


class ResolverHarness:
    """Asks a resolver, and keeps the answers to its waiters."""

    def __init__(self, server: Callable[[str], Resolution], **settings: float) -> None:
        self.finished = 0
        self.resolver = Resolver(asyncio.get_running_loop(), DnsSettings(**settings), self._finish, once(server))

    def _finish(self) -> None:
        self.finished += 1

    async def ask(self, name: str = NAME) -> Resolution:
        answers: list[Resolution] = []
        known = self.resolver.look_up(name, CLIENT, answers.append)
        if known is not None:
            return known
        await until(lambda: answers and not self._is_ending(name))
        await turns(5)
        assert len(answers) == 1
        return answers[0]

    def _is_ending(self, name: str) -> bool:
        """Whether a look-up has answered, but its thread has not ended."""
        known = self.resolver._names[name]
        return known.in_flight and known.answered

    def ask_later(self, name: str = NAME, client: str = CLIENT) -> list[Resolution]:
        answers: list[Resolution] = []
        assert self.resolver.look_up(name, client, answers.append) is None
        return answers

    async def settle(self) -> None:
        """Wait until no look-up is in progress."""
        await until(lambda: self.resolver._shares.taken == 0)


class ResolverClock:
    """The resolver's clock, set by the test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now
