"""Parent proxies within a test's event loop, each connection of which goes as the test says, and dials through them."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.proxy.dial.dialer import PendingDial
from licensegate.proxy.dial.resolver import Resolution, Resolved
from licensegate.proxy.dial.settings import DialSettings
from licensegate.proxy.parent.selector import ParentSelector
from licensegate.proxy.parent.settings import ParentLogin, ParentProxy, ParentSettings
from licensegate.records.outcome import Outcome
from support.inner import counting_poller
from support.inner_dialer import HOST, PUBLIC, Caller, Room
from support.sockets import turns, until

OPENED = b"HTTP/1.1 200 Connection established\r\n\r\n"
CLOSING = b"Content-Length: 2\r\nConnection: close\r\n\r\nno"


class Talk:
    """One connection as the parent sees it."""

    def __init__(self, parent: "ScriptedParent", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._parent = parent
        self._reader = reader
        self._writer = writer

    async def head(self) -> str:
        """The next request; its head is also kept by the parent."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self._parent.heads.append(head)
        return head

    def say(self, *parts: bytes) -> None:
        """Answer."""
        self._writer.write(b"".join(parts))

    async def credentials(self) -> str:
        """The next request's credentials, empty if it has none."""
        lines = (await self.head()).split("\r\n")
        return next((line.partition(": ")[2] for line in lines if line.startswith("Proxy-Authorization")), "")

    async def open(self, *said: bytes) -> None:
        """Be the tunnel, which returns what it is sent."""
        self.say(OPENED, *said)
        while data := await self._reader.read(65536):
            self.say(data)

    async def hold(self) -> None:
        """Say nothing until the gate ends the connection."""
        while await self._reader.read(65536):
            pass

    def reset(self) -> None:
        """Break off."""
        self._writer.transport.abort()


Behaviour = Callable[[Talk], Awaitable[None]]


async def opens(talk: Talk) -> None:
    """Open a tunnel for whoever asks."""
    await talk.head()
    await talk.open()


def answers(answer: bytes) -> Behaviour:
    """Answer the first request with this, and close."""

    async def behave(talk: Talk) -> None:
        await talk.head()
        talk.say(answer)

    return behave


def wants(right: str, challenge: bytes) -> Behaviour:
    """Open a tunnel for these credentials, and challenge all others on the same connection."""

    async def behave(talk: Talk) -> None:
        while await talk.credentials() != right:
            talk.say(b"HTTP/1.1 407 Login\r\nProxy-Authenticate: " + challenge + b"\r\nContent-Length: 2\r\n\r\nno")
        await talk.open()

    return behave


class ScriptedParent:
    """A proxy on a free port of this host. `heads` are the requests so far, `connections` counts those accepted."""

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
            await self.behaviour(Talk(self, reader, writer))
        except (asyncio.IncompleteReadError, OSError):
            pass
        except Exception as failure:
            self.failures.append(failure)
        finally:
            writer.close()

    @contextlib.asynccontextmanager
    async def serve(self, context: ssl.SSLContext | None = None) -> AsyncIterator["ScriptedParent"]:
        """Serve, and see at the end that nothing went wrong here."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.end()
        assert self.failures == []

    def end(self) -> None:
        """Break off whatever is open."""
        for writer in self._writers:
            writer.transport.abort()

    def settings(self, login: ParentLogin | None = None, **other: Any) -> ParentProxy:
        """The gate's settings for this parent."""
        return ParentProxy("127.0.0.1", self.port, login=login or ParentLogin(), **other)

    @property
    def credentials(self) -> list[str]:
        """Those of each request, empty where there were none."""
        return [head.partition("Proxy-Authorization: ")[2].partition("\r\n")[0] for head in self.heads]


class Parents:
    """A route within the running loop. Names are what `names` says; `asked` are those that were looked up."""

    def __init__(self, room: Room, parents: Sequence[ParentProxy], dial: dict[str, Any]) -> None:
        self.room = room
        self.asked: list[str] = []
        self.callers: list[Caller] = []
        self.set(parents, **dial)

    def set(self, parents: Sequence[ParentProxy], *, direct: bool = False, **dial: Any) -> None:
        """Take these settings, as a reload does."""
        former = getattr(self, "route", None)
        settings = ParentSettings(tuple(parents), direct=direct)
        self.room.dialer.__init__(  # type: ignore[misc]
            asyncio.get_running_loop(), self.room.poller, self.room.resolver, self.room.loop_guard, DialSettings(**dial)
        )
        self.route = ParentSelector(self.room.dialer, settings, former)

    def start(self, port: int = 443, rule: Rule = PUBLIC, host: str = HOST) -> tuple[Caller, PendingDial]:
        """Dial."""
        caller = Caller(self.room.poller)
        self.callers.append(caller)
        pending = self.route.prepare(Target(host, port), rule, caller)
        pending.start()
        return caller, pending

    async def dial(self, port: int = 443, rule: Rule = PUBLIC, host: str = HOST) -> Caller:
        """Dial, and wait for what becomes of it."""
        caller, _ = self.start(port, rule, host)
        await until(lambda: caller.done)
        await turns(5)
        return caller

    async def outcome(self, **where: Any) -> Outcome:
        """Dial, and tell why it failed."""
        caller = await self.dial(**where)
        assert caller.upstream is None
        assert caller.crashes == []
        ((outcome, _),) = caller.failed
        return outcome

    async def opened(self, **where: Any) -> Caller:
        """Dial, and see that the tunnel is one."""
        caller = await self.dial(**where)
        assert caller.failed == []
        assert caller.crashes == []
        assert caller.upstream is not None
        return caller

    async def assert_nothing_left(self) -> None:
        """No task, look-up or watched descriptor outlives its dial."""
        await turns(20)
        assert not self.room.poller._owners
        left = [
            task
            for task in asyncio.all_tasks()
            if "ParentDial" in repr(task.get_coro()) or "ConnectAttempt" in repr(task.get_coro())
        ]
        assert left == []

    def close(self) -> None:
        """Close what was connected."""
        for caller in self.callers:
            if caller.upstream is not None:
                caller.upstream.close()


@contextlib.contextmanager
def route(*parents: ParentProxy, names: Mapping[str, Resolution] | None = None, **dial: Any) -> Iterator[Parents]:
    """A route through these parents."""
    known: Mapping[str, Resolution] = {HOST: Resolved(("192.0.2.80",))} if names is None else names
    with counting_poller() as poller:
        asked: list[str] = []

        class Names(dict[str, Resolution]):
            def __getitem__(self, name: str) -> Resolution:
                asked.append(name)
                return super().__getitem__(name)

        made = Parents(Room(poller, Names(known), DialSettings()), parents, dial)
        made.asked = asked
        try:
            yield made
        finally:
            made.close()


def password_file(folder: Path, password: str = "secret") -> Path:
    """A file with a password in it."""
    file = folder / "parent.secret"
    file.write_text(f"{password}\n")
    return file
