"""Scripted parent proxies in a test's event loop, and dials through them."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.proxy.dial.dialer import PendingDial
from licensegate.proxy.dial.resolution import Resolution, Resolved
from licensegate.proxy.dial.settings import DialSettings
from licensegate.proxy.parent.selector import ParentSelector
from licensegate.proxy.parent.settings import ParentAuth, ParentLogin, ParentProxy, ParentSettings
from licensegate.records.outcome import Outcome
from support.dial_harness import HOST, PUBLIC, DialCaller, DialHarness
from support.sockets import turns, until
from support.tunnel_harness import counting_poller

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
CLOSING_BODY = b"Content-Length: 2\r\nConnection: close\r\n\r\nno"
PERSISTENT_BODY = b"Content-Length: 2\r\n\r\nno"
LOGIN_REQUIRED = b"HTTP/1.1 407 Login\r\n"
BASIC = "Basic c3ZjOnNlY3JldA=="  # svc:secret


class GateConnection:
    """One connection as the parent sees it."""

    def __init__(self, parent: "ScriptedParent", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._parent = parent
        self._reader = reader
        self._writer = writer

    async def head(self) -> str:
        """Read the next request; its head is also kept in `ScriptedParent.heads`."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self._parent.heads.append(head)
        return head

    def send(self, *parts: bytes) -> None:
        """Send bytes to the gate."""
        self._writer.write(b"".join(parts))

    async def credentials(self) -> str:
        """Read the next request, and return its credentials, or ""."""
        lines = (await self.head()).split("\r\n")
        return next((line.partition(": ")[2] for line in lines if line.startswith("Proxy-Authorization")), "")

    async def open_tunnel(self, *first: bytes) -> None:
        """Open the tunnel, send these first bytes, then echo what it is sent."""
        self.send(ESTABLISHED, *first)
        while data := await self._reader.read(65536):
            self.send(data)

    async def hold(self) -> None:
        """Stay silent until the gate closes the connection."""
        while await self._reader.read(65536):
            pass

    def reset(self) -> None:
        """Reset the connection."""
        self._writer.transport.abort()


Behaviour = Callable[[GateConnection], Awaitable[None]]


async def open_at_once(gate: GateConnection) -> None:
    """Open a tunnel without a login."""
    await gate.head()
    await gate.open_tunnel()


def answer_once(answer: bytes) -> Behaviour:
    """Send this answer to the first request, and close."""

    async def behave(gate: GateConnection) -> None:
        await gate.head()
        gate.send(answer)

    return behave


def require_credentials(right: str, challenge: bytes) -> Behaviour:
    """Open a tunnel for these credentials, and challenge all others on the same connection."""

    async def behave(gate: GateConnection) -> None:
        while await gate.credentials() != right:
            gate.send(b"HTTP/1.1 407 Login\r\nProxy-Authenticate: " + challenge + b"\r\nContent-Length: 2\r\n\r\nno")
        await gate.open_tunnel()

    return behave


class ScriptedParent:
    """A proxy on a free loopback port. `heads` are the requests so far, `connections` counts accepted connections."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.heads: list[str] = []
        self.connections = 0
        self.port = 0
        self.failures: list[BaseException] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            await self.behaviour(GateConnection(self, reader, writer))
        except (asyncio.IncompleteReadError, OSError):
            pass
        except Exception as failure:
            self.failures.append(failure)
        finally:
            writer.close()

    @contextlib.asynccontextmanager
    async def serve(self, context: ssl.SSLContext | None = None) -> AsyncIterator["ScriptedParent"]:
        """Serve, and assert at the end that the behaviour raised nothing."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.end()
        assert self.failures == []

    def end(self) -> None:
        """Reset every open connection."""
        for writer in self._writers:
            writer.transport.abort()

    def settings(self, password_login: ParentLogin | None = None, **other: Any) -> ParentProxy:
        """The gate's settings for this parent."""
        return ParentProxy("127.0.0.1", self.port, login=password_login or ParentLogin(), **other)

    @property
    def credentials(self) -> list[str]:
        """The credentials of each request, "" for a request without."""
        return [head.partition("Proxy-Authorization: ")[2].partition("\r\n")[0] for head in self.heads]


