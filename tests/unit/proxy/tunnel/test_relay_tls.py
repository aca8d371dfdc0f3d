"""The relay with TLS on the client's side: what passes, and how it ends."""

import asyncio
import contextlib
import os
import random
import socket
import ssl
import time
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensegate.proxy.tunnel import flow as flow_module
from licensegate.proxy.tunnel.relay import Relay
from licensegate.records.outcome import Outcome, Party
from support.relay_harness import HALF_CLOSED, IDLE, open_tls_relay, send_and_receive
from support.sockets import is_closed, receive, reset, run, turns, unread_bytes, until
from support.tls_client import TlsClient
from support.tls_memory import FORGED_RECORD, VERSIONS
from support.tunnel_harness import SPIN_LIMIT

BLOB = random.Random(5).randbytes(3 << 20)
RECORD = 1 << 14
ENDS = {
    "by close_notify alone": (True, False),
    "by close_notify and TCP": (True, True),
    "by TCP alone": (False, True),
}
"""Ways to end the client's direction: with close_notify or not, with a FIN or not."""

versions = pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS.keys())


async def end(client: TlsClient, *, notify: bool, tcp: bool) -> None:
    if notify:
        await client.close_notify()
    if tcp:
        client.sock.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def reads_of(size: int) -> Iterator[None]:
    """Limit a flow's reads to so few bytes that part of each record waits in the TLS layer."""
    with patch.object(flow_module, "_buffer", memoryview(bytearray(size))), patch.object(flow_module, "_CHUNK", size):
        yield


@versions
def test_the_first_bytes_go_first_in_each_direction(version: ssl.TLSVersion) -> None:
    async def main() -> None:
        async with open_tls_relay(version, to_client=b"200 ", to_upstream=b"hello ") as (harness, client):
            await client.send(b"upstream")
            harness.upstream.send(b"client")
            assert await client.receive(10) == b"200 client"
            assert await receive(harness.upstream, 14) == b"hello upstream"

    run(main())


@versions
@pytest.mark.parametrize(("notify", "tcp"), ENDS.values(), ids=ENDS.keys())
def test_a_client_that_ends_first_still_gets_the_answer(version: ssl.TLSVersion, notify: bool, tcp: bool) -> None:
    async def main() -> None:
        async with open_tls_relay(version) as (harness, client):
            await client.send(b"question")
            await end(client, notify=notify, tcp=tcp)
            assert await receive(harness.upstream) == b"question"
            assert not harness.ended

            harness.upstream.send(BLOB[:100_000])
            harness.upstream.shutdown(socket.SHUT_WR)
            assert await client.receive() == BLOB[:100_000]
            assert client.received_close_notify, "it looks cut short"
            await until(lambda: harness.ended)
            assert harness.ended == [(Outcome.CLOSED_BY_CLIENT, "")]
            assert harness.relay.ended_first is Party.CLIENT
            await until(lambda: is_closed(client.sock))

    run(main())


@versions
@pytest.mark.parametrize(("notify", "tcp"), ENDS.values(), ids=ENDS.keys())
def test_an_upstream_that_ends_first_still_gets_the_clients_bytes(
    version: ssl.TLSVersion, notify: bool, tcp: bool
) -> None:
    async def main() -> None:
        async with open_tls_relay(version) as (harness, client):
            harness.upstream.send(b"greeting")
            harness.upstream.shutdown(socket.SHUT_WR)
            assert await client.receive() == b"greeting"
            assert client.received_close_notify
            assert not harness.ended

            await client.send(BLOB[:100_000])
            assert await receive(harness.upstream, 100_000) == BLOB[:100_000]
            assert not harness.ended
            await end(client, notify=notify, tcp=tcp)
            assert await receive(harness.upstream) == b""
            await until(lambda: harness.ended)
            assert harness.ended == [(Outcome.CLOSED_BY_UPSTREAM, "")]
            assert harness.relay.ended_first is Party.UPSTREAM

    run(main())


@versions
def test_bytes_before_a_clients_reset_arrive(version: ssl.TLSVersion) -> None:
    async def main() -> None:
        async with open_tls_relay(version) as (harness, client):
            await client.send(BLOB[:100_000])
            reset(client.sock)
            assert await receive(harness.upstream) == BLOB[:100_000]
            assert harness.ended == [(Outcome.RESET_BY_CLIENT, "ECONNRESET")]

    run(main())


