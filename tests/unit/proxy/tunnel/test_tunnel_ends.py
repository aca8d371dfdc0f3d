"""How tunnels end: what still arrives, and that nothing is left open."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from msgspec import structs

from licensegate.proxy.dial.dialer import Dialer
from licensegate.proxy.protocol.conversation import Conversation
from licensegate.proxy.settings import Limits
from licensegate.proxy.tunnel.flow import Flow
from licensegate.proxy.tunnel.relay import Relay
from licensegate.proxy.tunnel.tunnel import Tunnel
from licensegate.records.outcome import Outcome
from support.sockets import (
    BlackHole,
    descriptors,
    is_closed,
    receive,
    reset,
    run,
    turns,
    unread_bytes,
    until,
)
from support.tunnel_harness import TunnelHarness, open_harness, open_harness_with_upstream, read_status

SOON = Limits(head_seconds=10, dial_seconds=15, idle_seconds=3600, half_closed_seconds=60)


@pytest.mark.parametrize("sender_first", [True, False], ids=["while the client reads", "before the client reads"])
def test_bytes_before_an_upstreams_reset_reach_a_sending_client(sender_first: bool) -> None:
    async def main() -> None:
        with open_harness_with_upstream() as (harness, upstream):
            client, far, tunnel = await harness.open_tunnel(upstream)
            sent = fill_until_blocked(far)
            while not blocked(tunnel):
                await turns(2)
                sent += fill_until_blocked(far)
            reset(far)
            reading = asyncio.ensure_future(receive(client)) if sender_first else None
            client.send(b"x" * 100_000)
            await turns(50)
            client.send(b"x" * 100_000)
            received = await (reading or receive(client))
            assert len(received) == sent
            client.close()
            assert (await harness.last_record()).outcome is Outcome.RESET_BY_UPSTREAM
            await harness.assert_nothing_left()

    run(main())


def fill_until_blocked(sock: socket.socket) -> int:
    """Send a block, small enough to be in the gate's kernel before the sender resets."""
    with contextlib.suppress(BlockingIOError):
        return sock.send(bytes(50_000))
    return 0


def blocked(tunnel: Tunnel) -> bool:
    return tunnel._relay is not None and tunnel._relay.down.blocked


def test_bytes_before_an_upstreams_end_reach_a_sending_client() -> None:
    """Data after the upstream's close causes a reset, which must not lose its answer."""

    async def main() -> None:
        with open_harness_with_upstream() as (harness, upstream):
            client, far, tunnel = await harness.open_tunnel(upstream)
            sent = far.send(bytes(1 << 20))
            await until(lambda: tunnel.conversation.state and not unread_bytes(client) < 1)
            far.close()
            await turns(50)
            for _ in range(5):
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    client.send(b"x" * 100_000)
                await turns(50)
            assert len(await receive(client)) == sent
            client.close()
            await harness.last_record()
            await harness.assert_nothing_left()

    run(main())


def test_bytes_before_a_clients_reset_reach_a_sending_upstream() -> None:
    async def main() -> None:
        with open_harness_with_upstream() as (harness, upstream):
            client, far, _ = await harness.open_tunnel(upstream)
            sent = client.send(bytes(30_000))
            await turns(20)
            far.send(b"x" * 100_000)
            reset(client)
            await until(lambda: not harness.context.connections)
            with contextlib.suppress(BlockingIOError):
                far.send(b"x" * 100_000)
            await turns(20)
            assert len(await receive(far)) == sent
            far.close()
            assert (await harness.last_record()).outcome is Outcome.RESET_BY_CLIENT
            await harness.assert_nothing_left()

    run(main())


def test_lingering_after_a_reset_ends_at_the_deadline() -> None:
    async def main() -> None:
        with open_harness_with_upstream() as (harness, upstream):
            client, far, _ = await harness.open_tunnel(upstream)
            reset(far)
            await harness.last_record()
            assert await receive(client) == b""
            assert await harness.poller.idle_wake_ups() == 0
            harness.sweep(3)
            await harness.assert_nothing_left()

    run(main())


