"""Places for connections that wait: who is closed to make room, in which state, and what is recorded."""

import socket
from collections.abc import Awaitable, Callable
from unittest.mock import patch

import pytest

from licensegate.proxy.protocol.commands import Command
from licensegate.proxy.protocol.conversation import Conversation
from licensegate.proxy.settings import Limits
from licensegate.proxy.tunnel.tunnel import Tunnel
from licensegate.records.outcome import Outcome
from support.sockets import descriptors, is_closed, receive, run, turns, unread_bytes, until
from support.tls_client import IDENTITY, TlsClient
from support.tunnel_harness import (
    ESTABLISHED,
    HELLO,
    TunnelHarness,
    open_harness,
    open_harness_with_upstream,
    read_status,
)

ONE, OTHER, STRANGER = "127.0.0.1", "127.0.0.2", "203.0.113.9"
LIMITS = Limits(tunnels=1, waiting_per_client=2)
PLACES = 9  # for connections that wait: one tunnel, and eight more


async def silent(harness: TunnelHarness) -> tuple[socket.socket, Tunnel]:
    return harness.accept()


async def within_its_header(harness: TunnelHarness) -> tuple[socket.socket, Tunnel]:
    return harness.accept(b"PROXY ", behind_balancer=True)


async def within_its_hello(harness: TunnelHarness) -> tuple[socket.socket, Tunnel]:
    return harness.accept(b"\x16\x03\x01")


async def within_its_handshake(harness: TunnelHarness) -> tuple[socket.socket, Tunnel]:
    sock, tunnel = harness.accept()
    client = TlsClient(sock)
    client.tls.handshake()
    sock.send(client.tls.take_ciphertext())
    await until(lambda: unread_bytes(sock))
    return sock, tunnel


async def silent_after_its_handshake(harness: TunnelHarness) -> tuple[socket.socket, Tunnel]:
    client, tunnel = await harness.connect_tls()
    return client.sock, tunnel


async def within_its_head(harness: TunnelHarness) -> tuple[socket.socket, Tunnel]:
    return harness.accept(harness.connect[:-1])


async def refused(harness: TunnelHarness) -> tuple[socket.socket, Tunnel]:
    return harness.accept(b"GET / HTTP/1.1\r\n\r\n")


SITUATIONS = [
    silent, within_its_header, within_its_hello, within_its_handshake, silent_after_its_handshake, within_its_head,
]  # fmt: skip


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_clients_oldest_goes_in_any_state_and_leaves_nothing(
    situation: Callable[[TunnelHarness], Awaitable[tuple[socket.socket, Tunnel]]],
) -> None:
    async def main() -> None:
        before = descriptors()
        with open_harness(limits=LIMITS, identity=IDENTITY) as harness:
            client, tunnel = await situation(harness)
            newer = [harness.accept()[0] for _ in range(LIMITS.waiting_per_client)]
            record = await harness.last_record()
            assert record is tunnel.record
            assert (record.outcome, record.status) == (Outcome.CLIENT_CROWDED_OUT, 0)
            await until(lambda: is_closed(client))
            assert not any(map(is_closed, newer))
            for sock in newer:
                sock.close()
            await until(lambda: len(harness.final_records) == 3)
            await harness.assert_nothing_left()
        assert descriptors() == before

    run(main())


def test_a_refused_client_that_must_go_keeps_its_outcome() -> None:
    async def main() -> None:
        with open_harness(limits=LIMITS) as harness:
            client, _ = await refused(harness)
            for _ in range(LIMITS.waiting_per_client):
                harness.accept()
            record = await harness.last_record()
            assert (record.outcome, record.status) == (Outcome.METHOD_NOT_ALLOWED, 405)
            assert (await read_status(client)) == "405 method_not_allowed"

    run(main())


def test_sending_a_byte_now_and_then_does_not_keep_a_place() -> None:
    async def main() -> None:
        with open_harness(limits=LIMITS) as harness:
            slow, _ = harness.accept()
            harness.accept()
            for byte in harness.connect[:5]:
                slow.send(bytes([byte]))
                await turns(5)
            harness.accept()
            assert (await harness.last_record()).outcome is Outcome.CLIENT_CROWDED_OUT
            await until(lambda: is_closed(slow))

    run(main())


