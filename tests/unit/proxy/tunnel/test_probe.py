"""A dial without a tunnel: the same limits as for a tunnel, and nothing left open."""

import asyncio
import contextlib
import time
from unittest.mock import patch

import pytest

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.proxy.dial.dialer import DirectDial
from licensegate.proxy.dial.resolution import Unresolved
from licensegate.proxy.tunnel.probe import Probe
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord
from support.running_gate import running
from support.sockets import BlackHole, receive, run, until
from support.tunnel_harness import HOST, Room, SlowNames, Upstream, answer_with, room, room_with_upstream
from support.upstream import closed_port


def begin(here: Room, port: int, *, private: bool = True) -> list[TunnelRecord]:
    """Probe HOST on this port; the record, once it is there."""
    told: list[TunnelRecord] = []
    probe = Probe(here.context, Target(HOST, port), Rule(HOST, port, private=private), told.append)
    here.poller.run(probe, probe.begin)
    here.poller.finish_batch()
    return told


def test_a_probe_connects_and_sends_nothing() -> None:
    async def main() -> None:
        with room_with_upstream() as (here, upstream):
            told = begin(here, upstream.port)
            far = await upstream.accept()
            assert await receive(far) == b""
            (record,) = told
            assert (record.event, record.outcome, record.client) == ("probe", None, "")
            assert (record.target, record.rule) == (f"{HOST}:{upstream.port}", f"{HOST}:{upstream.port}")
            assert record.upstream == f"127.0.0.1:{upstream.port}"
            assert record.dial_ms is not None
            assert record.resolve_ms is not None
            assert record.total_ms is not None
            assert not here.records, "it is no tunnel"
            await here.assert_nothing_left()

    run(main())


def test_a_target_that_refuses_is_not_reached() -> None:
    async def main() -> None:
        with room() as here:
            port = closed_port()
            told = begin(here, port)
            await until(lambda: told)
            assert told[0].outcome is Outcome.CONNECTION_REFUSED
            assert told[0].sentence() == f"{HOST}:{port} refused the connection (127.0.0.1:{port}, ECONNREFUSED)."
            await here.assert_nothing_left()

    run(main())


def test_a_name_that_does_not_exist_is_reported() -> None:
    async def main() -> None:
        with room(ask=lambda name: Unresolved(Outcome.DNS_NOT_FOUND)) as here:
            told = begin(here, 443)
            await until(lambda: told)
            assert told[0].outcome is Outcome.DNS_NOT_FOUND
            await here.assert_nothing_left()

    run(main())


def test_a_private_address_is_not_dialled() -> None:
    async def main() -> None:
        with room(ask=answer_with("10.255.255.1")) as here:
            await here.look_up(HOST)
            (record,) = begin(here, 443, private=False)
            assert record.outcome is Outcome.DESTINATION_IP_PROHIBITED
            await here.assert_nothing_left()

    run(main())


def test_a_silent_target_has_as_much_time_as_for_a_tunnel() -> None:
    async def main() -> None:
        with contextlib.closing(BlackHole("127.0.0.1")) as hole, room() as here:
            await here.look_up(HOST)
            told = begin(here, hole.port)
            deadline = here.context.deadlines.dial
            assert not list(deadline.expired(time.monotonic() + deadline.seconds - 1))
            assert not told
            here.sweep(deadline.seconds + 1)
            assert told[0].outcome is Outcome.CONNECTION_TIMEOUT
            assert told[0].detail == f"127.0.0.1:{hole.port}"
            await here.assert_nothing_left()

    run(main())


def test_a_name_that_hangs_is_reported_in_time() -> None:
    async def main() -> None:
        names = SlowNames()
        with room(ask=names) as here:
            told = begin(here, 443)
            here.sweep(here.context.deadlines.dial.seconds + 1)
            assert told[0].outcome is Outcome.DNS_TIMEOUT
            names.now.set()
            await here.assert_nothing_left()
            assert len(told) == 1

    run(main())


@pytest.mark.parametrize("fault", ["_resolve", "_try_addresses", "ready"])
def test_a_fault_is_reported_once_and_leaves_nothing(fault: str) -> None:
    async def main() -> None:
        with room_with_upstream(ask=answer_with("127.0.0.1")) as (here, upstream):
            await here.look_up(HOST)
            with patch.object(DirectDial, fault, side_effect=ZeroDivisionError):
                told = begin(here, upstream.port)
                await until(lambda: told)
            assert [record.outcome for record in told] == [Outcome.INTERNAL_ERROR]
            assert told[0].detail == "ZeroDivisionError"
            await here.assert_nothing_left()

    run(main())


def test_a_gate_probes_and_ignores_callers_that_gave_up() -> None:
    async def main() -> None:
        with contextlib.closing(Upstream()) as upstream:
            async with running() as here:
                record = await here.gate.probe(Target(HOST, 443), Rule(HOST, 443))
                assert record.upstream == f"127.0.0.1:{here.upstream.port}"
                assert here.records == [record], "the observers see it like any other record"

                given_up = here.gate.probe(Target("198.51.100.1", upstream.port), Rule("198.51.100.1", upstream.port))
                given_up.cancel()
                await asyncio.sleep(0)
                await here.gate.probe(Target(HOST, 443), Rule(HOST, 443))

    run(main())
