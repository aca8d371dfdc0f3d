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
from support.running_gate import run_gate
from support.sockets import BlackHole, receive, run, until
from support.tunnel_harness import (
    HOST,
    BlockedLookup,
    LoopUpstream,
    TunnelHarness,
    open_harness,
    open_harness_with_upstream,
    resolves_to,
)
from support.upstream import closed_port


def begin(running: TunnelHarness, port: int, *, private: bool = True) -> list[TunnelRecord]:
    """Probe HOST on this port and wait for the record."""
    told: list[TunnelRecord] = []
    probe = Probe(running.context, Target(HOST, port), Rule(HOST, port, private=private), told.append)
    running.poller.run(probe, probe.begin)
    running.poller.finish_batch()
    return told


def test_a_probe_connects_and_sends_nothing() -> None:
    async def main() -> None:
        with open_harness_with_upstream() as (running, upstream):
            told = begin(running, upstream.port)
            far = await upstream.accept()
            assert await receive(far) == b""
            (record,) = told
            assert (record.event, record.outcome, record.client) == ("probe", None, "")
            assert (record.target, record.rule) == (f"{HOST}:{upstream.port}", f"{HOST}:{upstream.port}")
            assert record.upstream == f"127.0.0.1:{upstream.port}"
            assert record.dial_ms is not None
            assert record.resolve_ms is not None
            assert record.total_ms is not None
            assert not running.records, "it is no tunnel"
            await running.assert_nothing_left()

    run(main())


def test_a_target_that_refuses_is_not_reached() -> None:
    async def main() -> None:
        with open_harness() as running:
            port = closed_port()
            told = begin(running, port)
            await until(lambda: told)
            assert told[0].outcome is Outcome.CONNECTION_REFUSED
            assert told[0].sentence() == f"{HOST}:{port} refused the connection (127.0.0.1:{port}, ECONNREFUSED)."
            await running.assert_nothing_left()

    run(main())


def test_a_name_that_does_not_exist_is_reported() -> None:
    async def main() -> None:
        with open_harness(ask=lambda name: Unresolved(Outcome.DNS_NOT_FOUND)) as running:
            told = begin(running, 443)
            await until(lambda: told)
            assert told[0].outcome is Outcome.DNS_NOT_FOUND
            await running.assert_nothing_left()

    run(main())


def test_a_private_address_is_not_dialled() -> None:
    async def main() -> None:
        with open_harness(ask=resolves_to("10.255.255.1")) as running:
            await running.resolve(HOST)
            (record,) = begin(running, 443, private=False)
            assert record.outcome is Outcome.DESTINATION_IP_PROHIBITED
            await running.assert_nothing_left()

    run(main())


def test_a_silent_target_has_as_much_time_as_for_a_tunnel() -> None:
    async def main() -> None:
        with contextlib.closing(BlackHole("127.0.0.1")) as hole, open_harness() as running:
            await running.resolve(HOST)
            told = begin(running, hole.port)
            deadline = running.context.deadlines.dial
            assert not list(deadline.expired(time.monotonic() + deadline.seconds - 1))
            assert not told
            running.sweep(deadline.seconds + 1)
            assert told[0].outcome is Outcome.CONNECTION_TIMEOUT
            assert told[0].detail == f"127.0.0.1:{hole.port}"
            await running.assert_nothing_left()

    run(main())


def test_a_name_that_hangs_is_reported_in_time() -> None:
    async def main() -> None:
        names = BlockedLookup()
        with open_harness(ask=names) as running:
            told = begin(running, 443)
            running.sweep(running.context.deadlines.dial.seconds + 1)
            assert told[0].outcome is Outcome.DNS_TIMEOUT
            names.released.set()
            await running.assert_nothing_left()
            assert len(told) == 1

    run(main())


@pytest.mark.parametrize("fault", ["_resolved", "_try_addresses", "ready"])
def test_a_fault_is_reported_once_and_leaves_nothing(fault: str) -> None:
    async def main() -> None:
        with open_harness_with_upstream(ask=resolves_to("127.0.0.1")) as (running, upstream):
            await running.resolve(HOST)
            with patch.object(DirectDial, fault, side_effect=ZeroDivisionError):
                told = begin(running, upstream.port)
                await until(lambda: told)
            assert [record.outcome for record in told] == [Outcome.INTERNAL_ERROR]
            assert told[0].detail == "ZeroDivisionError"
            await running.assert_nothing_left()

    run(main())


def test_a_gate_probes_and_ignores_callers_that_gave_up() -> None:
    async def main() -> None:
        with contextlib.closing(LoopUpstream()) as upstream:
            async with run_gate() as running:
                record = await running.gate.probe(Target(HOST, 443), Rule(HOST, 443))
                assert record.upstream == f"127.0.0.1:{running.upstream.port}"
                assert running.records == [record], "the observers see it like any other record"

                given_up = running.gate.probe(
                    Target("198.51.100.1", upstream.port), Rule("198.51.100.1", upstream.port)
                )
                given_up.cancel()
                await asyncio.sleep(0)
                await running.gate.probe(Target(HOST, 443), Rule(HOST, 443))

    run(main())
