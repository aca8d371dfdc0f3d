"""How connections with TLS to the gate end."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from unittest.mock import patch

import pytest

from licensegate.proxy.net.channel import TlsChannel
from licensegate.proxy.protocol.conversation import Conversation
from licensegate.records.outcome import Outcome
from support.sockets import descriptors, is_closed, receive, reset, run, turns, unread_bytes, until
from support.tls_client import IDENTITY, TlsClient
from support.tls_memory import VERSIONS
from support.tunnel_harness import (
    ESTABLISHED,
    SPIN_LIMIT,
    BlockedLookup,
    TunnelHarness,
    open_harness,
    open_harness_with_upstream,
)

versions = pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS.keys())


@versions
def test_a_refusal_reaches_a_client_that_is_still_sending(version: ssl.TLSVersion) -> None:
    async def main() -> None:
        with open_harness(identity=IDENTITY) as harness:
            client, _ = await harness.connect_tls(version)
            await client.send(b"CONNECT evil.test:443 HTTP/1.1\r\n\r\n" + b"x" * 200_000)
            await client.send(b"x" * 100_000)
            answer = await client.receive()
            assert answer.startswith(b"HTTP/1.1 403 target_not_allowed")
            assert client.received_close_notify
            assert not harness.records, "it is recorded once the client has read it, or had its time"
            await client.close_notify()
            record = await harness.last_record()
            assert record.outcome is Outcome.TARGET_NOT_ALLOWED
            assert record.client_written == len(answer)
            assert record.gate_tls
            await harness.assert_nothing_left()

    run(main())


def test_a_client_that_ended_after_its_request_is_not_waited_for() -> None:
    async def main() -> None:
        with open_harness(identity=IDENTITY) as harness:
            client, _ = await harness.connect_tls()
            client.sock.send(client.tls.encrypt(b"GET / HTTP/1.1\r\n\r\n") + client.tls.close_notify())
            answer = await client.receive()
            assert answer.startswith(b"HTTP/1.1 405 method_not_allowed")
            assert (await harness.last_record()).outcome is Outcome.METHOD_NOT_ALLOWED
            await harness.assert_nothing_left()

    run(main())


def test_a_client_that_stays_after_a_refusal_is_closed() -> None:
    async def main() -> None:
        with open_harness(identity=IDENTITY) as harness:
            client, _ = await harness.connect_tls()
            await client.send(b"GET / HTTP/1.1\r\n\r\n")
            assert (await client.receive()).startswith(b"HTTP/1.1 405 method_not_allowed")
            assert await harness.poller.idle_wake_ups() == 0
            harness.sweep(3)
            assert (await harness.last_record()).outcome is Outcome.METHOD_NOT_ALLOWED
            await until(lambda: is_closed(client.sock))
            await harness.assert_nothing_left()

    run(main())


@pytest.mark.parametrize("leave", [socket.socket.close, reset], ids=["closes", "resets"])
@pytest.mark.parametrize("notify", [False, True], ids=["without a word", "with close_notify"])
def test_a_client_that_leaves_during_the_dial_ends_the_dial(
    slow_names: BlockedLookup, notify: bool, leave: Callable[[socket.socket], None]
) -> None:
    async def main() -> None:
        with open_harness(ask=slow_names, identity=IDENTITY) as harness:
            client, _ = await harness.connect_tls()
            await client.send(harness.connect)
            await turns(20)
            if notify:
                await client.close_notify()
            leave(client.sock)
            assert (await harness.last_record()).outcome is Outcome.CLIENT_LEFT_IN_DIAL
            assert await harness.poller.idle_wake_ups() == 0
            slow_names.released.set()
            await harness.assert_nothing_left()

    run(main())


@pytest.mark.parametrize("with_tcp", [False, True], ids=["by close_notify alone", "and TCP's"])
def test_a_client_that_half_closes_after_its_first_bytes_is_served(slow_names: BlockedLookup, with_tcp: bool) -> None:
    async def main() -> None:
        with open_harness_with_upstream(ask=slow_names, identity=IDENTITY) as (harness, upstream):
            client, _ = await harness.connect_tls()
            await client.send(harness.connect)
            await turns(20)
            await client.send(b"question")
            await client.close_notify(with_tcp=with_tcp)
            assert await harness.poller.idle_wake_ups() <= SPIN_LIMIT
            slow_names.released.set()
            far = await upstream.accept()
            assert await receive(far) == b"question"
            far.send(b"answer")
            far.close()
            assert await client.receive() == ESTABLISHED + b"answer"
            assert client.received_close_notify

    run(main())


@versions
@pytest.mark.parametrize("reading", [True, False], ids=["while the client reads", "before the client reads"])
def test_bytes_before_an_upstreams_reset_reach_a_sending_client(version: ssl.TLSVersion, reading: bool) -> None:
    async def main() -> None:
        with open_harness_with_upstream(identity=IDENTITY) as (harness, upstream):
            client, tunnel = await harness.connect_tls(version)
            await client.send(harness.connect)
            far = await upstream.accept()
            assert await client.receive(len(ESTABLISHED)) == ESTABLISHED
            sent = 0
            while not (tunnel._relay and tunnel._relay.down.blocked):
                with contextlib.suppress(BlockingIOError):
                    sent += far.send(bytes(50_000))
                await turns(2)
            reset(far)
            received = asyncio.ensure_future(client.receive()) if reading else None
            for _ in range(3):
                client.try_send(b"x" * 100_000)
                await turns(50)
            assert len(await (received or client.receive())) == sent
            assert client.received_close_notify
            client.sock.close()
            assert (await harness.last_record()).outcome is Outcome.RESET_BY_UPSTREAM
            await harness.assert_nothing_left()

    run(main())


def test_a_cut_tunnel_sends_close_notify() -> None:
    async def main() -> None:
        with open_harness_with_upstream(identity=IDENTITY) as (harness, upstream):
            client, tunnel = await harness.connect_tls()
            await client.send(harness.connect)
            await upstream.accept()
            assert await client.receive(len(ESTABLISHED)) == ESTABLISHED
            tunnel.stop()
            harness.poller.finish_batch()
            assert await client.receive() == b""
            assert client.received_close_notify
            assert (await harness.last_record()).outcome is Outcome.CUT_BY_STOP
            await harness.assert_nothing_left()

    run(main())


async def within_its_hello(harness: TunnelHarness) -> None:
    harness.accept(b"\x16\x03\x01")


async def within_its_handshake(harness: TunnelHarness) -> None:
    sock, _ = harness.accept()
    client = TlsClient(sock)
    client.tls.handshake()
    sock.send(client.tls.take_ciphertext())
    await until(lambda: unread_bytes(sock))


async def silent_after_its_handshake(harness: TunnelHarness) -> None:
    await harness.connect_tls()
    await turns(20)


async def within_its_head(harness: TunnelHarness) -> None:
    client, _ = await harness.connect_tls()
    await client.send(b"CONNECT ")
    await turns(20)


async def refused(harness: TunnelHarness) -> None:
    client, _ = await harness.connect_tls()
    await client.send(b"GET / HTTP/1.1\r\n\r\n")
    await client.receive()


@pytest.mark.parametrize(
    ("situation", "outcome"),
    [
        (within_its_hello, Outcome.CUT_BEFORE_TUNNEL),
        (within_its_handshake, Outcome.CUT_BEFORE_TUNNEL),
        (silent_after_its_handshake, Outcome.CLOSED_UNUSED),
        (within_its_head, Outcome.CUT_BEFORE_TUNNEL),
        (refused, Outcome.METHOD_NOT_ALLOWED),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_stop_in_any_state_is_recorded_and_leaves_nothing(
    situation: Callable[[TunnelHarness], Awaitable[None]], outcome: Outcome
) -> None:
    async def main() -> None:
        before = descriptors()
        with open_harness(identity=IDENTITY) as harness:
            await situation(harness)
            (connection,) = harness.context.connections
            connection.stop()
            harness.poller.finish_batch()
            assert [record.outcome for record in harness.final_records] == [outcome]
            await harness.assert_nothing_left()
        assert descriptors() == before

    run(main())


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param((TlsChannel, "handshake"), id="shaking hands"),
        pytest.param((Conversation, "secured"), id="after the handshake"),
        pytest.param((TlsChannel, "recv"), id="reading the head"),
    ],
)
def test_a_fault_ends_one_connection_and_leaves_nothing(
    broken: tuple[type, str], caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        before = descriptors()
        with open_harness(identity=IDENTITY) as harness:
            with patch.object(*broken, side_effect=ZeroDivisionError):
                sock, _ = harness.accept()
                client = TlsClient(sock)
                with contextlib.suppress(AssertionError):
                    await client.handshake()
                    client.try_send(harness.connect)
                record = await harness.last_record()
            assert record.outcome is Outcome.INTERNAL_ERROR
            await until(lambda: is_closed(sock))
            await harness.assert_nothing_left()
        assert descriptors() == before

    run(main())
    (line,) = caplog.records
    assert line.exc_info is not None
    assert line.exc_info[0] is ZeroDivisionError
