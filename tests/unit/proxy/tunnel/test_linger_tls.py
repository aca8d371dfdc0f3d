"""Lingering over TLS: the client can read the whole answer."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator

import pytest

from licensegate.proxy.net.channel import TlsChannel
from licensegate.proxy.net.deadline import Deadline
from licensegate.proxy.tunnel import linger as linger_module
from licensegate.proxy.tunnel.linger import Lingering
from licensegate.records.record import RefusalTaken
from support.sockets import reset, run, socket_pair, turns, until
from support.tls_client import IDENTITY, TlsClient
from support.tls_memory import VERSIONS, client_context
from support.tunnel_harness import SPIN_LIMIT, CountingPoller, counting_poller

SECONDS = 2
ANSWER = b"HTTP/1.1 403 no\r\n\r\n"


class Farewell:
    """A lingering TLS connection, and its client."""

    def __init__(self, poller: CountingPoller, client: TlsClient, channel: TlsChannel) -> None:
        self.poller, self.client, self.channel = poller, client, channel
        self.deadline = Deadline(SECONDS)
        self.done = 0
        self.taken: RefusalTaken | None = None

    def begin(self) -> Lingering:
        return Lingering(self.poller, self.deadline, self.channel, self._end)

    def _end(self, taken: RefusalTaken | None) -> None:
        self.done += 1
        self.taken = taken
        self.poller.close(self.channel)

    def close(self) -> None:
        self.client.sock.close()
        self.channel.close()


@contextlib.asynccontextmanager
async def farewell(version: ssl.TLSVersion | None = None, *, buffer: int = 0) -> AsyncIterator[Farewell]:
    sock, near = socket_pair(buffer=buffer)
    client, channel = TlsClient(sock, client_context(None, version)), TlsChannel(near, IDENTITY.context, b"")
    await asyncio.gather(client.handshake(), until(channel.handshake))
    with counting_poller() as poller, contextlib.closing(Farewell(poller, client, channel)) as made:
        yield made


versions = pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS.keys())


@versions
def test_a_client_that_still_sends_reads_all_to_the_end(version: ssl.TLSVersion) -> None:
    async def main() -> None:
        async with farewell(version) as here:
            await here.client.send(b"x" * 300_000)
            here.channel.send(ANSWER)
            here.begin()
            await turns(20)
            await here.client.send(b"x" * 100_000)
            await turns(20)
            assert await here.client.receive() == ANSWER
            assert here.client.received_close_notify
            assert here.done == 0, "the client has not ended its side"
            await here.client.send(b"x")
            await here.client.close_notify()
            await until(lambda: here.done)
            assert here.done == 1
            assert not len(here.deadline)

    run(main())


def test_an_answer_to_a_full_socket_is_sent_when_there_is_room() -> None:
    async def main() -> None:
        async with farewell(buffer=8192) as here:
            sent = 0
            while not here.channel.unsent:
                sent += here.channel.send(ANSWER)
            here.begin()
            assert await here.poller.idle_wake_ups() <= SPIN_LIMIT
            received = await here.client.receive()
            assert received == ANSWER * (sent // len(ANSWER))
            assert here.client.received_close_notify
            await here.client.close_notify(with_tcp=True)
            await until(lambda: here.done)

    run(main())


@pytest.mark.parametrize("how", ["leaves", "resets", "speaks no TLS"])
def test_a_client_that_resets_ends_lingering(how: str) -> None:
    async def main() -> None:
        async with farewell() as here:
            here.begin()
            if how == "leaves":
                here.client.sock.close()
            elif how == "resets":
                reset(here.client.sock)
            else:
                here.client.sock.send(b"GET / HTTP/1.1\r\n\r\n")
            await until(lambda: here.done)
            await turns(20)
            assert here.done == 1

    run(main())


@pytest.mark.parametrize("full", [False, True], ids=["with nothing to read", "with an answer it does not read"])
def test_a_client_that_reset_before_ends_lingering(full: bool) -> None:
    async def main() -> None:
        async with farewell(buffer=8192) as here:
            while full and not here.channel.unsent:
                here.channel.send(ANSWER)
            reset_at_once(here)
            here.begin()
            await until(lambda: here.done)
            await turns(20)
            assert here.done == 1

    run(main())


def reset_at_once(here: Farewell) -> None:
    here.client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    here.client.sock.close()


def test_a_client_that_keeps_sending_is_closed_after_1_mib() -> None:
    async def main() -> None:
        async with farewell() as here:
            here.begin()
            sent = 0

            def flood() -> bool:
                nonlocal sent
                with contextlib.suppress(ConnectionError):
                    if here.client.try_send():
                        here.client.try_send(bytes(4096))
                        sent += 4096
                return here.done > 0

            await until(flood)
            assert sent > linger_module._DISCARDED_AT_MOST
            assert here.done == 1

    run(main())