class ParentDialHarness:
    """A parent selector in the running loop. `looked_up` are the names that its resolver was asked for."""

    def __init__(self, room: DialHarness, parents: Sequence[ParentProxy], dial: dict[str, Any]) -> None:
        self.room = room
        self.looked_up: list[str] = []
        self.callers: list[DialCaller] = []
        self.set(parents, **dial)

    def set(self, parents: Sequence[ParentProxy], *, direct: bool = False, **dial: Any) -> None:
        """Apply these settings, as a reload does."""
        earlier = getattr(self, "selector", None)
        settings = ParentSettings(tuple(parents), direct=direct)
        self.room.dialer.__init__(  # type: ignore[misc]
            asyncio.get_running_loop(), self.room.poller, self.room.resolver, self.room.loop_guard, DialSettings(**dial)
        )
        self.selector = ParentSelector(self.room.dialer, settings, earlier)

    def start(self, port: int = 443, rule: Rule = PUBLIC, host: str = HOST) -> tuple[DialCaller, PendingDial]:
        """Start a dial."""
        caller = DialCaller(self.room.poller)
        self.callers.append(caller)
        pending = self.selector.prepare(Target(host, port), rule, caller)
        pending.start()
        return caller, pending

    async def dial(self, port: int = 443, rule: Rule = PUBLIC, host: str = HOST) -> DialCaller:
        """Dial, and wait for the result."""
        caller, _ = self.start(port, rule, host)
        await until(lambda: caller.done)
        await turns(5)
        return caller

    async def outcome(self, **where: Any) -> Outcome:
        """Dial, and return the outcome of the failure."""
        caller = await self.dial(**where)
        assert caller.upstream is None
        assert caller.crashes == []
        ((outcome, _),) = caller.failed
        return outcome

    async def opened(self, **where: Any) -> DialCaller:
        """Dial, and assert that a tunnel was opened."""
        caller = await self.dial(**where)
        assert caller.failed == []
        assert caller.crashes == []
        assert caller.upstream is not None
        return caller

    async def assert_nothing_left(self) -> None:
        """Assert that no task, look-up or watched descriptor outlives its dial."""
        await turns(20)
        assert not self.room.poller._watched
        left = [
            task
            for task in asyncio.all_tasks()
            if "ParentDial" in repr(task.get_coro()) or "ConnectAttempt" in repr(task.get_coro())
        ]
        assert left == []

    def close(self) -> None:
        """Close all tunnels."""
        for caller in self.callers:
            if caller.upstream is not None:
                caller.upstream.close()


@contextlib.contextmanager
def dial_through(
    *parents: ParentProxy, names: Mapping[str, Resolution] | None = None, **dial: Any
) -> Iterator[ParentDialHarness]:
    """Dials through these parents. `names` is what the resolver answers."""
    known: Mapping[str, Resolution] = {HOST: Resolved(("192.0.2.80",))} if names is None else names
    with counting_poller() as poller:
        looked_up: list[str] = []

        class Names(dict[str, Resolution]):
            def __getitem__(self, name: str) -> Resolution:
                looked_up.append(name)
                return super().__getitem__(name)

        made = ParentDialHarness(DialHarness(poller, Names(known), DialSettings()), parents, dial)
        made.looked_up = looked_up
        try:
            yield made
        finally:
            made.close()


def password_file(folder: Path, password: str = "secret") -> Path:
    """A file with this password."""
    file = folder / "parent.secret"
    file.write_text(f"{password}\n")
    return file


def password_login(folder: Path, auth: str = "auto", *, user: str = "svc", password: str = "secret") -> ParentLogin:
    """A login with a password file in `folder`."""
    return ParentLogin(ParentAuth(auth), user, password_file(folder, password))