def notices_a_vanished_peer(sock: object) -> bool:
    """Whether the kernel asks a silent peer, and gives it up within two minutes."""
    assert isinstance(sock, socket.SocketType)
    idle, interval, count = (
        sock.getsockopt(socket.IPPROTO_TCP, option)
        for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
    )
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1 and idle + interval * count <= 120


def test_a_long_tunnel_is_recorded_while_open_and_at_its_end() -> None:
    async def main() -> None:
        with open_harness_with_upstream() as (harness, upstream):
            client, far, tunnel = await harness.open_tunnel(upstream)
            client.send(b"question")
            await receive(far, 8)
            harness.sweep(59)
            assert not harness.records
            assert not notices_a_vanished_peer(tunnel._upstream)
            harness.sweep(61)
            assert notices_a_vanished_peer(tunnel._upstream)
            (start,) = harness.records
            assert start.event == "start"
            assert start.outcome is None
            assert (start.client_read, start.upstream_written) == (len(harness.connect) + 8, 8)
            assert start.relay_ms is not None
            harness.sweep(200)
            assert len(harness.records) == 1

            client.close()
            far.close()
            end = await harness.last_record()
            assert end.id == start.id
            assert end.event == "end"
            assert (end.client_read, end.upstream_written) == (len(harness.connect) + 8, 8)
            await harness.assert_nothing_left()

    run(main())


@pytest.mark.parametrize(
    ("half_closed", "outcome"), [(False, Outcome.IDLE_TIMEOUT), (True, Outcome.HALF_CLOSED_TIMEOUT)]
)
def test_a_silent_tunnel_is_ended_on_both_sides(half_closed: bool, outcome: Outcome) -> None:
    async def main() -> None:
        limits = Limits(idle_seconds=50, half_closed_seconds=5)
        with open_harness_with_upstream(limits) as (harness, upstream):
            client, far, _ = await harness.open_tunnel(upstream)
            if half_closed:
                client.shutdown(socket.SHUT_WR)
                assert await receive(far) == b""
            harness.sweep(4 if half_closed else 49)
            assert not harness.records
            harness.sweep(6 if half_closed else 51)
            assert (await harness.last_record()).outcome is outcome
            await until(lambda: is_closed(client) and is_closed(far))
            await harness.assert_nothing_left()

    run(main())


def test_a_lifetime_set_by_a_reload_counts_for_new_tunnels() -> None:
    async def main() -> None:
        with open_harness_with_upstream() as (harness, upstream):
            early, far, _ = await harness.open_tunnel(upstream)
            in_force = harness.context.snapshot
            harness.context.adopt(structs.replace(in_force, limits=Limits(lifetime_seconds=50)))
            late, _, _ = await harness.open_tunnel(upstream)
            for owner, deadline in harness.context.late(time.monotonic() + 51):
                harness.poller.run(owner, owner.deadline_passed, deadline)
            harness.poller.finish_batch()
            assert (await harness.last_record()).outcome is Outcome.LIFETIME_OVER
            await until(lambda: is_closed(late))
            early.send(b"x")
            assert await receive(far, 1) == b"x"
            early.close()
            far.close()
            await harness.last_record(2)
            await harness.assert_nothing_left()

    run(main())


async def silent(harness: TunnelHarness) -> None:
    harness.accept()


async def half_a_head(harness: TunnelHarness) -> None:
    harness.accept(b"CONNECT ")


async def dialling(harness: TunnelHarness) -> None:
    harness.accept(harness.connect)
    await turns(20)


async def refused(harness: TunnelHarness) -> None:
    harness.accept(b"GET / HTTP/1.1\r\n\r\n")


