"""The first bytes in a tunnel: neither side gets the other's bytes before they pass."""

import socket
from collections.abc import Awaitable, Callable
from unittest.mock import patch

import pytest

from licensegate.proxy.settings import TunnelChecks
from licensegate.proxy.wire import client_hello
from licensegate.records.alert import Alert
from licensegate.records.outcome import Outcome
from licensegate.records.record import ServerNameCheck
from support.client_hellos import RECORDED, hello_message, in_records, server_name_extension
from support.sockets import receive, run, turns, unread_bytes, until
from support.tls_client import IDENTITY
from support.tunnel_harness import (
    ESTABLISHED,
    HELLO,
    HOST,
    SPIN_LIMIT,
    BlockedLookup,
    LoopUpstream,
    TunnelHarness,
    open_harness_with_upstream,
)

CHECKS = TunnelChecks()
BANNER = b"220 smtp.example ESMTP\r\n"
"""The banner of a server that speaks first."""


def test_the_200_comes_before_the_hello_and_is_counted() -> None:
    async def main() -> None:
        with open_harness_with_upstream(checks=CHECKS) as (harness, upstream):
            client, far, _ = await harness.open_tunnel(upstream)
            client.send(HELLO)
            assert await receive(far, len(HELLO)) == HELLO
            far.send(b"answer")
            assert await receive(client, 6) == b"answer"
            client.close()
            far.close()
            record = await harness.last_record()
            assert record.outcome is Outcome.CLOSED_BY_CLIENT
            assert (record.server_name_check, record.server_name) == (ServerNameCheck.MATCH, HOST)
            assert record.client_written == len(ESTABLISHED) + 6
            assert record.client_read == len(harness.connect) + len(HELLO)
            assert record.upstream_written == len(HELLO)
            await harness.assert_nothing_left()

    run(main())


@pytest.mark.parametrize("when", ["with the head", "while the target is dialled", "in two parts, one early"])
def test_a_hello_may_come_early(slow_names: BlockedLookup, when: str) -> None:
    async def main() -> None:
        with open_harness_with_upstream(ask=slow_names, checks=CHECKS) as (harness, upstream):
            early = {"with the head": HELLO, "in two parts, one early": HELLO[:40]}.get(when, b"")
            client, _ = harness.accept(harness.connect + early)
            await turns(20)
            if when == "while the target is dialled":
                client.send(HELLO)
            assert await harness.poller.idle_wake_ups() <= SPIN_LIMIT
            slow_names.released.set()
            far = await upstream.accept()
            assert await receive(client, len(ESTABLISHED)) == ESTABLISHED
            if when == "in two parts, one early":
                assert not unread_bytes(far)
                client.send(HELLO[40:])
            assert await receive(far, len(HELLO)) == HELLO

    run(main())


@pytest.mark.parametrize("hello", [HELLO, RECORDED["openssl-over-16-kb"].hello], ids=["one record", "over 16 KB"])
def test_a_hello_in_pieces_passes_only_when_it_is_whole(hello: bytes) -> None:
    async def main() -> None:
        with open_harness_with_upstream(checks=TunnelChecks(match_server_name=False)) as (harness, upstream):
            client, far, _ = await harness.open_tunnel(upstream)
            for byte in hello[:60]:
                client.send(bytes([byte]))
                await turns(1)
            client.send(hello[60:-1])
            await turns(20)
            assert not unread_bytes(far)
            client.send(hello[-1:])
            assert await receive(far, len(hello)) == hello

    run(main())


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "inside TLS"])
def test_each_record_of_a_split_hello_is_parsed_once(secure: bool) -> None:
    """Otherwise thousands of records, sent one by one, would block the gate for a minute."""

    async def main() -> None:
        with open_harness_with_upstream(checks=CHECKS, identity=IDENTITY) as (harness, upstream):
            send, far = await (secure_sender if secure else plain_sender)(harness, upstream)
            with patch.object(client_hello, "_record_end", wraps=client_hello._record_end) as looked:
                for place in range(0, len(CUT), 6):
                    await send(CUT[place : place + 6])
                    await turns(3)
                assert await receive(far, len(CUT)) == CUT
            assert looked.call_count <= 3 * len(CUT) / 6

    run(main())


CUT = in_records(hello_message(server_name_extension(HOST.encode())), [1] * 100)


Send = Callable[[bytes], Awaitable[None]]


async def plain_sender(harness: TunnelHarness, upstream: LoopUpstream) -> tuple[Send, socket.socket]:
    client, far, _ = await harness.open_tunnel(upstream)

    async def send(data: bytes) -> None:
        client.send(data)

    return send, far


async def secure_sender(harness: TunnelHarness, upstream: LoopUpstream) -> tuple[Send, socket.socket]:
    client, far, _ = await harness.open_tls_tunnel(upstream)
    return client.send, far


def test_bytes_after_the_hello_pass_with_it() -> None:
    async def main() -> None:
        with open_harness_with_upstream(checks=CHECKS) as (harness, upstream):
            client, far, _ = await harness.open_tunnel(upstream)
            client.send(HELLO + b"\x17\x03\x03\x00\x05early")
            assert await receive(far, len(HELLO) + 10) == HELLO + b"\x17\x03\x03\x00\x05early"
            far.send(b"\x16\x03\x03\x00\x02ab\x15\x03\x03\x00\x02\x02\x30")
            await receive(client, 14)
            client.close()
            far.close()
            record = await harness.last_record()
            assert record.client_records == [(0x17, 5)]
            assert record.upstream_records == [(0x16, 2), (0x15, 2)]
            assert (record.client_alert, record.upstream_alert) == (None, Alert.UNKNOWN_CA)

    run(main())


def test_an_upstream_that_speaks_first_waits_for_the_hello() -> None:
    async def main() -> None:
        with open_harness_with_upstream(checks=CHECKS) as (harness, upstream):
            client, far, tunnel = await harness.open_tunnel(upstream)
            far.send(BANNER)
            own = tunnel._upstream
            assert own is not None
            await until(lambda: unread_bytes(own))
            assert await harness.poller.idle_wake_ups() == 0
            assert not unread_bytes(client)
            assert unread_bytes(own) == len(BANNER), "it was read before it may be heard"

            client.send(HELLO)
            assert await receive(client, len(BANNER)) == BANNER

    run(main())


def test_without_checks_an_upstream_may_speak_first() -> None:
    async def main() -> None:
        with open_harness_with_upstream() as (harness, upstream):
            client, far, _ = await harness.open_tunnel(upstream)
            far.send(BANNER)
            assert await receive(client, len(BANNER)) == BANNER

    run(main())
