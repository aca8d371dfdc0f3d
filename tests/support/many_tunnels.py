"""Many tunnels through a gate, data flowing in all of them, and newcomers beside them, in one event loop.

As a program, for another network: `many_tunnels.py GATE_PORT TARGET_PORT COUNT` prints a line when data flow, and ends
at the end of its standard input, with status 0 if nothing was lost and nobody refused.
"""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from support.raw_client import CONNECT
from support.upstream import SECONDS

_COMING = 2  # newcomers at a time
_MESSAGE = 64  # bytes
_AT_ONCE = 100  # tunnels that are opened
_PAUSE_SECONDS = 0.05  # between two messages of a tunnel: the processor is for others, too


class Echo(asyncio.Protocol):
    """Sends everything back."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


@contextlib.asynccontextmanager
async def echoing(listening: socket.socket) -> AsyncIterator[None]:
    """A server on this socket that sends everything back."""
    server = await asyncio.get_running_loop().create_server(Echo, sock=listening, backlog=1024)
    try:
        yield
    finally:
        server.close()


class Tunnel:
    """One tunnel to an Echo, and the bytes that it has carried each way."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._sent = b""
        self.carried = 0

    @classmethod
    async def open(cls, port: int) -> Self:
        """Open a tunnel through the gate on this port. Raises OSError if it refuses the connection or the request."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(CONNECT)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise ConnectionRefusedError(head.decode())
        return cls(reader, writer)

    def send(self) -> None:
        """Send a message that no other has."""
        self._sent = f"{id(self)} {self.carried} ".encode().ljust(_MESSAGE, b".")
        self._writer.write(self._sent)

    async def receive(self) -> None:
        """Read the message back. Raises AssertionError if something else comes, IncompleteReadError if less does."""
        assert await self._reader.readexactly(_MESSAGE) == self._sent
        self.carried += _MESSAGE

    async def close(self) -> None:
        """End it from the client's side, and wait for the other side's end."""
        self._writer.write_eof()
        assert await self._reader.read() == b""
        self._writer.close()


class ManyTunnels:
    """`count` tunnels through the gate on `port`: an asynchronous context manager.

    Data flows in all of them, and newcomers open and close a tunnel each, until its end. A tunnel that is refused or
    broken off, or data that are lost, raise in `more` and at the end.
    """

    def __init__(self, port: int, count: int) -> None:
        self.newcomers = 0
        self._port = port
        self._count = count
        self._rounds = 0
        self._tunnels: list[Tunnel] = []
        self._working: list[asyncio.Task[None]] = []
        self._ending = False

    async def __aenter__(self) -> Self:
        for start in range(0, self._count, _AT_ONCE):
            number = min(_AT_ONCE, self._count - start)
            self._tunnels += await asyncio.gather(*(Tunnel.open(self._port) for _ in range(number)))
        self._working = [
            asyncio.create_task(self._flow()),
            *(asyncio.create_task(self._come()) for _ in range(_COMING)),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending = True
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(*self._working)
            for tunnel in self._tunnels:
                await tunnel.close()

    async def more(self, *, rounds: int = 0, newcomers: int = 0) -> None:
        """Wait until each tunnel has carried so many more messages, and so many more newcomers have come and gone."""
        rounds, newcomers = self._rounds + rounds, self.newcomers + newcomers
        async with asyncio.timeout(SECONDS):
            while self._rounds < rounds or self.newcomers < newcomers:
                for task in self._working:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.01)

    @property
    def carried(self) -> int:
        """The bytes that all tunnels have carried each way, the newcomers' among them."""
        return sum(tunnel.carried for tunnel in self._tunnels) + self.newcomers * _MESSAGE

    async def _flow(self) -> None:
        while not self._ending:
            for tunnel in self._tunnels:
                tunnel.send()
            for tunnel in self._tunnels:
                await tunnel.receive()
            self._rounds += 1
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _come(self) -> None:
        while not self._ending:
            tunnel = await Tunnel.open(self._port)
            tunnel.send()
            await tunnel.receive()
            await tunnel.close()
            self.newcomers += 1
            await asyncio.sleep(_PAUSE_SECONDS / 5)


async def main(gate_port: int, target_port: int, count: int) -> None:
    """Run the target and the tunnels until standard input ends."""
    with socket.create_server(("127.0.0.1", target_port)) as listening:
        async with echoing(listening), ManyTunnels(gate_port, count) as tunnels:
            await tunnels.more(rounds=1, newcomers=1)
            print("data flow", flush=True)
            await asyncio.to_thread(sys.stdin.read)
            await tunnels.more(rounds=1, newcomers=1)


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
