"""A connection until its tunnel begins: the head, the dial, and every way to fail."""

import socket
from collections.abc import Callable

import pytest

from licensegate.proxy.dial.dialer import DirectDial
from licensegate.proxy.settings import Limits
from licensegate.records.outcome import Outcome, Party
from support.sockets import (
    BlackHole,
    descriptors,
    fill_send_buffer,
    no_free_descriptors,
    receive,
    reset,
    run,
    turns,
    until,
)
from support.tunnel_harness import (
    ESTABLISHED,
    HOST,
    SPIN_LIMIT,
    BlockedLookup,
    open_harness,
    open_harness_with_upstream,
    read_status,
)
from support.upstream import closed_port

SOON = Limits(head_seconds=10, dial_seconds=15, idle_seconds=3600, half_closed_seconds=60)


def test_a_tunnel_from_its_head_to_its_record() -> None:
    async def main() -> None:
        with open_harness_with_upstream() as (harness, upstream):
            client, far, _ = await harness.open_tunnel(upstream)
            client.send(b"question")
            assert await receive(far, 8) == b"question"
            far.send(b"answer!")
            assert await receive(client, 7) == b"answer!"
            client.close()
            assert await receive(far) == b""
            far.close()

            record = await harness.last_record()
            assert record.outcome is Outcome.CLOSED_BY_CLIENT
            assert record.ended_first is Party.CLIENT
            assert record.target == f"{HOST}:{upstream.port}"
            assert (record.client_read, record.upstream_written) == (len(harness.connect) + 8, 8)
            assert (record.upstream_read, record.client_written) == (7, 7 + len(ESTABLISHED))
            for milliseconds in (record.head_ms, record.dial_ms, record.relay_ms, record.total_ms):
                assert milliseconds is not None
            await harness.assert_nothing_left()

    run(main())


def test_no_descriptor_outlives_its_tunnel() -> None:
    async def main() -> None:
        with open_harness_with_upstream() as (harness, upstream):
            before = descriptors()
            client, far, _ = await harness.open_tunnel(upstream)
            client.close()
            far.close()
            await harness.last_record()
            await turns(5)
            assert descriptors() == before

    run(main())


def test_bytes_after_the_head_are_the_first_in_the_tunnel() -> None:
    async def main() -> None:
        with open_harness_with_upstream() as (harness, upstream):
            client, _ = harness.accept(harness.connect + b"hello")
            far = await upstream.accept()
            assert await receive(far, 5) == b"hello"
            assert await receive(client, len(ESTABLISHED)) == ESTABLISHED

    run(main())


@pytest.mark.parametrize("ends", [False, True], ids=["and the client stays", "and the client ends its side"])
def test_bytes_sent_during_the_dial_wait_without_wake_ups(slow_names: BlockedLookup, ends: bool) -> None:
    async def main() -> None:
        with open_harness_with_upstream(ask=slow_names) as (harness, upstream):
            client, _ = harness.accept(harness.connect)
            client.send(b"sent early")
            if ends:
                client.shutdown(socket.SHUT_WR)
            assert await harness.poller.idle_wake_ups() <= SPIN_LIMIT
            slow_names.released.set()
            far = await upstream.accept()
            assert await receive(far, 10) == b"sent early"
            far.send(b"answer")
            assert await receive(client, len(ESTABLISHED) + 6) == ESTABLISHED + b"answer"

    run(main())


def test_a_client_that_half_closes_after_its_first_bytes_is_served(slow_names: BlockedLookup) -> None:
    async def main() -> None:
        with open_harness_with_upstream(ask=slow_names) as (harness, upstream):
            client, _ = harness.accept(harness.connect + b"question")
            client.shutdown(socket.SHUT_WR)
            await turns(20)
            slow_names.released.set()
            far = await upstream.accept()
            assert await receive(far) == b"question"
            far.send(b"answer")
            far.close()
            assert await receive(client) == ESTABLISHED + b"answer"

    run(main())


@pytest.mark.parametrize("sent", [b"C", b"CONNECT target.test:443 HTTP/1.1\r\nHost: "], ids=["a byte", "half a head"])
def test_an_incomplete_head_is_refused_at_the_deadline(sent: bytes) -> None:
    async def main() -> None:
        with open_harness(limits=SOON) as harness:
            client, _ = harness.accept()
            client.send(sent)
            assert await harness.poller.idle_wake_ups() == 0
            harness.sweep(SOON.head_seconds - 1)
            assert not harness.records
            harness.sweep(SOON.head_seconds + 1)
            assert await read_status(client) == "408 head_timeout"
            client.close()
            record = await harness.last_record()
            assert record.outcome is Outcome.HEAD_TIMEOUT
            await harness.assert_nothing_left()

    run(main())


def test_the_time_for_the_head_does_not_restart_with_each_byte() -> None:
    async def main() -> None:
        with open_harness(limits=SOON) as harness:
            client, tunnel = harness.accept()
            (expires,) = harness.context.deadlines.head._expires.values()
            for byte in b"CONN":
                client.send(bytes([byte]))
                await turns(5)
            assert harness.context.deadlines.head._expires == {tunnel: expires}

    run(main())


@pytest.mark.parametrize("late", [False, True], ids=["leaves", "stays for the time of a head"])
def test_a_connection_without_a_byte_ends_as_unused(late: bool) -> None:
    async def main() -> None:
        with open_harness(limits=SOON) as harness:
            client, _ = harness.accept()
            if late:
                harness.sweep(SOON.head_seconds + 1)
                assert await receive(client) == b""
            else:
                client.close()
            assert (await harness.last_record()).outcome is Outcome.CLOSED_UNUSED
            await harness.assert_nothing_left()

    run(main())


