"""Memory before a tunnel: what is counted in each state, given back, and closed when it is too much."""

import pytest

from licensegate.proxy.settings import Limits, TunnelChecks
from licensegate.records.outcome import Outcome
from support.client_hellos import extension, hello_message, in_records, server_name_extension
from support.sockets import is_closed, receive, run, turns, until
from support.tls_client import IDENTITY, TlsClient
from support.tunnel_harness import (
    ESTABLISHED,
    HELLO,
    HOST,
    BlockedLookup,
    TunnelHarness,
    open_harness,
    open_harness_with_upstream,
)

BIG_HELLO = in_records(hello_message(server_name_extension(HOST.encode()), extension(0xFFCE, bytes(60_000))))
TLS_BYTES = 48 << 10
CHECKED = TunnelChecks()


async def holds(harness: TunnelHarness, size: int) -> None:
    """Wait until all connections together hold so many bytes."""
    await until(lambda: harness.context.held.total == size)


@pytest.mark.parametrize("head", [b"CONNECT ", b"\x16\x03\x01\x10\x00\x01\x00\x0f\xfc"], ids=["HTTP", "TLS"])
def test_an_incomplete_message_is_counted_as_it_grows(head: bytes) -> None:
    async def main() -> None:
        with open_harness() as harness:
            client, _ = harness.accept(head)
            assert harness.context.held.total == len(head)
            client.send(b"x" * 50)
            await holds(harness, len(head) + 50)
            client.close()
            await harness.last_record()
            await harness.assert_nothing_left()

    run(main())


def test_a_hello_in_several_records_counts_what_is_joined_too() -> None:
    async def main() -> None:
        with open_harness() as harness:
            client, _ = harness.accept(BIG_HELLO[:40_000])
            await until(lambda: harness.context.held.total > 40_000)
            await turns(20)
            assert harness.context.held.total == 40_000 + 2 * (1 << 14), "two records of three are complete"
            client.close()

    run(main())


def test_first_bytes_in_a_tunnel_are_counted_until_it_is_established() -> None:
    async def main() -> None:
        with open_harness_with_upstream(checks=CHECKED) as (harness, upstream):
            client, _ = harness.accept(harness.connect)
            far = await upstream.accept()
            assert await receive(client, len(ESTABLISHED)) == ESTABLISHED
            assert not harness.context.held
            client.send(HELLO[:-1])
            await holds(harness, len(HELLO) - 1)
            client.send(HELLO[-1:])
            assert await receive(far, len(HELLO)) == HELLO
            assert not harness.context.held

    run(main())


def test_what_a_client_sends_during_a_dial_is_counted(slow_names: BlockedLookup) -> None:
    async def main() -> None:
        with open_harness_with_upstream(ask=slow_names) as (harness, upstream):
            client, _ = harness.accept(harness.connect + b"early")
            assert harness.context.held.total == 5
            client.send(b" and more")
            await holds(harness, 14)
            slow_names.released.set()
            far = await upstream.accept()
            assert await receive(far, 14) == b"early and more"
            assert not harness.context.held

    run(main())


def test_tls_with_the_gate_is_counted_until_the_tunnel() -> None:
    async def main() -> None:
        with open_harness_with_upstream(identity=IDENTITY) as (harness, upstream):
            client, _ = await harness.connect_tls()
            assert harness.context.held.total == TLS_BYTES
            await client.send(harness.connect[:10])
            await holds(harness, TLS_BYTES + 10)
            await client.send(harness.connect[10:])
            await upstream.accept()
            assert await client.receive(len(ESTABLISHED)) == ESTABLISHED
            assert not harness.context.held

    run(main())


def test_a_refused_client_holds_nothing_while_it_reads_why() -> None:
    async def main() -> None:
        with open_harness() as harness:
            client, tunnel = harness.accept(BIG_HELLO[:30_000])
            await until(lambda: harness.context.held.total > 30_000)
            client.send(b"\xff" * 40_000)
            await until(lambda: tunnel.record.outcome is Outcome.HELLO_MALFORMED)
            assert not harness.context.held
            assert tunnel.conversation.held == 0

    run(main())


def test_the_largest_connection_of_the_largest_client_is_closed() -> None:
    async def main() -> None:
        with open_harness(limits=Limits(waiting_bytes=1 << 16)) as harness:
            small, _ = harness.accept(b"CONNECT ", client="127.0.0.2")
            clients = [harness.accept(b"G" * size, client="127.0.0.3")[0] for size in (2000, 7000, 4000)]
            many = [harness.accept(b"G" * 7000, client="127.0.0.3")[0] for _ in range(3)]
            await until(lambda: harness.final_records)
            assert {record.outcome for record in harness.final_records} == {Outcome.WAITING_BYTES_EXHAUSTED}
            assert is_closed(clients[1])
            assert [is_closed(client) for client in (small, clients[0], *many)] == [False] * 5
            assert harness.context.held.total <= 1 << 15

    run(main())


def test_a_client_with_tls_may_take_half_of_the_memory() -> None:
    async def main() -> None:
        limits = Limits(waiting_bytes=4 * TLS_BYTES)
        with open_harness(limits=limits, identity=IDENTITY) as harness:
            kept = [(await harness.connect_tls())[0] for _ in range(2)]
            last, _ = await harness.connect_tls()
            record = await harness.last_record()
            assert (record.outcome, record.status) == (Outcome.WAITING_BYTES_EXHAUSTED, 0)
            closed = [client for client in (*kept, last) if is_closed(client.sock)]
            assert len(closed) == 1

    run(main())


def test_a_dial_of_a_client_that_sent_too_much_is_not_begun() -> None:
    async def main() -> None:
        with open_harness_with_upstream(Limits(waiting_bytes=8)) as (harness, upstream):
            client, _ = harness.accept(harness.connect + b"x" * 9)
            record = await harness.last_record()
            assert record.outcome is Outcome.WAITING_BYTES_EXHAUSTED
            await until(lambda: is_closed(client))
            await harness.assert_nothing_left()
            assert not upstream.accepted

    run(main())


def test_a_handshake_for_which_there_is_no_memory_is_closed() -> None:
    async def main() -> None:
        with open_harness(limits=Limits(waiting_bytes=TLS_BYTES), identity=IDENTITY) as harness:
            sock, _ = harness.accept()
            client = TlsClient(sock)
            client.tls.handshake()
            sock.send(client.tls.take_ciphertext())
            assert (await harness.last_record()).outcome is Outcome.WAITING_BYTES_EXHAUSTED
            await until(lambda: is_closed(sock))
            await harness.assert_nothing_left()

    run(main())
