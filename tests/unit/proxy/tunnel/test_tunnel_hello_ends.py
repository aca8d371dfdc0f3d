"""Tunnels that end before their first bytes pass."""

import socket
from collections.abc import Awaitable, Callable

import pytest

from licensegate.proxy.settings import Limits, TunnelChecks
from licensegate.proxy.wire.tls_records import fatal_alert
from licensegate.records.alert import Alert
from licensegate.records.outcome import Outcome, Party
from licensegate.records.record import ServerNameCheck
from support.client_hellos import hello_message, in_records, server_name_extension
from support.sockets import descriptors, is_closed, receive, reset, run, turns, unread_bytes, until
from support.tls_client import IDENTITY, TlsClient
from support.tunnel_harness import ESTABLISHED, HELLO, SPIN_LIMIT, open_harness_with_upstream

CHECKS = TunnelChecks()
SOON = Limits(hello_seconds=30)
NAMELESS = in_records(hello_message())
ANOTHERS = in_records(hello_message(server_name_extension(b"evil.example")))
BROKEN = in_records(hello_message(b"\0\0\0\x50"))
BANNER = b"220 smtp.example ESMTP\r\n"
"""The banner of a server that speaks first."""


LEAVES: dict[str, Callable[[socket.socket], None]] = {
    "ends its side": lambda sock: sock.shutdown(socket.SHUT_WR),
    "closes": socket.socket.close,
    "resets": reset,
}


@pytest.mark.parametrize("leave", LEAVES.values(), ids=LEAVES.keys())
@pytest.mark.parametrize("said", [b"", BANNER], ids=["without a word", "after it spoke"])
def test_an_upstream_that_left_is_noticed_after_the_hello(leave: Callable[[socket.socket], None], said: bytes) -> None:
    async def main() -> None:
        with open_harness_with_upstream(checks=CHECKS) as (harness, upstream):
            client, far, _ = await harness.open_tunnel(upstream)
            far.send(said)
            leave(far)
            assert await harness.poller.idle_wake_ups() == 0
            assert not harness.records
            assert not unread_bytes(client)

            client.send(HELLO)
            assert await receive(client) == said
            if far.fileno() != -1:
                assert await receive(far, len(HELLO)) == HELLO
            client.close()
            record = await harness.last_record()
            reset_ = leave is reset
            assert record.outcome is (Outcome.RESET_BY_UPSTREAM if reset_ else Outcome.CLOSED_BY_UPSTREAM)
            assert record.ended_first is Party.UPSTREAM
            await harness.assert_nothing_left()

    run(main())


@pytest.mark.parametrize("leave", LEAVES.values(), ids=LEAVES.keys())
@pytest.mark.parametrize("said", [b"", HELLO[:1], HELLO[:-1]], ids=["nothing", "a byte", "all but a byte"])
def test_a_client_that_leaves_within_its_hello_is_recorded(leave: Callable[[socket.socket], None], said: bytes) -> None:
    async def main() -> None:
        before = descriptors()
        with open_harness_with_upstream(checks=CHECKS) as (harness, upstream):
            client, far, _ = await harness.open_tunnel(upstream)
            client.send(said)
            await turns(20)
            leave(client)
            record = await harness.last_record()
            assert record.outcome is Outcome.CLIENT_LEFT_IN_INNER_HELLO
            assert record.status == 200
            assert record.client_written == len(ESTABLISHED)
            assert await receive(far) == b"", "nothing of it passes"
            await harness.assert_nothing_left()
            upstream.close()
            client.close()
        assert descriptors() <= before

    run(main())


@pytest.mark.parametrize("said", [b"", HELLO[:1], HELLO[:-1]], ids=["nothing", "a byte", "all but a byte"])
def test_an_incomplete_hello_is_closed_at_the_deadline(
    said: bytes,
) -> None:
    async def main() -> None:
        with open_harness_with_upstream(SOON, checks=CHECKS) as (harness, upstream):
            client, far, _ = await harness.open_tunnel(upstream)
            client.send(said)
            await turns(20)
            assert await harness.poller.idle_wake_ups() == 0
            harness.sweep(SOON.hello_seconds - 1)
            assert not harness.records
            harness.sweep(SOON.hello_seconds + 1)
            record = await harness.last_record()
            assert record.outcome is Outcome.INNER_HELLO_TIMEOUT
            assert record.server_name_check is ServerNameCheck.TIMEOUT
            await until(lambda: is_closed(client))
            assert await receive(far) == b""
            await harness.assert_nothing_left()

    run(main())


def test_the_time_for_the_hello_does_not_restart_with_each_byte() -> None:
    async def main() -> None:
        with open_harness_with_upstream(SOON, checks=CHECKS) as (harness, upstream):
            client, _, tunnel = await harness.open_tunnel(upstream)
            (expires,) = harness.context.deadlines.hello._expires.values()
            for byte in HELLO[:5]:
                client.send(bytes([byte]))
                await turns(5)
            assert harness.context.deadlines.hello._expires == {tunnel: expires}

    run(main())