def test_a_client_that_leaves_within_its_head_is_recorded() -> None:
    async def main() -> None:
        with open_harness() as harness:
            client, _ = harness.accept(b"CONNECT ")
            client.close()
            assert (await harness.last_record()).outcome is Outcome.CLIENT_LEFT_IN_HEAD

    run(main())


def test_a_refusal_reaches_a_client_that_is_still_sending() -> None:
    async def main() -> None:
        with open_harness() as harness:
            client, _ = harness.accept(b"CONNECT evil.test:443 HTTP/1.1\r\n\r\n" + b"x" * 200_000)
            fill_send_buffer(client)
            assert await read_status(client) == "403 target_not_allowed"
            assert not harness.records, "it is recorded once the client has read it, or had its time"
            client.close()
            record = await harness.last_record()
            assert record.outcome is Outcome.TARGET_NOT_ALLOWED
            assert record.client_written > 100
            await harness.assert_nothing_left()

    run(main())


def test_a_client_that_stays_after_a_refusal_is_closed() -> None:
    async def main() -> None:
        with open_harness() as harness:
            client, _ = harness.accept(b"GET / HTTP/1.1\r\n\r\n")
            assert await read_status(client) == "405 method_not_allowed"
            assert await harness.poller.idle_wake_ups() == 0
            harness.sweep(3)
            assert (await harness.last_record()).outcome is Outcome.METHOD_NOT_ALLOWED
            await harness.assert_nothing_left()

    run(main())


def test_a_target_that_refuses_is_a_502_with_its_address() -> None:
    async def main() -> None:
        port = closed_port()
        with open_harness(port) as harness:
            client, _ = harness.accept(harness.connect)
            assert await read_status(client) == "502 connection_refused"
            client.close()
            record = await harness.last_record()
            assert record.outcome is Outcome.CONNECTION_REFUSED
            assert record.detail == f"127.0.0.1:{port}, ECONNREFUSED"

    run(main())


def test_a_name_that_hangs_is_a_504(slow_names: BlockedLookup) -> None:
    async def main() -> None:
        with open_harness(ask=slow_names) as harness:
            client, _ = harness.accept(harness.connect)
            assert await read_status(client) == "504 dns_timeout"
            client.close()
            assert (await harness.last_record()).outcome is Outcome.DNS_TIMEOUT
            slow_names.released.set()
            await harness.assert_nothing_left()

    run(main())


def test_the_dial_time_includes_the_look_up(slow_names: BlockedLookup) -> None:
    async def main() -> None:
        with open_harness(ask=slow_names, limits=SOON) as harness:
            client, _ = harness.accept(harness.connect)
            harness.sweep(SOON.dial_seconds + 1)
            assert await read_status(client) == "504 dns_timeout"

    run(main())


def test_a_silent_target_is_a_504_with_its_address(hole: BlackHole) -> None:
    async def main() -> None:
        with open_harness(hole.port, SOON) as harness:
            client, tunnel = harness.accept(harness.connect)
            await until(lambda: tunnel._pending_dial)
            dialling = tunnel._pending_dial
            assert isinstance(dialling, DirectDial)
            await until(lambda: dialling._attempts)
            ((attempt, _, _),) = dialling._attempts.values()
            assert await harness.poller.idle_wake_ups() <= SPIN_LIMIT
            harness.sweep(SOON.dial_seconds + 1)
            assert attempt.fileno() == -1
            assert await read_status(client) == "504 connection_timeout"
            client.close()
            record = await harness.last_record()
            assert record.outcome is Outcome.CONNECTION_TIMEOUT
            assert record.detail == f"127.0.0.1:{hole.port}"
            await harness.assert_nothing_left()

    run(main())


@pytest.mark.parametrize("leave", [socket.socket.close, reset], ids=["closes", "resets"])
@pytest.mark.parametrize("resolving", [True, False], ids=["while its name is looked up", "while its address is silent"])
@pytest.mark.parametrize(
    ("behind", "later"),
    [(b"", b""), (b"\r\n", b""), (b"", b"\r\n")],
    ids=["without a word", "an empty line", "a late empty line"],
)
def test_a_client_that_leaves_during_the_dial_ends_the_dial(
    hole: BlackHole,
    slow_names: BlockedLookup,
    leave: Callable[[socket.socket], None],
    resolving: bool,
    behind: bytes,
    later: bytes,
) -> None:
    async def main() -> None:
        before = descriptors()
        with open_harness(hole.port, ask=slow_names if resolving else None) as harness:
            client, _ = harness.accept(harness.connect + behind)
            await turns(20)
            client.send(later)
            await turns(20)
            leave(client)
            record = await harness.last_record()
            assert record.outcome is Outcome.CLIENT_LEFT_IN_DIAL
            assert await harness.poller.idle_wake_ups() == 0
            slow_names.released.set()
            await harness.assert_nothing_left()
        assert descriptors() == before

    run(main())


def test_no_descriptor_for_the_upstream_is_answered(hole: BlackHole) -> None:
    async def main() -> None:
        with open_harness(hole.port) as harness:
            client, _ = harness.accept()
            await harness.resolve(HOST)
            with no_free_descriptors():
                client.send(harness.connect)
                assert await read_status(client) == "503 descriptors_exhausted"

    run(main())
