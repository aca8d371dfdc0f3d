"""The relay with TLS on the client's side while one side does not read: no wake-ups, nothing lost."""

import asyncio
import random
import socket
import ssl

import pytest

from licensegate.proxy.net.channel import TlsChannel
from licensegate.proxy.tunnel import flow as flow_module
from licensegate.records.outcome import Outcome
from support.relay_harness import Between, relaying_tls
from support.sockets import receive, run, turns, until
from support.tls_client import SecureClient
from support.tls_memory import VERSIONS
from support.tunnel_harness import HANDFUL

BLOB = random.Random(5).randbytes(3 << 20)
RECORD = 1 << 14
versions = pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS.keys())


async def block(client: SecureClient, between: Between) -> int:
    """Send to an upstream that does not read until the relay takes no more; how much plaintext that was."""
    sent = 0

    def full() -> bool:
        nonlocal sent
        taken = client.push()
        if taken:
            client.push(BLOB[sent : sent + RECORD])
            sent += RECORD
        return between.relay.up.blocked and not taken

    await until(full)
    return sent


def unsent(between: Between) -> int:
    """How much ciphertext waits for the client."""
    assert isinstance(between.near, TlsChannel)
    return len(between.near._unsent)


@versions
def test_a_client_that_does_not_read_pauses_the_upstream(version: ssl.TLSVersion) -> None:
    async def main() -> None:
        async with relaying_tls(version, buffer=50_000) as (between, client):
            sent = await between.block(between.upstream, between.relay.down)
            left = between.waits
            assert left
            assert await between.poller.wake_ups_in_peace() <= HANDFUL
            assert between.waits == left, "it reads what it cannot pass on"
            assert between.relay.down.read - between.relay.down.written <= flow_module._CHUNK
            assert 0 < unsent(between) <= 2 * RECORD

            await client.send(b"goes on")
            assert await receive(between.upstream, 7) == b"goes on"
            between.upstream.shutdown(socket.SHUT_WR)
            received = await client.receive()
            assert received == b"x" * sent
            assert client.heard_end

    run(main())


def test_a_client_that_reads_again_gets_everything_and_the_end() -> None:
    """All that waits is ciphertext, none of it plaintext."""

    async def main() -> None:
        async with relaying_tls(buffer=8192) as (between, client):
            flow, sent = between.relay.down, 0
            while not flow.blocked:
                sent += between.upstream.send(BLOB[sent : sent + 1000])
                await turns(50)
                assert flow.read == flow.written == sent
            assert unsent(between)
            between.upstream.shutdown(socket.SHUT_WR)
            assert await between.poller.wake_ups_in_peace() <= HANDFUL
            assert not flow.ended

            assert await client.receive() == BLOB[:sent]
            assert client.heard_end
            assert flow.ended

    run(main())


class Clogged:
    """A socket that takes nothing, until it is cleared."""

    def __init__(self, sock: socket.socket) -> None:
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
        async with relaying_tls() as (between, client):
            assert isinstance(between.near, TlsChannel)
            if last:
                await client.end()
                assert await receive(between.upstream) == b""
            clogged = Clogged(between.near.sock)
            between.near.sock = clogged  # type: ignore[assignment]
            between.upstream.shutdown(socket.SHUT_WR)
            await until(lambda: between.relay.down.ended)
            await turns(20)
            assert not between.ended
            assert not client.heard_end

            clogged.cleared = True
            await client.receive()
            assert client.heard_end
            if not last:
                await client.end()
            await until(lambda: between.ended)

    run(main())


def test_a_blocked_tunnel_is_not_read_and_causes_no_wake_ups() -> None:
    async def main() -> None:
        async with relaying_tls(buffer=50_000) as (between, client):
            await block(client, between)
            await between.block(between.upstream, between.relay.down)
            left = between.waits
            assert left
            assert await between.poller.wake_ups_in_peace() <= HANDFUL
            assert between.waits == left
            for flow in (between.relay.up, between.relay.down):
                assert flow.read - flow.written <= flow_module._CHUNK

    run(main())


def test_an_upstream_that_reads_again_gets_pending_plaintext() -> None:
    async def main() -> None:
        async with relaying_tls(buffer=50_000) as (between, client):
            sent = await block(client, between)
            ending = asyncio.ensure_future(client.end())
            received = await receive(between.upstream)
            await ending
            assert len(received) == sent
            assert received == BLOB[:sent]

    run(main())


@pytest.mark.parametrize("break_off", [False, True], ids=["ends", "resets"])
def test_a_client_that_leaves_a_full_upstream_causes_no_wake_ups(break_off: bool) -> None:
    async def main() -> None:
        async with relaying_tls(buffer=50_000) as (between, client):
            await block(client, between)
            if break_off:
                client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.sock.close()
            assert await between.poller.wake_ups_in_peace() <= HANDFUL
            assert not between.ended, "there are bytes that the upstream has not got"

    run(main())


def test_a_client_that_resets_while_ciphertext_waits_ends_the_tunnel() -> None:
    async def main() -> None:
        async with relaying_tls(buffer=50_000) as (between, client):
            await between.block(between.upstream, between.relay.down)
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.sock.close()
            await until(lambda: between.ended)
            assert between.ended[0][0] is Outcome.RESET_BY_CLIENT

    run(main())