def test_a_flood_of_one_client_takes_no_place_of_another() -> None:
    async def main() -> None:
        with open_harness_with_upstream(Limits(tunnels=1)) as (harness, upstream):
            for number in range(PLACES):
                harness.accept(client=f"127.0.1.{number}")
            flood = [harness.accept(client=OTHER)[0] for _ in range(3 * PLACES)]
            client, _ = harness.accept(harness.connect)
            await upstream.accept()
            assert await receive(client, len(ESTABLISHED)) == ESTABLISHED
            assert harness.context.waiting.total <= PLACES
            assert {record.outcome for record in harness.final_records} == {Outcome.CROWDED_OUT}
            assert len(harness.final_records) == 3 * PLACES + 1
            assert sum(map(is_closed, flood)) == 3 * PLACES - 1, "their first and last ones are held by others"

    run(main())


def test_a_tunnel_waits_no_more_and_is_not_closed_for_others() -> None:
    async def main() -> None:
        with open_harness_with_upstream(LIMITS) as (harness, upstream):
            client, far, _ = await harness.open_tunnel(upstream)
            for number in range(2 * PLACES):
                harness.accept(client=f"127.0.1.{number}")
            client.send(b"question")
            assert await receive(far, 8) == b"question"
            assert harness.context.waiting.total == PLACES - 1

    run(main())


def test_a_request_that_is_there_at_once_takes_no_place() -> None:
    async def main() -> None:
        with open_harness_with_upstream(Limits(tunnels=PLACES)) as (harness, upstream):
            waiting = [harness.accept(client=f"127.0.1.{number}")[0] for number in range(PLACES + 8)]
            assert not harness.final_records
            await harness.open_tunnel(upstream)
            assert harness.context.waiting.total == PLACES + 7, "but the tunnel leaves one less to the others"
            assert [is_closed(client) for client in waiting] == [True] + [False] * (PLACES + 7)

    run(main())


def test_a_dial_that_takes_long_is_not_closed_for_others(slow_names: Callable[[str], object]) -> None:
    async def main() -> None:
        with open_harness(ask=slow_names, limits=LIMITS) as harness:  # type: ignore[arg-type]
            client, _ = harness.accept(harness.connect)
            for _ in range(2 * PLACES):
                harness.accept()
            assert not is_closed(client)
            assert harness.context.counter.tunnels == 1

    run(main())


def test_a_few_strangers_stay_and_the_others_are_closed_at_once() -> None:
    async def main() -> None:
        with open_harness() as harness:
            strangers = [harness.accept(client=f"203.0.113.{number}")[0] for number in range(20)]
            assert [record.outcome for record in harness.final_records] == [Outcome.CLIENT_NOT_ALLOWED] * 4
            assert {record.status for record in harness.final_records} == {0}
            assert [is_closed(stranger) for stranger in strangers] == [False] * 16 + [True] * 4
            assert not harness.context.waiting.total, "they take no places of clients"
            strangers[0].send(harness.connect)
            assert await read_status(strangers[0]) == "403 client_not_allowed"
            strangers[0].close()
            await until(lambda: len(harness.final_records) == 5)
            late, _ = harness.accept(harness.connect, client=STRANGER)
            assert await read_status(late) == "403 client_not_allowed"

    run(main())


def test_few_of_a_client_over_its_rate_stay_and_others_are_closed() -> None:
    async def main() -> None:
        limits = Limits(connections_per_client_per_second=0.001, burst=1)
        with open_harness_with_upstream(limits) as (harness, upstream):
            served, far, _ = await harness.open_tunnel(upstream)
            fast = [harness.accept()[0] for _ in range(20)]
            assert [record.outcome for record in harness.final_records] == [Outcome.CLIENT_RATE_EXCEEDED] * 4
            assert [is_closed(sock) for sock in fast] == [False] * 16 + [True] * 4
            assert not harness.context.waiting.total, "they take no places of others"
            fast[0].send(harness.connect)
            assert await read_status(fast[0]) == "429 client_rate_exceeded"
            fast[1].send(HELLO)
            assert (await receive(fast[1]))[:1] == b"\x15"
            for sock in (served, far, *fast):
                sock.close()
            await until(lambda: len(harness.final_records) == 21)
            await harness.assert_nothing_left()

    run(main())


