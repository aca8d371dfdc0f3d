"""How a dial tries several addresses, and how it ends."""

import asyncio
import contextlib
import errno
import os
import socket
import threading

import pytest

from licensegate.proxy.dial import dialer as dialer_module
from licensegate.proxy.dial.address_selection import interleave
from licensegate.proxy.dial.dialer import DirectDial
from licensegate.proxy.dial.resolution import Resolution, Resolved
from licensegate.proxy.dial.settings import ConnectTo, DialSettings
from licensegate.records.outcome import Outcome
from support.dial_harness import HOST, DialCaller, DialHarness, LoopbackServer, open_dial_harness
from support.resolver_harness import once
from support.sockets import BlackHole, descriptors, no_free_descriptors, run, turns, until
from support.tunnel_harness import counting_poller
from support.upstream import SECONDS


@pytest.mark.usefixtures("attempts_at_once")
def test_a_silent_address_does_not_delay_the_next(server: LoopbackServer) -> None:
    async def main() -> None:
        with (
            contextlib.closing(BlackHole("127.0.0.2", server.port)),
            open_dial_harness("127.0.0.2", "127.0.0.1") as harness,
        ):
            before = len(descriptors())
            caller = await harness.finish(server.port)
            assert caller.upstream is not None
            assert caller.record.upstream == f"127.0.0.1:{server.port}"
            assert caller.tried == [("127.0.0.2", "ECANCELED"), ("127.0.0.1", "")]
            assert len(descriptors()) == before + 1, "the attempt that lost is still open"
            caller.upstream.close()

    run(main())


def test_a_refused_address_is_followed_by_the_next_at_once(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialer_module, "_ATTEMPT_DELAY", 3600)

    async def main() -> None:
        with open_dial_harness("127.0.0.2", "127.0.0.3", "127.0.0.1") as harness:
            caller = await harness.finish(server.port)
            assert caller.upstream is not None
            assert caller.tried == [("127.0.0.2", "ECONNREFUSED"), ("127.0.0.3", "ECONNREFUSED"), ("127.0.0.1", "")]
            caller.upstream.close()

    run(main())


@pytest.mark.usefixtures("attempts_at_once")
def test_a_slow_address_wins_when_the_later_ones_fail() -> None:
    async def main() -> None:
        with contextlib.closing(BlackHole("127.0.0.2")) as slow, open_dial_harness("127.0.0.2", "127.0.0.1") as harness:
            caller, pending = harness.dial(slow.port)
            await until(lambda: caller.tried == [("127.0.0.1", "ECONNREFUSED")])
            await turns(20)
            assert not caller.done, "the first one may still answer"
            pending.abandon()

    run(main())


def test_address_families_alternate_by_rfc_8305() -> None:
    assert interleave(["::1", "::2", "::3", "1.1.1.1", "2.2.2.2"]) == ["::1", "1.1.1.1", "::2", "2.2.2.2", "::3"]
    assert interleave(["1.1.1.1", "2.2.2.2", "::1"]) == ["1.1.1.1", "::1", "2.2.2.2"]
    assert interleave(["1.1.1.1"]) == ["1.1.1.1"]


ERRNOS = {
    "127.0.0.2": errno.ECONNREFUSED,
    "127.0.0.3": errno.ENETUNREACH,
    "127.0.0.4": errno.ETIMEDOUT,
    "127.0.0.5": errno.EMFILE,
    "127.0.0.6": errno.EACCES,
    "127.0.0.7": errno.EHOSTUNREACH,
}


@pytest.mark.parametrize(
    ("addresses", "outcome"),
    [
        pytest.param(["127.0.0.2"], Outcome.CONNECTION_REFUSED, id="refused"),
        pytest.param(["127.0.0.3"], Outcome.DESTINATION_UNREACHABLE, id="no route"),
        pytest.param(["127.0.0.4"], Outcome.CONNECTION_TIMEOUT, id="silent"),
        pytest.param(["127.0.0.5"], Outcome.DESCRIPTORS_EXHAUSTED, id="no descriptor"),
        pytest.param(["127.0.0.6"], Outcome.DIAL_FAILED, id="else"),
        pytest.param(["127.0.0.3", "127.0.0.2"], Outcome.CONNECTION_REFUSED, id="no IPv6 route, IPv4 refused"),
        pytest.param(["127.0.0.7", "127.0.0.4"], Outcome.CONNECTION_TIMEOUT, id="unreachable, silent"),
        pytest.param(["127.0.0.4", "127.0.0.2"], Outcome.CONNECTION_REFUSED, id="silent, refused"),
        pytest.param(["127.0.0.2", "127.0.0.5"], Outcome.DESCRIPTORS_EXHAUSTED, id="refused, no descriptor"),
    ],
)
def test_the_most_specific_failure_of_all_addresses_is_reported(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str], outcome: Outcome
) -> None:
    def start(_: DirectDial, address: str) -> socket.SocketType:
        raise OSError(ERRNOS[address], os.strerror(ERRNOS[address]))

    monkeypatch.setattr(DirectDial, "_start", start)

    async def main() -> None:
        with open_dial_harness(*addresses) as harness:
            caller = await harness.finish(443)
            ((reported, detail),) = caller.failed
            assert reported is outcome
            telling = next(
                a for a in addresses if dialer_module._OUTCOME_OF_ERRNO.get(ERRNOS[a], Outcome.DIAL_FAILED) is outcome
            )
            assert detail == f"{telling}:443, {errno.errorcode[ERRNOS[telling]]}"
            assert [address for address, _ in caller.tried] == addresses

    run(main())