@versions
def test_bytes_before_an_upstreams_reset_arrive(version: ssl.TLSVersion) -> None:
    async def main() -> None:
        async with open_tls_relay(version) as (harness, client):
            harness.upstream.send(BLOB[:100_000])
            await until(lambda: harness.relay.down.read == 100_000)
            reset(harness.upstream)
            assert await client.receive(100_000) == BLOB[:100_000]
            await until(lambda: harness.ended)
            assert harness.ended == [(Outcome.RESET_BY_UPSTREAM, "ECONNRESET")]

    run(main())


@versions
def test_bytes_that_are_not_tls_end_the_tunnel(version: ssl.TLSVersion) -> None:
    async def main() -> None:
        async with open_tls_relay(version) as (harness, client):
            await client.send(b"before")
            client.sock.send(b"\x17\x03\x03\x00\x20" + bytes(32))
            assert await receive(harness.upstream, 6) == b"before"
            await until(lambda: harness.ended)
            assert harness.ended == [(Outcome.RESET_BY_CLIENT, "EPROTO")]
            with pytest.raises(ssl.SSLError, match=FORGED_RECORD):
                await client.receive()

    run(main())


def test_a_client_gone_before_the_first_byte_ends_the_tunnel() -> None:
    async def main() -> None:
        async with open_tls_relay() as (harness, client):
            reset(client.sock)
            await until(lambda: harness.ended)
            assert harness.ended == [(Outcome.RESET_BY_CLIENT, "ECONNRESET")]

    run(main())


def test_pending_plaintext_is_read_without_new_ciphertext() -> None:
    async def main() -> None:
        with reads_of(1000):
            async with open_tls_relay() as (harness, client):
                await client.send(BLOB[:RECORD])
                assert await receive(harness.upstream, RECORD) == BLOB[:RECORD]
                assert await harness.poller.idle_wake_ups() == 0

    run(main())


def test_a_pending_end_after_data_is_passed_on() -> None:
    async def main() -> None:
        with reads_of(1000):
            async with open_tls_relay() as (harness, client):
                client.sock.send(client.tls.encrypt(BLOB[:RECORD]) + client.tls.close_notify())
                assert await receive(harness.upstream) == BLOB[:RECORD]

    run(main())


def test_pending_plaintext_does_not_delay_other_tunnels() -> None:
    async def main() -> None:
        with reads_of(100):
            async with open_tls_relay() as (harness, client):
                calls: list[int] = []
                ready = Relay.ready

                def counting(relay: Relay, descriptor: int, events: int) -> None:
                    if descriptor == harness.client_side.fileno():
                        calls.append(harness.poller.wake_ups)
                    ready(relay, descriptor, events)

                with patch.object(Relay, "ready", counting):
                    reading = asyncio.ensure_future(receive(harness.upstream, 10 * RECORD))
                    for part in range(10):
                        await client.send(BLOB[part * RECORD : (part + 1) * RECORD])
                    assert await reading == BLOB[: 10 * RECORD]
                assert len(calls) > 10 * RECORD / 100 / flow_module._TURNS
                assert len(calls) == len(set(calls)), "it had more than one turn in a batch"

    run(main())


def test_a_partial_record_causes_at_most_one_wake_up() -> None:
    async def main() -> None:
        async with open_tls_relay() as (harness, client):
            ciphertext = client.tls.encrypt(BLOB[:1000])
            for part in (ciphertext[:3], ciphertext[3:700]):
                client.sock.send(part)
                await until(lambda: not unread_bytes(harness.client_side))
                assert await harness.poller.idle_wake_ups() <= 1
            client.sock.send(ciphertext[700:])
            assert await receive(harness.upstream, 1000) == BLOB[:1000]

    run(main())


def test_an_idle_tunnel_causes_no_wake_ups() -> None:
    async def main() -> None:
        async with open_tls_relay() as (harness, client):
            await client.send(b"x")
            assert await receive(harness.upstream, 1) == b"x"
            assert await harness.poller.idle_wake_ups() == 0

    run(main())


