"""A dialer in a test's event loop, its caller, and servers to dial."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.proxy.dial.dialer import Dialer, DirectDial
from licensegate.proxy.dial.loop_guard import LoopGuard
from licensegate.proxy.dial.resolution import Resolution, Resolved
from licensegate.proxy.dial.resolver import Resolver
from licensegate.proxy.dial.settings import DialSettings, DnsSettings
from licensegate.proxy.net.channel import Channel
from licensegate.records.outcome import Outcome
from licensegate.records.record import open_record
from support.resolver_harness import once
from support.sockets import turns, until
from support.tunnel_harness import CountingPoller, counting_poller
from support.upstream import closed_port

HOST = "target.test"
PUBLIC = Rule(HOST)
PRIVATE = Rule(HOST, private=True)


class DialCaller:
    """The caller of a dial, and the result it got."""

    def __init__(self, poller: CountingPoller) -> None:
        self.record = open_record("192.0.2.9", 1, "127.0.0.1:3128")
        self.poller = poller
        self.upstream: Any = None  # a socket, or one seen through TLS
        self.failed: list[tuple[Outcome, str]] = []
        self.crashes: list[Exception] = []
        self.received = b""

    def connected(self, upstream: Channel, received: bytes = b"") -> None:
        assert self.upstream is None
        self.upstream = upstream
        self.received = received
        self.poller.forget(upstream.fileno())

    def dial_failed(self, outcome: Outcome, detail: str) -> None:
        self.failed.append((outcome, detail))

    def crashed(self, error: Exception) -> None:
        self.crashes.append(error)

    @property
    def done(self) -> bool:
        return bool(self.upstream or self.failed or self.crashes)

    @property
    def tried(self) -> list[tuple[str, str]]:
        return [(attempt.address, attempt.errno) for attempt in self.record.attempts]


class DialHarness:
    """A dialer in the running loop. `names` is what its resolver answers."""

    def __init__(self, poller: CountingPoller, names: dict[str, Resolution], settings: DialSettings) -> None:
        loop = asyncio.get_running_loop()
        self.poller = poller
        self.loop_guard = LoopGuard()
        self.resolver = Resolver(loop, DnsSettings(timeout_seconds=0.05), poller.finish_batch, once(names.__getitem__))
        self.dialer = Dialer(loop, poller, self.resolver, self.loop_guard, settings)

    def dial(self, port: int, rule: Rule = PRIVATE, host: str = HOST) -> tuple[DialCaller, DirectDial]:
        caller = DialCaller(self.poller)
        pending = self.dialer.prepare(Target(host, port), rule, caller)
        pending.start()
        return caller, pending

    async def finish(self, port: int, rule: Rule = PRIVATE, host: str = HOST) -> DialCaller:
        caller, _ = self.dial(port, rule, host)
        await until(lambda: caller.done)
        await turns(5)
        return caller


@contextlib.contextmanager
def open_dial_harness(*addresses: str, settings: DialSettings | None = None) -> Iterator[DialHarness]:
    with counting_poller() as poller:
        yield DialHarness(poller, {HOST: Resolved(addresses)}, settings or DialSettings())


class LoopbackServer:
    """A listening socket on a loopback address, by default at a port that is free on every other address, too."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.create_server((host, port or closed_port()), family=family)
        self.sock.setblocking(False)
        self.port: int = self.sock.getsockname()[1]
        self.connections: list[socket.socket] = []

    def accept(self) -> list[str]:
        """Accept what waits, and return the peer addresses of all connections so far."""
        with contextlib.suppress(BlockingIOError):
            while True:
                connection, _ = self.sock.accept()
                connection.setblocking(False)
                self.connections.append(connection)
        return [str(connection.getpeername()[0]) for connection in self.connections]

    def close(self) -> None:
        for sock in (self.sock, *self.connections):
            sock.close()