REFUSED = {
    "another name": (ANOTHERS, Outcome.SERVER_NAME_MISMATCH, ServerNameCheck.MISMATCH, Alert.UNRECOGNIZED_NAME),
    "no name": (NAMELESS, Outcome.SERVER_NAME_ABSENT, ServerNameCheck.ABSENT, Alert.UNRECOGNIZED_NAME),
    "a broken hello": (BROKEN, Outcome.INNER_HELLO_MALFORMED, ServerNameCheck.MALFORMED, Alert.DECODE_ERROR),
    "SSH": (b"SSH-2.0-OpenSSH_9.2\r\n", Outcome.INNER_NOT_TLS, ServerNameCheck.NOT_TLS, None),
    "HTTP": (b"GET / HTTP/1.1\r\n\r\n", Outcome.INNER_NOT_TLS, ServerNameCheck.NOT_TLS, None),
    "SSL 2": (b"\x80\x2e\x01\x00\x02" + bytes(43), Outcome.INNER_NOT_TLS, ServerNameCheck.NOT_TLS, None),
}


@pytest.mark.parametrize("early", [False, True], ids=["after the answer", "with the head"])
@pytest.mark.parametrize(("sent", "outcome", "check", "alert"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refused_hello_reaches_no_upstream(
    sent: bytes, outcome: Outcome, check: ServerNameCheck, alert: Alert | None, early: bool
) -> None:
    async def main() -> None:
        with open_harness_with_upstream(checks=TunnelChecks(require_server_name=True)) as (harness, upstream):
            client, _ = harness.accept(harness.connect + (sent if early else b""))
            far = await upstream.accept()
            far.send(BANNER)
            assert await receive(client, len(ESTABLISHED)) == ESTABLISHED
            if not early:
                client.send(sent)
            assert await receive(client) == (b"" if alert is None else fatal_alert(alert))
            client.close()
            record = await harness.last_record()
            assert (record.outcome, record.server_name_check) == (outcome, check)
            assert (record.status, record.upstream_written, record.upstream_read) == (200, 0, 0)
            assert record.client_written == len(ESTABLISHED) + (0 if alert is None else 7)
            assert await receive(far) == b""
            await harness.assert_nothing_left()

    run(main())


def test_an_alert_reaches_a_client_that_still_sends() -> None:
    async def main() -> None:
        with open_harness_with_upstream(checks=CHECKS) as (harness, upstream):
            client, far, _ = await harness.open_tunnel(upstream)
            client.send(ANOTHERS + b"x" * 100_000)
            await turns(20)
            client.send(b"x" * 100_000)
            await turns(20)
            assert await receive(client) == fatal_alert(Alert.UNRECOGNIZED_NAME)
            assert await receive(far) == b""
            client.close()
            assert (await harness.last_record()).outcome is Outcome.SERVER_NAME_MISMATCH
            await harness.assert_nothing_left()

    run(main())


def test_a_stopping_gate_cuts_tunnels_that_wait_for_a_hello() -> None:
    async def main() -> None:
        with open_harness_with_upstream(checks=CHECKS) as (harness, upstream):
            client, far, tunnel = await harness.open_tunnel(upstream)
            tunnel.stop()
            harness.poller.finish_batch()
            assert (await harness.last_record()).outcome is Outcome.CUT_BY_STOP
            await until(lambda: is_closed(client) and is_closed(far))
            await harness.assert_nothing_left()

    run(main())


async def leaves(client: TlsClient) -> None:
    await client.close_notify()


async def is_silent(client: TlsClient) -> None:
    await client.send(HELLO[:1])


async def asks_for_another(client: TlsClient) -> None:
    await client.send(ANOTHERS)


@pytest.mark.parametrize(
    ("what", "outcome", "heard"),
    [
        (leaves, Outcome.CLIENT_LEFT_IN_INNER_HELLO, b""),
        (is_silent, Outcome.INNER_HELLO_TIMEOUT, b""),
        (asks_for_another, Outcome.SERVER_NAME_MISMATCH, fatal_alert(Alert.UNRECOGNIZED_NAME)),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_hello_inside_tls_to_the_gate_is_judged_the_same(
    what: Callable[[TlsClient], Awaitable[None]], outcome: Outcome, heard: bytes
) -> None:
    async def main() -> None:
        with open_harness_with_upstream(SOON, checks=CHECKS, identity=IDENTITY) as (harness, upstream):
            client, far, _ = await harness.open_tls_tunnel(upstream)
            far.send(BANNER)
            await what(client)
            assert await harness.poller.idle_wake_ups() <= SPIN_LIMIT
            harness.sweep(SOON.hello_seconds + 1)
            assert await client.receive() == heard
            assert client.received_close_notify
            client.sock.close()
            assert (await harness.last_record()).outcome is outcome
            assert await receive(far) == b""
            await harness.assert_nothing_left()

    run(main())