def test_a_timeout_names_silent_addresses_and_closes_attempts() -> None:
    async def main() -> None:
        with contextlib.closing(BlackHole("127.0.0.2")) as hole, open_dial_harness("127.0.0.2") as harness:
            before = len(descriptors())
            caller, pending = harness.dial(hole.port)
            await until(lambda: len(descriptors()) == before + 1)
            assert pending.abandon() == (Outcome.CONNECTION_TIMEOUT, f"127.0.0.2:{hole.port}")
            harness.poller.finish_batch()
            assert len(descriptors()) == before
            await turns(20)
            assert not caller.done

    run(main())


@pytest.mark.usefixtures("attempts_at_once")
def test_an_abandoned_dial_starts_no_further_attempt(server: LoopbackServer) -> None:
    async def main() -> None:
        with (
            contextlib.closing(BlackHole("127.0.0.2", server.port)),
            open_dial_harness("127.0.0.2", "127.0.0.1") as harness,
        ):
            caller, pending = harness.dial(server.port)
            await until(lambda: pending._attempts)
            pending.abandon()
            harness.poller.finish_batch()
            await asyncio.sleep(0.05)
            assert server.accept() == []
            assert not caller.done

    run(main())


def test_a_dial_abandoned_during_its_look_up_is_not_called_back(server: LoopbackServer) -> None:
    async def main() -> None:
        answer = threading.Event()

        def ask(_: str) -> Resolution:
            answer.wait(SECONDS)
            return Resolved(("127.0.0.1",))

        with counting_poller() as poller:
            harness = DialHarness(poller, {}, DialSettings())
            harness.resolver._ask = once(ask)
            caller, pending = harness.dial(server.port)
            assert pending.abandon() == (Outcome.DNS_TIMEOUT, "")
            answer.set()
            await until(lambda: harness.resolver._shares.taken == 0)
            await turns(20)
            assert not caller.done
            assert server.accept() == []

    run(main())


def test_a_dial_without_a_free_descriptor_fails_with_that_reason() -> None:
    async def main() -> None:
        with open_dial_harness(settings=DialSettings(connect_to=(ConnectTo(HOST, 443, "127.0.0.1", 9),))) as harness:
            with no_free_descriptors():
                caller, _ = harness.dial(443)
            assert caller.failed == [(Outcome.DESCRIPTORS_EXHAUSTED, "127.0.0.1:9, EMFILE")]

    run(main())


@pytest.mark.parametrize("refuses", [False, True], ids=["once connected", "once it failed"])
def test_a_caller_that_raises_gets_only_crashed(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, refuses: bool
) -> None:
    def fail(caller: DialCaller, *arguments: object) -> None:
        if isinstance(arguments[0], socket.SocketType):
            caller.poller.close(arguments[0])
        raise ZeroDivisionError

    monkeypatch.setattr(DialCaller, "dial_failed" if refuses else "connected", fail)

    async def main() -> None:
        with open_dial_harness("127.0.0.1") as harness:
            if refuses:
                server.sock.close()
            caller = await harness.finish(server.port)
            assert [type(error) for error in caller.crashes] == [ZeroDivisionError]
            assert not caller.failed

    run(main())


def test_a_failed_attempt_leaves_no_descriptor(server: LoopbackServer) -> None:
    async def main() -> None:
        server.sock.close()
        with open_dial_harness("127.0.0.1") as harness:
            before = len(descriptors())
            await harness.finish(server.port)
            assert len(descriptors()) == before

    run(main())


def test_a_waiting_dial_causes_no_wake_ups() -> None:
    async def main() -> None:
        with contextlib.closing(BlackHole("127.0.0.2")) as hole, open_dial_harness("127.0.0.2") as harness:
            _, pending = harness.dial(hole.port)
            await until(lambda: pending._attempts)
            before = harness.poller.wake_ups
            await turns()
            assert harness.poller.wake_ups == before
            pending.abandon()

    run(main())


