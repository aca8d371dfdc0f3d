"""The relay with TLS on the client's side while one side does not read: no wake-ups, nothing lost."""

import asyncio
import random
import socket
import ssl

import pytest

from licensegate.proxy.net.channel import TlsChannel
from licensegate.proxy.tunnel import flow as flow_module
from licensegate.records.outcome import Outcome
from support.relay_harness import RelayHarness, open_tls_relay
from support.sockets import receive, run, turns, until
from support.tls_client import TlsClient
from support.tls_memory import VERSIONS
from support.tunnel_harness import SPIN_LIMIT

BLOB = random.Random(5).randbytes(3 << 20)
RECORD = 1 << 14
versions = pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS.keys())


async def block(client: TlsClient, harness: RelayHarness) -> int:
    """Send until the relay takes no more. Returns the number of plaintext bytes."""
    sent = 0

    def full() -> bool:
        nonlocal sent
        taken = client.try_send()
        if taken:
            client.try_send(BLOB[sent : sent + RECORD])
            sent += RECORD
        return harness.relay.up.blocked and not taken

    await until(full)
    return sent


def unsent(harness: RelayHarness) -> int:
    """The number of ciphertext bytes that wait for the client."""
    assert isinstance(harness.client_side, TlsChannel)
    return len(harness.client_side._unsent)


@versions
def test_a_client_that_does_not_read_pauses_the_upstream(version: ssl.TLSVersion) -> None:
    async def main() -> None:
        async with open_tls_relay(version, buffer=50_000) as (harness, client):
            sent = await harness.block(harness.upstream, harness.relay.down)
            left = harness.unread_bytes
            assert left
            assert await harness.poller.idle_wake_ups() <= SPIN_LIMIT
            assert harness.unread_bytes == left, "it reads what it cannot pass on"
            assert harness.relay.down.read - harness.relay.down.written <= flow_module._CHUNK
            assert 0 < unsent(harness) <= 2 * RECORD

            await client.send(b"goes on")
            assert await receive(harness.upstream, 7) == b"goes on"
            harness.upstream.shutdown(socket.SHUT_WR)
            received = await client.receive()
            assert received == b"x" * sent
            assert client.received_close_notify

    run(main())


def test_a_client_that_reads_again_gets_everything_and_the_end() -> None:
    """Only ciphertext waits, no plaintext."""

    async def main() -> None:
        async with open_tls_relay(buffer=8192) as (harness, client):
            flow, sent = harness.relay.down, 0
            while not flow.blocked:
                sent += harness.upstream.send(BLOB[sent : sent + 1000])
                await turns(50)
                assert flow.read == flow.written == sent
            assert unsent(harness)
            harness.upstream.shutdown(socket.SHUT_WR)
            assert await harness.poller.idle_wake_ups() <= SPIN_LIMIT
            assert not flow.ended

            assert await client.receive() == BLOB[:sent]
            assert client.received_close_notify
            assert flow.ended

    run(main())


class Clogged:
    """A socket that takes nothing until it is cleared."""

    def __init__(self, sock: socket.SocketType) -> None:
        self._sock = sock
        self.cleared = False

    def send(self, data: bytes) -> int:
        if not self.cleared:
            raise BlockingIOError
        return self._sock.send(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._sock, name)


@pytest.mark.parametrize("last", [False, True], ids=["while the client may still talk", "as the last word of both"])
def test_a_close_notify_to_a_full_socket_is_sent_later(last: bool) -> None:
    async def main() -> None:
        async with open_tls_relay() as (harness, client):
            assert isinstance(harness.client_side, TlsChannel)
            if last:
                await client.close_notify()
                assert await receive(harness.upstream) == b""
            clogged = Clogged(harness.client_side.sock)
            harness.client_side.sock = clogged  # type: ignore[assignment]
            harness.upstream.shutdown(socket.SHUT_WR)
            await until(lambda: harness.relay.down.ended)
            await turns(20)
            assert not harness.ended
            assert not client.received_close_notify

            clogged.cleared = True
            await client.receive()
            assert client.received_close_notify
            if not last:
                await client.close_notify()
            await until(lambda: harness.ended)

    run(main())


def test_a_blocked_tunnel_is_not_read_and_causes_no_wake_ups() -> None:
    async def main() -> None:
        async with open_tls_relay(buffer=50_000) as (harness, client):
            await block(client, harness)
            await harness.block(harness.upstream, harness.relay.down)
            left = harness.unread_bytes
            assert left
            assert await harness.poller.idle_wake_ups() <= SPIN_LIMIT
            assert harness.unread_bytes == left
            for flow in (harness.relay.up, harness.relay.down):
                assert flow.read - flow.written <= flow_module._CHUNK

    run(main())


def test_an_upstream_that_reads_again_gets_pending_plaintext() -> None:
    async def main() -> None:
        async with open_tls_relay(buffer=50_000) as (harness, client):
            sent = await block(client, harness)
            ending = asyncio.ensure_future(client.close_notify())
            received = await receive(harness.upstream)
            await ending
            assert len(received) == sent
            assert received == BLOB[:sent]

    run(main())


@pytest.mark.parametrize("break_off", [False, True], ids=["ends", "resets"])
def test_a_client_that_leaves_a_full_upstream_causes_no_wake_ups(break_off: bool) -> None:
    async def main() -> None:
        async with open_tls_relay(buffer=50_000) as (harness, client):
            await block(client, harness)
            if break_off:
                client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.sock.close()
            assert await harness.poller.idle_wake_ups() <= SPIN_LIMIT
            assert not harness.ended, "there are bytes that the upstream has not got"

    run(main())


def test_a_client_that_resets_while_ciphertext_waits_ends_the_tunnel() -> None:
    async def main() -> None:
        async with open_tls_relay(buffer=50_000) as (harness, client):
            await harness.block(harness.upstream, harness.relay.down)
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.sock.close()
            await until(lambda: harness.ended)
            assert harness.ended[0][0] is Outcome.RESET_BY_CLIENT

    run(main())
