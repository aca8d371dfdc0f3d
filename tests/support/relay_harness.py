"""A relay between a client and an upstream that the test plays; the client's side is plain or TLS."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterator

from licensegate.proxy.net.channel import Channel, TlsChannel
from licensegate.proxy.protocol.commands import Establish
from licensegate.proxy.settings import Limits
from licensegate.proxy.tunnel.deadlines import Deadlines
from licensegate.proxy.tunnel.flow import Flow, Pipes
from licensegate.proxy.tunnel.relay import Relay
from licensegate.records.outcome import Outcome
from support.sockets import fill_send_buffer, receive, socket_pair, turns, unread_bytes, until
from support.tls_client import IDENTITY, TlsClient
from support.tls_memory import client_context
from support.tunnel_harness import CountingPoller, counting_poller

IDLE, HALF_CLOSED, LIFETIME = 100, 10, 500
"""Seconds."""


class RelayHarness:
    """A relay. `client` and `upstream` are the peers' sockets, `client_side` and `upstream_side` the relay's."""

    def __init__(
        self, poller: CountingPoller, client: socket.socket, near: Channel, command: Establish, pipes: int, buffer: int
    ) -> None:
        self.poller = poller
        limits = Limits(idle_seconds=IDLE, half_closed_seconds=HALF_CLOSED, lifetime_seconds=LIFETIME)
        self.command = command
        self.deadlines = Deadlines(limits)
        self.client, self.client_side = client, near
        self.upstream_side, self.upstream = socket_pair(buffer=buffer)
        self.pipes = Pipes(pipes)
        self.relay = Relay(poller, self.deadlines, self.pipes, near, self.upstream_side, command, self)
        self.ended: list[tuple[Outcome, str]] = []

    def relay_ended(self, outcome: Outcome, detail: str) -> None:
        self.ended.append((outcome, detail))
        self.relay.close()
        for sock in (self.client_side, self.upstream_side):
            self.poller.close(sock)

    def close(self) -> None:
        self.relay.close()
        self.pipes.close()
        for sock in (self.client, self.client_side, self.upstream_side, self.upstream):
            self.poller.forget(sock.fileno())
            sock.close()

    def sweep(self, now: float) -> None:
        """Sweep the deadlines as the gate does: twice, because a relay that was in use begins again."""
        for _ in range(2):
            for owner, deadline in self.deadlines.sweep(now):
                owner.deadline_passed(deadline)

    @property
    def unread_bytes(self) -> int:
        """The number of bytes that arrived and that the relay has not read."""
        return unread_bytes(self.client_side) + unread_bytes(self.upstream_side)

    async def block(self, writer: socket.socket, flow: Flow) -> int:
        """Write until the relay takes no more. Returns the number of bytes written."""
        sent = 0

        def full() -> bool:
            nonlocal sent
            before = sent
            sent += fill_send_buffer(writer)
            return flow.blocked and sent == before

        await until(full)
        return sent


@contextlib.contextmanager
def open_relay(
    *, to_client: bytes = b"", to_upstream: bytes = b"", pipes: int = 2, buffer: int = 0, begun: bool = True
) -> Iterator[RelayHarness]:
    """A relay, started unless `begun` is false."""
    client, near = socket_pair(buffer=buffer)
    command = Establish(to_client, to_upstream)
    with (
        counting_poller() as poller,
        contextlib.closing(RelayHarness(poller, client, near, command, pipes, buffer)) as harness,
    ):
        if begun:
            harness.relay.begin(command)
        yield harness


@contextlib.asynccontextmanager
async def open_tls_relay(
    version: ssl.TLSVersion | None = None, *, to_client: bytes = b"", to_upstream: bytes = b"", buffer: int = 0
) -> AsyncIterator[tuple[RelayHarness, TlsClient]]:
    """A started relay whose client has completed a TLS handshake."""
    sock, near = socket_pair(buffer=buffer)
    client, channel = TlsClient(sock, client_context(None, version)), TlsChannel(near, IDENTITY.context, b"")
    await asyncio.gather(client.handshake(), until(channel.handshake))
    command = Establish(to_client, to_upstream)
    with (
        counting_poller() as poller,
        contextlib.closing(RelayHarness(poller, sock, channel, command, 2, buffer)) as harness,
    ):
        harness.relay.begin(command)
        yield harness, client


async def send_and_receive(sock: socket.socket, blocks: list[bytes], rests: list[int]) -> bytes:
    """Send the blocks, run so many turns of the loop after each, half-close, and return everything received."""
    loop = asyncio.get_running_loop()
    reading = asyncio.ensure_future(receive(sock))
    for number, block in enumerate(blocks):
        await loop.sock_sendall(sock, block)
        await turns(rests[number % len(rests)])
    sock.shutdown(socket.SHUT_WR)
    return await reading
