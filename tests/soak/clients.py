"""What each kind of client does on one connection, and the bytes that it sent and received.

Each kind connects from an address of its own, so that its records can be told from the others'. `exact` kinds end in
good order: what they sent and received has to be what the gate wrote down, to the byte.
"""

import asyncio
import contextlib
import functools
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

from msgspec import Struct

from support.logins import basic, digest

from .doors import MOST_HEAD_BYTES, REFUSING, Doors
from .origin import CHUNK, CLIENT_FINISHED, HOST, MARK, SERVER_ANSWER, SERVER_FLIGHT, hello

_HEAD_END = b"\r\n\r\n"
_SMALL_UP, _SMALL_DOWN = 400, 900
_LARGE = 1_500_000  # far beyond where the gate splices
_SECONDS = 60
"""How long a client waits for anything: no soak that is in order reaches it."""


class Behaved(Struct):
    """Connections of one kind, those that sent a byte, and bytes."""

    connections: int = 0
    spoke: int = 0
    sent: int = 0
    received: int = 0


class Line:
    """One connection of a client, which counts its bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behaved: Behaved) -> None:
        self._reader = reader
        self._writer = writer
        self._behaved = behaved
        self._has_spoken = False

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        if not self._has_spoken:
            self._has_spoken = True
            self._behaved.spoke += 1
        for start in range(0, len(data), CHUNK):
            part = data[start : start + CHUNK]
            self._writer.write(part)
            self._behaved.sent += len(part)
            await self._writer.drain()

    async def head(self) -> bytes:
        """Read an answer's head. Raises IncompleteReadError if the gate ends first."""
        head = await self._reader.readuntil(_HEAD_END)
        self._behaved.received += len(head)
        return head

    async def receive(self, size: int) -> bytes:
        """Read exactly so many bytes."""
        last = b""
        while size:
            last = await self._reader.read(min(size, CHUNK))
            if not last:
                raise asyncio.IncompleteReadError(b"", size)
            self._behaved.received += len(last)
            size -= len(last)
        return last

    async def rest(self) -> int:
        """Read to the end. Returns how much it was."""
        size = 0
        while part := await self._reader.read(CHUNK):
            size += len(part)
        self._behaved.received += size
        return size

    def end(self) -> None:
        """End this side."""
        self._writer.write_eof()

    def reset(self) -> None:
        """Break the connection off."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class Door(Struct, frozen=True):
    """Where a kind connects to and from."""

    port: int
    source: str
    host: str = "127.0.0.1"
    tls: bool = False

    @contextlib.asynccontextmanager
    async def line(self, behaved: Behaved) -> AsyncIterator[Line]:
        """Connect, and close at the end."""
        context = _any_certificate() if self.tls else None
        reader, writer = await asyncio.open_connection(
            self.host, self.port, ssl=context, local_addr=(self.source, 0), limit=CHUNK
        )
        behaved.connections += 1
        try:
            async with asyncio.timeout(_SECONDS):
                yield Line(reader, writer, behaved)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


Act = Callable[[Line, str], Awaitable[None]]
"""What a client does on its connection; it gets the name of its kind, to tell it to the origin."""


class Kind(Struct, frozen=True):
    """A kind of client. `address` is the one in its records; `exact` as above. `branch`: it uses the other gate."""

    name: str
    door: Door
    address: str
    act: Act
    exact: bool = True
    branch: bool = False


@functools.cache
def _any_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def request(target: str = f"{HOST}:443", more: str = "") -> bytes:
    """A CONNECT."""
    return f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{more}\r\n".encode()


async def established(line: Line, more: str = "") -> None:
    """Open a tunnel."""
    await line.send(request(more=more))
    head = await line.head()
    assert head.startswith(b"HTTP/1.1 200 "), head


async def ask_origin(line: Line, kind: str, up: int, down: int, then: str) -> None:
    """Send what the origin expects, and both ways at once what was announced."""
    await line.send(hello() + f"{kind} {up} {down} {then}\n".encode())
    if up or down:
        await asyncio.gather(line.send(bytes(up)), line.receive(down))


# Good clients


async def small(line: Line, kind: str, more: str = "") -> None:
    await established(line, more)
    await ask_origin(line, kind, _SMALL_UP, _SMALL_DOWN, "mark")
    assert await line.receive(1) == MARK


async def large(line: Line, kind: str) -> None:
    await established(line)
    await ask_origin(line, kind, _LARGE, _LARGE, "mark")
    assert await line.receive(1) == MARK


async def contact(line: Line, kind: str) -> None:
    """A contact that the target answers."""
    await established(line)
    await ask_origin(line, kind, 0, 0, "contact")
    await line.receive(len(SERVER_FLIGHT))
    await line.send(CLIENT_FINISHED)
    await line.receive(len(SERVER_ANSWER))
    assert await line.rest() == 0


async def straight(line: Line, kind: str) -> None:
    """TLS straight to the target, without a CONNECT."""
    await ask_origin(line, kind, _SMALL_UP, _SMALL_DOWN, "mark")
    assert await line.receive(1) == MARK


async def client_first(line: Line, kind: str) -> None:
    """The client ends its side, and the origin answers to that."""
    await established(line)
    await ask_origin(line, kind, _SMALL_UP, _SMALL_DOWN, "client-first")
    line.end()
    assert await line.receive(1) == MARK
    assert await line.rest() == 0


async def origin_first(line: Line, kind: str) -> None:
    """The origin ends its side, and the client goes on."""
    await established(line)
    await ask_origin(line, kind, _SMALL_UP, _SMALL_DOWN, "origin-first")
    assert await line.rest() == 0
    await line.send(bytes(_SMALL_UP))
    line.end()


async def idle(line: Line, kind: str) -> None:
    """Say nothing for a while in the middle."""
    await established(line)
    await line.send(hello())
    await asyncio.sleep(1)
    await line.send(f"{kind} {_SMALL_UP} {_SMALL_DOWN} mark\n".encode())
    await asyncio.gather(line.send(bytes(_SMALL_UP)), line.receive(_SMALL_DOWN))
    assert await line.receive(1) == MARK


async def with_basic(line: Line, kind: str) -> None:
    await small(line, kind, f"Proxy-Authorization: {basic()}\r\n")


class DigestLogin:
    """Logs in by Digest: one connection gets the challenge, the next one answers it."""

    def __init__(self) -> None:
        self._challenge = ""

    async def __call__(self, line: Line, kind: str) -> None:
        """Ask for a challenge, or answer the last one."""
        if self._challenge:
            await small(line, kind, f"Proxy-Authorization: {digest(self._challenge)}\r\n")
            self._challenge = ""
            return
        await line.send(request())
        fields = (await line.head()).decode("latin-1").split("\r\n")
        self._challenge = next(field.partition(": ")[2] for field in fields if "Digest" in field)
        await line.rest()


async def balanced_v1(line: Line, kind: str) -> None:
    await line.send(b"PROXY TCP4 10.1.0.1 192.0.2.1 4711 443\r\n")
    await small(line, kind)


async def balanced_v2(line: Line, kind: str) -> None:
    addresses = socket.inet_aton("10.1.0.2") + socket.inet_aton("192.0.2.1") + struct.pack("!HH", 4711, 443)
    await line.send(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + addresses)
    await small(line, kind)


# Bad clients


async def refused(line: Line, _kind: str, *, sent: bytes) -> None:
    """Send something that is refused, and read the refusal."""
    await line.send(sent)
    await line.rest()


async def wrong_name(line: Line, _kind: str) -> None:
    """Send a hello for another host into the tunnel, and read the alert."""
    await established(line)
    await line.send(hello("evil.example"))
    await line.rest()


async def no_tls(line: Line, _kind: str) -> None:
    await established(line)
    await line.send(b"GET / HTTP/1.1\r\n\r\n")
    await line.rest()


class Resetting:
    """Breaks off at one stage after the other."""

    def __init__(self) -> None:
        self._next = 0

    async def __call__(self, line: Line, kind: str) -> None:
        """Break off at the next stage."""
        stage = self._next
        self._next = (stage + 1) % 7
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._until(stage, line, kind)
        line.reset()

    async def _until(self, stage: int, line: Line, kind: str) -> None:
        match stage:
            case 0:
                await line.send(request()[:20])
            case 1:
                await line.send(request())
            case 2:
                await line.send(request() + hello())
            case 3:
                await established(line)
            case 4:
                await established(line)
                await line.send(hello()[:100])
            case 5:
                await established(line)
                await line.send(hello() + f"{kind} 0 {_LARGE} mark\n".encode())
                await line.receive(_LARGE // 2)
            case _:
                await established(line)
                await line.send(hello() + f"{kind} {_LARGE} 0 mark\n".encode() + bytes(_LARGE // 2))


# Slow clients


async def dripping(line: Line, _kind: str, *, sent: bytes) -> None:
    """Send a byte at a time until the gate has waited long enough, and read what it says."""

    async def drip() -> None:
        with contextlib.suppress(OSError):
            for byte in sent:
                await line.send(bytes((byte,)))
                await asyncio.sleep(0.1)

    drops = asyncio.create_task(drip())
    with contextlib.suppress(OSError):
        await line.rest()
    drops.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await drops


async def dripping_hello(line: Line, kind: str) -> None:
    await established(line)
    await dripping(line, kind, sent=hello())


async def silent(line: Line, _kind: str) -> None:
    """Never send a byte."""
    await line.rest()


async def not_reading(line: Line, kind: str) -> None:
    """Ask for much and read nothing of it."""
    await established(line)
    await line.send(hello() + f"{kind} 0 {4 * _LARGE} mark\n".encode())
    await asyncio.sleep(1)
    line.reset()


def kinds(doors: Doors) -> list[Kind]:
    """Every kind of client, each at its door."""
    rows: list[tuple[str, Act, bool]] = [
        ("small", small, True),
        ("large", large, True),
        ("contact", contact, True),
        ("straight", straight, True),
        ("client-first", client_first, True),
        ("origin-first", origin_first, True),
        ("idle", idle, True),
        ("garbage", functools.partial(refused, sent=b"\x05\x01\x00" + bytes(range(64))), False),
        ("denied", functools.partial(refused, sent=request("evil.example:443")), True),
        ("refusing", functools.partial(refused, sent=request(f"{REFUSING}:443")), True),
        ("oversize", functools.partial(refused, sent=request(more=f"X: {'x' * MOST_HEAD_BYTES}\r\n")), False),
        ("wrong-name", wrong_name, False),
        ("no-tls", no_tls, False),
        ("resetting", Resetting(), False),
        ("slow-head", functools.partial(dripping, sent=request()), False),
        ("slow-hello", dripping_hello, False),
        ("silent", silent, False),
        ("not-reading", not_reading, False),
    ]
    found = []
    for number, (name, act, exact) in enumerate(rows, 1):
        source = f"127.0.1.{number}"
        found.append(Kind(name, Door(doors.plain, source), source, act, exact))
    for number, (name, act) in enumerate([("tls-small", small), ("tls-large", large), ("tls-contact", contact)], 101):
        source = f"127.0.1.{number}"
        found.append(Kind(name, Door(doors.plain, source, tls=True), source, act))
    wrong = functools.partial(refused, sent=request(more=f"Proxy-Authorization: {basic(password='guess')}\r\n"))
    return [
        *found,
        Kind("ipv6", Door(doors.ipv6, "::1", "::1"), "::1", small),
        Kind("basic", Door(doors.plain, "127.0.2.1"), "127.0.2.1", with_basic),
        Kind("digest", Door(doors.plain, "127.0.2.2"), "127.0.2.2", DigestLogin()),
        Kind("wrong-password", Door(doors.plain, "127.0.2.3"), "127.0.2.3", wrong),
        Kind("balanced-v1", Door(doors.balanced, "127.0.3.1"), "10.1.0.1", balanced_v1),
        Kind("balanced-v2", Door(doors.balanced, "127.0.3.2"), "10.1.0.2", balanced_v2),
        Kind("via-parent", Door(doors.branch.port, "127.0.5.1"), "127.0.5.1", small, branch=True),
        Kind("via-parent-large", Door(doors.branch.port, "127.0.5.2"), "127.0.5.2", large, branch=True),
    ]