def test_a_balancers_late_header_names_the_client_whose_rate_counts() -> None:
    async def main() -> None:
        with open_harness(limits=Limits(connections_per_client_per_second=0.001, burst=1)) as harness:
            late = [harness.accept(behind_balancer=True)[0] for _ in range(20)]
            rate = harness.context.counter.client_rate
            assert rate is not None
            assert len(rate) == 0, "the balancer itself does not count"
            for sock in late:
                sock.send(HEADER.format(OTHER).encode())
            await until(lambda: len(harness.final_records) == 3)
            assert {record.client for record in harness.final_records} == {OTHER}
            assert harness.context.waiting.total == 1, "only the first is served"
            assert len(harness.context.too_fast) == 16

    run(main())


HEADER = "PROXY TCP4 {} 192.0.2.1 40000 443\r\n"


def test_clients_behind_a_balancer_have_shares_of_their_own() -> None:
    async def main() -> None:
        with open_harness_with_upstream(Limits(tunnels=8, waiting_per_client=2)) as (harness, upstream):
            for client in (OTHER, OTHER, OTHER, ONE, ONE):
                harness.accept(HEADER.format(client).encode(), behind_balancer=True)
            record = await harness.last_record()
            assert (record.outcome, record.client, record.balancer) == (Outcome.CLIENT_CROWDED_OUT, OTHER, ONE)
            served, _ = harness.accept(HEADER.format(OTHER).encode() + harness.connect, behind_balancer=True)
            await upstream.accept()
            assert await receive(served, len(ESTABLISHED)) == ESTABLISHED

    run(main())


def test_a_balancers_header_that_comes_late_moves_the_connection() -> None:
    async def main() -> None:
        with open_harness(limits=Limits(tunnels=8, waiting_per_client=1)) as harness:
            behind, _ = harness.accept(behind_balancer=True)
            behind.send(HEADER.format(OTHER).encode())
            await turns(20)
            harness.accept(behind_balancer=True)
            assert not harness.final_records
            harness.accept(client=OTHER)
            assert (await harness.last_record()).balancer == ONE

    run(main())


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01"], ids=["nothing", "the start of a hello"])
def test_few_strangers_behind_a_balancer_may_stay(said: bytes) -> None:
    async def main() -> None:
        with open_harness() as harness:
            header = HEADER.format(STRANGER).encode()
            silent = [harness.accept(header, behind_balancer=True)[0] for _ in range(6)]
            assert [is_closed(sock) for sock in silent] == [False] * 4 + [True] * 2
            assert {record.outcome for record in harness.final_records} == {Outcome.CLIENT_NOT_ALLOWED}
            asked, _ = harness.accept(header + harness.connect, behind_balancer=True)
            assert await read_status(asked) == "403 client_not_allowed", "the answer costs nothing"
            silent[0].send(said or HELLO)
            assert (await receive(silent[0]))[:1] == b"\x15"

    run(main())


def test_a_fault_while_one_is_closed_does_not_harm_the_new_one(caplog: pytest.LogCaptureFixture) -> None:
    ended, faults = Conversation.ended, iter([ZeroDivisionError()])

    def fail_once(conversation: Conversation, outcome: Outcome, detail: str = "") -> Command:
        for fault in faults:
            raise fault
        return ended(conversation, outcome, detail)

    async def main() -> None:
        with (
            open_harness_with_upstream(Limits(tunnels=8, waiting_per_client=1)) as (harness, upstream),
            patch.object(Conversation, "ended", fail_once),
        ):
            harness.accept()
            client, _ = harness.accept()
            client.send(harness.connect)
            await upstream.accept()
            assert await receive(client, len(ESTABLISHED)) == ESTABLISHED
            assert (await harness.last_record()).outcome is Outcome.INTERNAL_ERROR

    run(main())
    assert [line.exc_info is not None for line in caplog.records] == [True]