HOLE = "127.0.0.2"
SILENT = [f"127.0.0.{last}" for last in range(10, 35)]


@pytest.fixture
def in_flight(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of attempts in flight after each start. Attempts to SILENT go to the black hole at HOLE."""
    in_flight: list[int] = []
    start = DirectDial._start

    def start_and_count(pending: DirectDial, address: str) -> socket.SocketType:
        in_flight.append(len(pending._attempts) + 1)
        return start(pending, HOLE if address in SILENT else address)

    monkeypatch.setattr(DirectDial, "_start", start_and_count)
    return in_flight


@pytest.mark.usefixtures("attempts_at_once")
def test_a_dial_to_many_silent_addresses_makes_four_attempts_at_once(
    in_flight: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialer_module, "_ATTEMPT_SECONDS", 0.05)

    async def main() -> None:
        with contextlib.closing(BlackHole(HOLE)) as hole, open_dial_harness(*SILENT) as harness:
            caller, pending = harness.dial(hole.port)
            await until(lambda: len(caller.tried) == len(SILENT) - 4)
            await turns(20)
            assert in_flight == [1, 2, 3] + [4] * (len(SILENT) - 3)
            assert caller.tried == [(address, "ECANCELED") for address in SILENT[:-4]], "the oldest made room"
            assert not caller.done
            pending.abandon()

    run(main())


@pytest.mark.usefixtures("attempts_at_once", "in_flight")
def test_an_address_behind_many_silent_ones_is_reached(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialer_module, "_ATTEMPT_SECONDS", 0.05)

    async def main() -> None:
        with contextlib.closing(BlackHole(HOLE, server.port)), open_dial_harness(*SILENT[:8], "127.0.0.1") as harness:
            caller = await harness.finish(server.port)
            assert caller.record.upstream == f"127.0.0.1:{server.port}"
            caller.upstream.close()

    run(main())


@pytest.mark.usefixtures("attempts_at_once")
def test_with_four_attempts_in_flight_a_failure_starts_the_next(
    in_flight: list[int], server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialer_module, "_ATTEMPT_SECONDS", 3600)

    async def main() -> None:
        with (
            contextlib.closing(BlackHole(HOLE, server.port)),
            open_dial_harness(*SILENT[:3], "127.0.0.3", "127.0.0.1") as harness,
        ):
            caller = await harness.finish(server.port)
            assert caller.tried[0] == ("127.0.0.3", "ECONNREFUSED")
            assert caller.record.upstream == f"127.0.0.1:{server.port}"
            assert max(in_flight) == 4
            caller.upstream.close()

    run(main())


@pytest.mark.usefixtures("attempts_at_once", "in_flight")
def test_many_dials_to_silent_addresses_share_the_parallel_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialer_module, "_MAX_PARALLEL", 5)
    monkeypatch.setattr(dialer_module, "_ATTEMPT_SECONDS", 0.05)
    dials = 10

    async def main() -> None:
        with contextlib.closing(BlackHole(HOLE)) as hole, open_dial_harness(*SILENT) as harness:
            before = descriptors()
            begun = [harness.dial(hole.port) for _ in range(dials)]
            for turn in range(1, 4):
                await until(lambda least=turn: all(len(caller.tried) >= least for caller, _ in begun))  # type: ignore[misc]
                assert len(descriptors() - before) == dials + 5
            assert not any(caller.done for caller, _ in begun)
            for _, pending in begun:
                pending.abandon()
            harness.poller.finish_batch()
            assert descriptors() == before
            assert harness.dialer.parallel == 0

    run(main())


@pytest.mark.usefixtures("attempts_at_once", "in_flight")
@pytest.mark.parametrize("silent", [0, 1, 3])
def test_without_parallel_attempts_every_address_has_its_turn(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, silent: int
) -> None:
    monkeypatch.setattr(dialer_module, "_MAX_PARALLEL", 0)
    monkeypatch.setattr(dialer_module, "_ATTEMPT_SECONDS", 0.05)
    addresses = (*SILENT[:silent], "127.0.0.3", *SILENT[silent : 2 * silent], "127.0.0.1")

    async def main() -> None:
        with contextlib.closing(BlackHole(HOLE, server.port)), open_dial_harness(*addresses) as harness:
            caller = await harness.finish(server.port)
            assert caller.record.upstream == f"127.0.0.1:{server.port}"
            assert ("127.0.0.3", "ECONNREFUSED") in caller.tried
            caller.upstream.close()

    run(main())
