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
from support.sockets import descriptors, is_closed, receive, reset, run, turns, until, waiting
from support.tls_client import IDENTITY, SecureClient
from support.tls_memory import VERSIONS
from support.tunnel_harness import ESTABLISHED, HANDFUL, Room, SlowNames, room, room_with_upstream

versions = pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS.keys())


@versions
def test_a_refusal_reaches_a_client_that_is_still_sending(version: ssl.TLSVersion) -> None:
    async def main() -> None:
        with room(identity=IDENTITY) as here:
            client, _ = await here.secured(version)
            await client.send(b"CONNECT evil.test:443 HTTP/1.1\r\n\r\n" + b"x" * 200_000)
            await client.send(b"x" * 100_000)
            answer = await client.receive()
            assert answer.startswith(b"HTTP/1.1 403 target_not_allowed")
            assert client.heard_end
            assert not here.records, "it is recorded once the client has read it, or had its time"
            await client.end()
            record = await here.ended()
            assert record.outcome is Outcome.TARGET_NOT_ALLOWED
            assert record.client_written == len(answer)
            assert record.gate_tls
            await here.assert_nothing_left()

    run(main())


def test_a_client_that_ended_after_its_request_is_not_waited_for() -> None:
    async def main() -> None:
        with room(identity=IDENTITY) as here:
            client, _ = await here.secured()
            client.sock.send(client.tls.say(b"GET / HTTP/1.1\r\n\r\n") + client.tls.end())
            answer = await client.receive()
            assert answer.startswith(b"HTTP/1.1 405 method_not_allowed")
            assert (await here.ended()).outcome is Outcome.METHOD_NOT_ALLOWED
            await here.assert_nothing_left()

    run(main())


def test_a_client_that_stays_after_a_refusal_is_closed() -> None:
    async def main() -> None:
        with room(identity=IDENTITY) as here:
            client, _ = await here.secured()
            await client.send(b"GET / HTTP/1.1\r\n\r\n")
            assert (await client.receive()).startswith(b"HTTP/1.1 405 method_not_allowed")
            assert await here.poller.wake_ups_in_peace() == 0
            here.sweep(3)
            assert (await here.ended()).outcome is Outcome.METHOD_NOT_ALLOWED
            await until(lambda: is_closed(client.sock))
            await here.assert_nothing_left()

    run(main())


@pytest.mark.parametrize("leave", [socket.socket.close, reset], ids=["closes", "resets"])
@pytest.mark.parametrize("notify", [False, True], ids=["without a word", "with close_notify"])
def test_a_client_that_leaves_during_the_dial_ends_the_dial(
    slow_names: SlowNames, notify: bool, leave: Callable[[socket.socket], None]
) -> None:
    async def main() -> None:
        with room(ask=slow_names, identity=IDENTITY) as here:
            client, _ = await here.secured()
            await client.send(here.connect)
            await turns(20)
            if notify:
                await client.end()
            leave(client.sock)
            assert (await here.ended()).outcome is Outcome.CLIENT_LEFT_IN_DIAL
            assert await here.poller.wake_ups_in_peace() == 0
            slow_names.now.set()
            await here.assert_nothing_left()

    run(main())


@pytest.mark.parametrize("with_tcp", [False, True], ids=["by close_notify alone", "and TCP's"])
def test_a_client_that_half_closes_after_its_first_bytes_is_served(slow_names: SlowNames, with_tcp: bool) -> None:
    async def main() -> None:
        with room_with_upstream(ask=slow_names, identity=IDENTITY) as (here, upstream):
            client, _ = await here.secured()
            await client.send(here.connect)
            await turns(20)
            await client.send(b"question")
            await client.end(with_tcp=with_tcp)
            assert await here.poller.wake_ups_in_peace() <= HANDFUL
            slow_names.now.set()
            far = await upstream.accept()
            assert await receive(far) == b"question"
            far.send(b"answer")
            far.close()
            assert await client.receive() == ESTABLISHED + b"answer"
            assert client.heard_end

    run(main())


@versions
@pytest.mark.parametrize("reading", [True, False], ids=["while the client reads", "before the client reads"])
def test_bytes_before_an_upstreams_reset_reach_a_sending_client(version: ssl.TLSVersion, reading: bool) -> None:
    async def main() -> None:
        with room_with_upstream(identity=IDENTITY) as (here, upstream):
            client, tunnel = await here.secured(version)
            await client.send(here.connect)
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
                client.push(b"x" * 100_000)
                await turns(50)
            assert len(await (received or client.receive())) == sent
            assert client.heard_end
            client.sock.close()
            assert (await here.ended()).outcome is Outcome.RESET_BY_UPSTREAM
            await here.assert_nothing_left()

    run(main())


def test_a_cut_tunnel_sends_close_notify() -> None:
    async def main() -> None:
        with room_with_upstream(identity=IDENTITY) as (here, upstream):
            client, tunnel = await here.secured()
            await client.send(here.connect)
            await upstream.accept()
            assert await client.receive(len(ESTABLISHED)) == ESTABLISHED
            tunnel.stop()
            here.poller.finish_batch()
            assert await client.receive() == b""
            assert client.heard_end
            assert (await here.ended()).outcome is Outcome.CUT_BY_STOP
            await here.assert_nothing_left()

    run(main())


async def within_its_hello(here: Room) -> None:
    here.accept(b"\x16\x03\x01")


async def within_its_handshake(here: Room) -> None:
    sock, _ = here.accept()
    client = SecureClient(sock)
    client.tls.handshake()
    sock.send(client.tls.take())
    await until(lambda: waiting(sock))


async def silent_after_its_handshake(here: Room) -> None:
    await here.secured()
    await turns(20)


async def within_its_head(here: Room) -> None:
    client, _ = await here.secured()
    await client.send(b"CONNECT ")
    await turns(20)


async def refused(here: Room) -> None:
    client, _ = await here.secured()
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
    situation: Callable[[Room], Awaitable[None]], outcome: Outcome
) -> None:
    async def main() -> None:
        before = descriptors()
        with room(identity=IDENTITY) as here:
            await situation(here)
            (connection,) = here.context.connections
            connection.stop()
            here.poller.finish_batch()
            assert [record.outcome for record in here.final] == [outcome]
            await here.assert_nothing_left()
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
        with room(identity=IDENTITY) as here:
            with patch.object(*broken, side_effect=ZeroDivisionError):
                sock, _ = here.accept()
                client = SecureClient(sock)
                with contextlib.suppress(AssertionError):
                    await client.shake_hands()
                    client.push(here.connect)
                record = await here.ended()
            assert record.outcome is Outcome.INTERNAL_ERROR
            await until(lambda: is_closed(sock))
            await here.assert_nothing_left()
        assert descriptors() == before

    run(main())
    (line,) = caplog.records
    assert line.exc_info is not None
    assert line.exc_info[0] is ZeroDivisionError