@pytest.mark.parametrize("party", [Party.CLIENT, Party.UPSTREAM])
@pytest.mark.parametrize(("notify", "tcp"), ENDS.values(), ids=ENDS.keys())
def test_a_half_closed_tunnel_causes_no_wake_ups(party: Party, notify: bool, tcp: bool) -> None:
    async def main() -> None:
        async with open_tls_relay() as (harness, client):
            if party is Party.CLIENT:
                await end(client, notify=notify, tcp=tcp)
            else:
                harness.upstream.shutdown(socket.SHUT_WR)
            await until(lambda: harness.relay.ended_first)
            assert await harness.poller.idle_wake_ups() <= SPIN_LIMIT

    run(main())


def test_tls_is_never_spliced() -> None:
    async def main() -> None:
        with patch.object(os, "splice", side_effect=AssertionError("plaintext would go past TLS")):
            async with open_tls_relay() as (harness, client):
                at_client, at_upstream = await asyncio.gather(
                    talk(client, [BLOB], [0]), send_and_receive(harness.upstream, [BLOB[::-1]], [0])
                )
                assert (at_client, at_upstream) == (BLOB[::-1], BLOB)
                taken = [pipe for pipe in (harness.pipes.take(), harness.pipes.take()) if pipe]
                assert len(taken) == 2
                for pipe in taken:
                    harness.pipes.give_back(pipe, empty=True)

    run(main())


def test_idle_and_half_closed_times_restart_with_each_byte() -> None:
    async def main() -> None:
        async with open_tls_relay() as (harness, client):
            began = time.monotonic()
            await asyncio.sleep(0.01)
            await client.send(b"x")
            await receive(harness.upstream, 1)
            harness.sweep(began + IDLE)
            assert not harness.ended, "the byte did not count"
            await client.close_notify()
            await until(lambda: harness.relay.ended_first)
            half_closed = time.monotonic()
            await asyncio.sleep(0.01)
            harness.upstream.send(b"x")
            await client.receive(1)
            harness.sweep(half_closed + HALF_CLOSED)
            assert not harness.ended, "the byte did not count"
            harness.sweep(half_closed + HALF_CLOSED + 5)
            assert harness.ended == [(Outcome.HALF_CLOSED_TIMEOUT, "")]

    run(main())


async def talk(client: TlsClient, blocks: list[bytes], rests: list[int], *, notify: bool = True) -> bytes:
    """Send the blocks, run so many turns of the loop after each, half-close, and return everything received."""
    reading = asyncio.ensure_future(client.receive())
    for number, block in enumerate(blocks):
        await client.send(block)
        await turns(rests[number % len(rests)])
    await end(client, notify=notify, tcp=not notify)
    return await reading


BLOCKS = st.lists(st.integers(0, 300_000), max_size=8).map(
    lambda sizes: [BLOB[place * 1000 : place * 1000 + size] for place, size in enumerate(sizes)]
)


RESTS = st.lists(st.integers(0, 4), min_size=1, max_size=4)


@settings(max_examples=100, deadline=None)
@given(
    up=BLOCKS,
    down=BLOCKS,
    rests=RESTS,
    version=st.sampled_from(list(VERSIONS.values())),
    chunk=st.sampled_from([700, 1 << 14, 1 << 17]),
    notify=st.booleans(),
)
def test_interleaved_bytes_arrive_intact_in_both_directions(
    up: list[bytes], down: list[bytes], rests: list[int], version: ssl.TLSVersion, chunk: int, notify: bool
) -> None:
    async def main() -> None:
        with reads_of(chunk):
            async with open_tls_relay(version, buffer=50_000) as (harness, client):
                at_client, at_upstream = await asyncio.gather(
                    talk(client, up, rests, notify=notify), send_and_receive(harness.upstream, down, rests[::-1])
                )
                assert at_client == b"".join(down)
                assert at_upstream == b"".join(up)
                await until(lambda: harness.ended)
                assert harness.relay.up.written == harness.relay.up.read == len(at_upstream)
                assert harness.relay.down.written == harness.relay.down.read == len(at_client)
                assert is_closed(client.sock)

    run(main())