@pytest.mark.parametrize(
    ("situation", "outcome"),
    [
        (silent, Outcome.CLOSED_UNUSED),
        (half_a_head, Outcome.CUT_BEFORE_TUNNEL),
        (dialling, Outcome.CUT_BEFORE_TUNNEL),
        (refused, Outcome.METHOD_NOT_ALLOWED),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_stop_in_any_state_is_recorded_and_leaves_nothing(
    hole: BlackHole, situation: Callable[[TunnelHarness], Any], outcome: Outcome
) -> None:
    async def main() -> None:
        before = descriptors()
        with open_harness(hole.port) as harness:
            await situation(harness)
            (connection,) = harness.context.connections
            connection.stop()
            harness.poller.finish_batch()
            assert [record.outcome for record in harness.final_records] == [outcome]
            await harness.assert_nothing_left()
        assert descriptors() == before

    run(main())


@pytest.mark.parametrize(
    ("situation", "outcome", "answer"),
    [
        (silent, Outcome.ENDED_BEFORE_TUNNEL, b""),
        (half_a_head, Outcome.ENDED_BEFORE_TUNNEL, b"HTTP/1.1 403 ended_before_tunnel: "),
        (dialling, Outcome.ENDED_BEFORE_TUNNEL, b"HTTP/1.1 403 ended_before_tunnel: "),
        (refused, Outcome.METHOD_NOT_ALLOWED, b"HTTP/1.1 405 method_not_allowed: "),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_an_operator_ends_a_connection_in_any_state(
    hole: BlackHole, situation: Callable[[TunnelHarness], Any], outcome: Outcome, answer: bytes
) -> None:
    async def main() -> None:
        before = descriptors()
        with open_harness(hole.port) as harness:
            await situation(harness)
            (connection,) = harness.context.connections
            connection.withdraw(Outcome.ENDED_BY_OPERATOR, "requested by uid 0")
            harness.poller.finish_batch()
            (client,) = harness._clients
            assert (await receive(client)).startswith(answer)
            client.close()
            assert (await harness.last_record()).outcome is outcome
            connection.withdraw(Outcome.ENDED_BY_OPERATOR, "once more")
            await harness.assert_nothing_left()
        assert descriptors() == before

    run(main())


def test_an_established_tunnel_can_be_cut_and_leaves_nothing() -> None:
    async def main() -> None:
        with open_harness_with_upstream() as (harness, upstream):
            client, far, tunnel = await harness.open_tunnel(upstream)
            tunnel.stop()
            harness.poller.finish_batch()
            assert (await harness.last_record()).outcome is Outcome.CUT_BY_STOP
            await until(lambda: is_closed(client) and is_closed(far))
            await harness.assert_nothing_left()

    run(main())


@pytest.mark.parametrize(
    ("broken", "answer"),
    [
        pytest.param((Conversation, "received"), "", id="reading the head"),
        pytest.param((Dialer, "prepare"), "500 internal_error", id="dialling"),
        pytest.param((Conversation, "connected"), "", id="being connected"),
        pytest.param((Relay, "begin"), "", id="establishing"),
    ],
)
def test_a_fault_ends_one_connection_and_leaves_nothing(
    broken: tuple[type, str], answer: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        before = descriptors()
        with open_harness_with_upstream() as (harness, _):
            with patch.object(*broken, side_effect=ZeroDivisionError):
                client, _ = harness.accept(harness.connect)
                assert await read_status(client) == answer
                client.close()
                record = await harness.last_record()
            assert record.outcome is Outcome.INTERNAL_ERROR
            assert record.detail == "ZeroDivisionError"
            await harness.assert_nothing_left()
        assert descriptors() == before

    run(main())
    (line,) = caplog.records
    assert line.exc_info is not None
    assert line.exc_info[0] is ZeroDivisionError


def test_a_fault_while_relaying_ends_only_one_tunnel(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        with open_harness_with_upstream() as (harness, upstream):
            client, far, tunnel = await harness.open_tunnel(upstream)
            other_client, other_far, _ = await harness.open_tunnel(upstream)
            assert tunnel._relay is not None
            faulty, carry = tunnel._relay.up, Flow.carry

            def fail(flow: Flow) -> bool:
                if flow is faulty:
                    raise ZeroDivisionError
                return carry(flow)

            with patch.object(Flow, "carry", fail):
                client.send(b"x")
                other_client.send(b"goes on")
                assert await receive(other_far, 7) == b"goes on"
                record = await harness.last_record()
            assert record.outcome is Outcome.INTERNAL_ERROR
            assert record.id == tunnel.record.id
            await until(lambda: is_closed(client) and is_closed(far))
            assert len(harness.context.connections) == 1

    run(main())
    assert [line.exc_info[0] for line in caplog.records if line.exc_info] == [ZeroDivisionError]
