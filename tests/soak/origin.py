"""The target of every tunnel: it takes and sends as many bytes as the client asks for, and counts them by kind.

A client begins with a ClientHello. The line behind it says what comes next: `KIND UP DOWN THEN`, where THEN is `mark`
(the origin sends MARK once it has all), `client-first` (it sends MARK when the client has ended its side),
`origin-first` (it ends its side and takes the rest), or `contact` (both go on as TLS does).
"""

import asyncio
import contextlib
import secrets
import socket
from collections import defaultdict
from collections.abc import AsyncIterator

from msgspec import Struct

from support.client_hellos import hello_message, in_records, server_name_extension
from support.tls_streams import CCS, HANDSHAKE, data, record, server_hello

HOST = "tools.cisco.com"
MARK = b"."
CHUNK = 65536


def hello(name: str = HOST) -> bytes:
    """A ClientHello with a random of its own: two equal ones at a time would be a loop."""
    return in_records(hello_message(server_name_extension(name.encode()), random=secrets.token_bytes(32)))


HELLO_BYTES = len(hello())
SERVER_FLIGHT = record(HANDSHAKE, server_hello(0x0304)) + CCS + data(23, 843, 281, 69)
CLIENT_FINISHED = CCS + data(69) + data(400)
SERVER_ANSWER = data(250, 250, 517)
"""A contact as the gate sees it, without the encryption: its records tell that the target answered."""


class Carried(Struct):
    """Connections, and bytes that were received and sent."""

    connections: int = 0
    received: int = 0
    sent: int = 0


class Origin:
    """The server, and what each kind of client has carried to it."""

    def __init__(self) -> None:
        self.carried: dict[str, Carried] = defaultdict(Carried)
        self.port = 0

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["Origin"]:
        """Serve on a free port of 127.0.0.1."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512, limit=CHUNK)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carried = self.carried["none"]
        try:
            begun = await reader.readexactly(HELLO_BYTES)
            line = await reader.readline()
            kind, up, down, then = line.decode().split()
            carried = self.carried[kind]
            carried.connections += 1
            carried.received += len(begun) + len(line)
            await self._carry(carried, int(up), int(down), then, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError, ValueError):
            pass  # a client that breaks off, or the end of the soak
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _carry(
        self,
        carried: Carried,
        up: int,
        down: int,
        then: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        if then == "contact":
            await _send(carried, SERVER_FLIGHT, writer)
            await _take(carried, len(CLIENT_FINISHED), reader)
            await _send(carried, SERVER_ANSWER, writer)
            return
        await asyncio.gather(_take(carried, up, reader), _send(carried, bytes(down), writer))
        match then:
            case "mark":
                await _send(carried, MARK, writer)
            case "client-first":
                await _take_all(carried, reader)
                await _send(carried, MARK, writer)
                return
            case "origin-first":
                writer.write_eof()
        await _take_all(carried, reader)


async def _take(carried: Carried, size: int, reader: asyncio.StreamReader) -> None:
    while size:
        part = await reader.read(min(size, CHUNK))
        if not part:
            raise asyncio.IncompleteReadError(b"", size)
        carried.received += len(part)
        size -= len(part)


async def _take_all(carried: Carried, reader: asyncio.StreamReader) -> None:
    while part := await reader.read(CHUNK):
        carried.received += len(part)


async def _send(carried: Carried, content: bytes, writer: asyncio.StreamWriter) -> None:
    for start in range(0, len(content), CHUNK):
        part = content[start : start + CHUNK]
        writer.write(part)
        await writer.drain()
        carried.sent += len(part)


def refusing_port() -> socket.socket:
    """A socket whose port refuses connections as long as it is open."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound
