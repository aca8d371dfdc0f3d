import asyncio
import random
import socket
import time
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensegate.proxy.tunnel import flow as flow_module
from licensegate.proxy.tunnel.flow import Flow
from licensegate.records.outcome import Outcome, Party
from support.relay_harness import HALF_CLOSED, IDLE, LIFETIME, open_relay, send_and_receive
from support.sockets import is_closed, receive, reset, run, turns, until, wait_for_end
from support.tunnel_harness import SPIN_LIMIT

BLOB = random.Random(2).randbytes(3 << 20)


def test_the_first_bytes_go_first_in_each_direction() -> None:
    async def main() -> None:
        with open_relay(to_client=b"200 ", to_upstream=b"hello ") as harness:
            harness.client.send(b"upstream")
            harness.upstream.send(b"client")
            assert await receive(harness.client, 10) == b"200 client"
            assert await receive(harness.upstream, 14) == b"hello upstream"

    run(main())


@pytest.mark.parametrize("first", [Party.CLIENT, Party.UPSTREAM])
def test_a_side_that_ended_is_still_answered(first: Party) -> None:
    async def main() -> None:
        with open_relay() as harness:
            ends = [harness.client, harness.upstream]
            asker, answerer = ends if first is Party.CLIENT else reversed(ends)
            asker.send(b"question")
            asker.shutdown(socket.SHUT_WR)
            assert await receive(answerer) == b"question"
            assert not harness.ended

            answerer.send(b"answer")
            answerer.shutdown(socket.SHUT_WR)
            assert await receive(asker) == b"answer"
            await until(lambda: harness.ended)
            closed_by = Outcome.CLOSED_BY_CLIENT if first is Party.CLIENT else Outcome.CLOSED_BY_UPSTREAM
            assert harness.ended == [(closed_by, "")]
            assert harness.relay.ended_first is first

    run(main())


def test_an_end_behind_the_last_bytes_takes_no_further_wake_up() -> None:
    async def main() -> None:
        with open_relay() as harness:
            before = harness.poller.wake_ups
            harness.client.send(b"last words")
            harness.client.shutdown(socket.SHUT_WR)
            wait_for_end(harness.client_side.fileno())
            assert await receive(harness.upstream) == b"last words"
            assert harness.poller.wake_ups == before + 1

    run(main())


def test_ending_both_sides_at_once_ends_the_relay_once() -> None:
    async def main() -> None:
        with open_relay() as harness:
            harness.client.close()
            harness.upstream.close()
            await until(lambda: harness.ended)
            await turns(20)
            assert len(harness.ended) == 1

    run(main())


@pytest.mark.parametrize("party", [Party.CLIENT, Party.UPSTREAM])
@pytest.mark.parametrize("much", [False, True], ids=["a few bytes", "more than the relay can pass on"])
def test_bytes_before_a_reset_reach_a_slow_reader(party: Party, much: bool) -> None:
    async def main() -> None:
        with open_relay() as harness:
            ends = [harness.client, harness.upstream]
            writer, reader = ends if party is Party.CLIENT else reversed(ends)
            flow = harness.relay.up if party is Party.CLIENT else harness.relay.down
            sent = writer.send(BLOB[:1000])
            while much and not flow.blocked:
                await turns(2)
                sent += writer.send(BLOB[sent % 1000 : sent % 1000 + 50_000])
            reset(writer)
            if much:
                await turns(20)
                assert not harness.ended

            received = await receive(reader)
            assert len(received) == sent
            assert received.startswith(BLOB[:1000])
            reset_by = Outcome.RESET_BY_CLIENT if party is Party.CLIENT else Outcome.RESET_BY_UPSTREAM
            assert harness.ended == [(reset_by, "ECONNRESET")]
            assert harness.relay.ended_first is party

    run(main())


@pytest.mark.parametrize("party", [Party.CLIENT, Party.UPSTREAM])
def test_a_reader_that_resets_ends_the_tunnel(party: Party) -> None:
    async def main() -> None:
        with open_relay() as harness:
            ends = [harness.client, harness.upstream]
            reader, writer = ends if party is Party.CLIENT else reversed(ends)
            await harness.block(writer, harness.relay.down if party is Party.CLIENT else harness.relay.up)
            reset(reader)
            reset_by = Outcome.RESET_BY_CLIENT if party is Party.CLIENT else Outcome.RESET_BY_UPSTREAM
            writer.close()
            await until(lambda: harness.ended)
            assert harness.ended[0][0] is reset_by

    run(main())


def test_a_blocked_tunnel_is_not_read_and_causes_no_wake_ups() -> None:
    async def main() -> None:
        with open_relay() as harness:
            await harness.block(harness.client, harness.relay.up)
            await harness.block(harness.upstream, harness.relay.down)
            left = harness.unread_bytes
            assert left
            flows = harness.relay.up, harness.relay.down
            read = [flow.read for flow in flows]
            assert await harness.poller.idle_wake_ups() <= SPIN_LIMIT
            assert harness.unread_bytes >= left, "what was on its way may have arrived"
            assert [flow.read for flow in flows] == read
            for flow in flows:
                assert flow.read - flow.written <= flow_module._PIPE_BYTES

    run(main())


@pytest.mark.parametrize("break_off", [False, True], ids=["ends", "resets"])
@pytest.mark.parametrize("party", [Party.CLIENT, Party.UPSTREAM])
def test_a_writer_that_leaves_a_full_reader_causes_no_wake_ups(party: Party, break_off: bool) -> None:
    async def main() -> None:
        with open_relay() as harness:
            writer = harness.client if party is Party.CLIENT else harness.upstream
            await harness.block(writer, harness.relay.up if party is Party.CLIENT else harness.relay.down)
            if break_off:
                writer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            writer.close()
            assert await harness.poller.idle_wake_ups() <= SPIN_LIMIT
            assert not harness.ended, "there are bytes that its reader has not got"

    run(main())


@pytest.mark.parametrize("party", [Party.CLIENT, Party.UPSTREAM])
def test_an_end_is_passed_on_after_the_last_byte(party: Party) -> None:
    async def main() -> None:
        with open_relay() as harness:
            ends = [harness.client, harness.upstream]
            writer, reader = ends if party is Party.CLIENT else reversed(ends)
            sent = await harness.block(writer, harness.relay.up if party is Party.CLIENT else harness.relay.down)
            writer.shutdown(socket.SHUT_WR)
            await turns(20)
            assert len(await receive(reader)) == sent

    run(main())


@pytest.mark.parametrize("party", [Party.CLIENT, Party.UPSTREAM])
def test_a_half_closed_tunnel_causes_no_wake_ups(party: Party) -> None:
    async def main() -> None:
        with open_relay() as harness:
            (harness.client if party is Party.CLIENT else harness.upstream).shutdown(socket.SHUT_WR)
            await until(lambda: harness.relay.ended_first)
            assert await harness.poller.idle_wake_ups() <= SPIN_LIMIT

    run(main())


@pytest.mark.parametrize("party", [Party.CLIENT, Party.UPSTREAM])
def test_a_half_closed_full_tunnel_causes_no_wake_ups(party: Party) -> None:
    async def main() -> None:
        with open_relay() as harness:
            ends = [harness.client, harness.upstream]
            ender, writer = ends if party is Party.CLIENT else reversed(ends)
            await harness.block(writer, harness.relay.down if party is Party.CLIENT else harness.relay.up)
            ender.shutdown(socket.SHUT_WR)
            await until(lambda: harness.relay.ended_first)
            writer.shutdown(socket.SHUT_WR)
            assert await harness.poller.idle_wake_ups() <= SPIN_LIMIT
            assert not harness.ended

    run(main())


def test_an_idle_tunnel_causes_no_wake_ups() -> None:
    async def main() -> None:
        with open_relay() as harness:
            harness.client.send(b"x")
            assert await receive(harness.upstream, 1) == b"x"
            assert await harness.poller.idle_wake_ups() == 0

    run(main())


def test_the_idle_time_restarts_with_each_byte() -> None:
    async def main() -> None:
        with open_relay() as harness:
            began = time.monotonic()
            harness.sweep(began + IDLE - 1)
            await asyncio.sleep(0.01)
            harness.upstream.send(b"x")
            await receive(harness.client, 1)
            harness.sweep(began + IDLE)
            assert not harness.ended, "the byte did not count"
            harness.sweep(began + IDLE + 5)
            assert harness.ended == [(Outcome.IDLE_TIMEOUT, "")]

    run(main())


@pytest.mark.parametrize("half_closed", [False, True])
def test_the_lifetime_restarts_with_nothing(half_closed: bool) -> None:
    async def main() -> None:
        with open_relay() as harness:
            began = time.monotonic()
            if half_closed:
                harness.client.shutdown(socket.SHUT_WR)
                await until(lambda: harness.relay.ended_first)
            harness.upstream.send(b"x")
            await receive(harness.client, 1)
            lifetime = harness.deadlines.lifetime
            assert lifetime is not None
            assert not list(lifetime.expired(began + LIFETIME - 1))
            (late,) = lifetime.expired(began + LIFETIME + 5)
            assert late is harness.relay
            late.deadline_passed(lifetime)
            assert harness.ended == [(Outcome.LIFETIME_OVER, "")]
            assert not harness.deadlines.in_use, "a deadline outlives its tunnel"

    run(main())


def test_a_half_closed_tunnel_has_the_shorter_idle_time() -> None:
    async def main() -> None:
        with open_relay() as harness:
            harness.client.shutdown(socket.SHUT_WR)
            await until(lambda: harness.relay.ended_first)
            half_closed = time.monotonic()
            await asyncio.sleep(0.01)
            harness.upstream.send(b"x")
            await receive(harness.client, 1)
            harness.sweep(half_closed + HALF_CLOSED)
            assert not harness.ended, "the byte did not count"
            harness.sweep(half_closed + HALF_CLOSED + 5)
            assert harness.ended == [(Outcome.HALF_CLOSED_TIMEOUT, "")]
            assert not list(harness.deadlines.sweep(half_closed + 10 * IDLE)), "a deadline outlives its tunnel"

    run(main())


def test_a_fault_ends_the_tunnel_with_its_name() -> None:
    async def main() -> None:
        with open_relay() as harness, patch.object(Flow, "carry", side_effect=ZeroDivisionError):
            harness.client.send(b"x")
            await until(lambda: harness.ended)
            assert harness.ended == [(Outcome.INTERNAL_ERROR, "ZeroDivisionError")]

    run(main())


def test_a_client_gone_before_the_first_byte_ends_the_tunnel_at_once() -> None:
    async def main() -> None:
        with open_relay(to_client=b"200", begun=False) as harness:
            reset(harness.client)
            await turns(5)
            harness.relay.begin(harness.command)
            await until(lambda: harness.ended)
            assert harness.ended[0][0] is Outcome.RESET_BY_CLIENT

    run(main())


def test_a_busy_tunnel_gives_both_pipes_back() -> None:
    async def main() -> None:
        with open_relay(pipes=2) as harness:
            await asyncio.gather(
                send_and_receive(harness.client, [BLOB], [0]), send_and_receive(harness.upstream, [BLOB], [0])
            )  # fmt: skip
            await until(lambda: harness.ended)
            taken = [harness.pipes.take() for _ in range(3)]
            assert [pipe is not None for pipe in taken] == [True, True, False]
            for pipe in taken:
                if pipe is not None:
                    harness.pipes.give_back(pipe, empty=True)

    run(main())


BLOCKS = st.lists(st.integers(0, 300_000), max_size=8).map(
    lambda sizes: [BLOB[place * 1000 : place * 1000 + size] for place, size in enumerate(sizes)]
)
RESTS = st.lists(st.integers(0, 4), min_size=1, max_size=4)


@settings(max_examples=100, deadline=None)
@given(up=BLOCKS, down=BLOCKS, rests=RESTS, splice_after=st.sampled_from([0, 1 << 18]), pipes=st.integers(0, 2))
def test_interleaved_bytes_arrive_intact_in_both_directions(
    up: list[bytes], down: list[bytes], rests: list[int], splice_after: int, pipes: int
) -> None:
    async def main() -> None:
        with (
            patch.object(flow_module, "_SPLICE_AFTER", splice_after),
            open_relay(pipes=pipes, buffer=50_000) as harness,
        ):
            at_client, at_upstream = await asyncio.gather(
                send_and_receive(harness.client, up, rests), send_and_receive(harness.upstream, down, rests[::-1])
            )
            assert at_client == b"".join(down)
            assert at_upstream == b"".join(up)
            await until(lambda: harness.ended)
            assert harness.relay.up.written == harness.relay.up.read == len(at_upstream)
            assert harness.relay.down.written == harness.relay.down.read == len(at_client)
            assert is_closed(harness.client)

    run(main())
