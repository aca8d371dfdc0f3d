"""Which parents a tunnel uses, and how failing ones are left out: real dials in the same loop."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from licensegate.proxy.dial.resolution import Resolved
from licensegate.proxy.parent.settings import ParentLogin, ParentProxy
from licensegate.records.outcome import Outcome
from support.dial_harness import HOST, PRIVATE, PUBLIC, LoopbackServer
from support.scripted_parent import (
    BASIC,
    Behaviour,
    GateConnection,
    ScriptedParent,
    answer_once,
    dial_through,
    open_at_once,
    password_file,
    password_login,
    require_credentials,
)
from support.sockets import BlackHole, run, until
from support.upstream import closed_port

SOON = 0.05


async def closes(gate: GateConnection) -> None:
    await gate.head()


async def resets(gate: GateConnection) -> None:
    await gate.head()
    gate.reset()


async def breaks_in_its_head(gate: GateConnection) -> None:
    await gate.head()
    gate.send(b"HTTP/1.1 200 Conn")


async def is_silent(gate: GateConnection) -> None:
    await gate.hold()


FAULTS: dict[str, tuple[Behaviour, Outcome]] = {
    "it closes": (closes, Outcome.PARENT_BROKE_OFF),
    "it resets": (resets, Outcome.PARENT_BROKE_OFF),
    "it breaks off in its head": (breaks_in_its_head, Outcome.PARENT_BROKE_OFF),
    "it speaks something else": (answer_once(b"220 smtp.example ESMTP\r\n"), Outcome.PARENT_ANSWER_MALFORMED),
    "it is silent": (is_silent, Outcome.PARENT_TIMEOUT),
}


every_fault = pytest.mark.parametrize(("behaviour", "outcome"), FAULTS.values(), ids=FAULTS)


@contextlib.contextmanager
def later(seconds: float) -> Iterator[None]:
    """Run the block so many seconds later, by the clock of the selector and its dials."""
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + seconds)
    room = "licensegate.proxy.parent"
    with patch(f"{room}.selector.time", clock), patch(f"{room}.parent_dial.time", clock):
        yield


@every_fault
def test_a_failing_parent_is_skipped_and_then_left_out(behaviour: Behaviour, outcome: Outcome) -> None:
    async def main() -> None:
        async with ScriptedParent(behaviour).serve() as first, ScriptedParent(open_at_once).serve() as second:
            with dial_through(first.settings(seconds=SOON), second.settings()) as parents:
                caller = await parents.opened()
                assert caller.record.parent.endswith(str(second.port))
                assert first.connections == 1
                assert parents.selector.parents[0].health.is_left_out(time.monotonic())

                await parents.opened()
                assert (first.connections, second.connections) == (1, 2)
                await parents.assert_nothing_left()

    run(main())


def test_a_parent_is_used_again_after_its_pause_if_it_answers() -> None:
    async def main() -> None:
        async with ScriptedParent(closes).serve() as first, ScriptedParent(open_at_once).serve() as second:
            with dial_through(first.settings(), second.settings()) as parents:
                await parents.opened()
                with later(11):
                    await parents.opened()
                    await parents.opened()
                assert (first.connections, second.connections) == (2, 3)
                first.behaviour = open_at_once
                with later(25):
                    await parents.opened()
                assert (first.connections, second.connections) == (2, 4)
                with later(32):
                    await parents.opened()
                    await parents.opened()
                assert (first.connections, second.connections) == (4, 4)

    run(main())


def test_silent_and_closed_ports_are_skipped() -> None:
    async def main() -> None:
        with contextlib.closing(BlackHole("127.0.0.1")) as hole:
            silent = ParentProxy("127.0.0.1", hole.port, seconds=SOON)
            refusing = ParentProxy("127.0.0.1", closed_port())
            async with ScriptedParent(open_at_once).serve() as third:
                with dial_through(silent, refusing, third.settings()) as parents:
                    caller = await parents.opened()
                    assert [errno for _, errno in caller.tried] == ["ECANCELED", "ECONNREFUSED", ""]
                    await parents.assert_nothing_left()

    run(main())


def test_a_gate_with_parents_never_dials_directly() -> None:
    async def main() -> None:
        with contextlib.closing(LoopbackServer()) as target:
            dead = [ParentProxy("127.0.0.1", closed_port()) for _ in range(2)]
            with dial_through(*dead, names={HOST: Resolved(("127.0.0.1",))}) as parents:
                for _ in range(2):  # the second time both are left out, and tried anyway
                    caller = await parents.dial(port=target.port, rule=PRIVATE)
                    ((outcome, detail),) = caller.failed
                    assert outcome is Outcome.PARENTS_EXHAUSTED
                    assert detail.count("parent_unreachable") == 2
                assert target.accept() == []
                assert parents.looked_up == []

    run(main())


def test_direct_is_used_when_no_parent_works() -> None:
    async def main() -> None:
        names = {HOST: Resolved(("127.0.0.1",))}
        with contextlib.closing(LoopbackServer()) as target:
            dead = ParentProxy("127.0.0.1", closed_port())
            with dial_through(dead, names=names, direct=True) as parents:
                for tried in (2, 1):  # the second time the parent is left out
                    caller = await parents.opened(port=target.port, rule=PRIVATE)
                    assert caller.record.parent == "direct"
                    assert len(caller.tried) == tried
                assert target.accept() == ["127.0.0.1", "127.0.0.1"]
                await parents.assert_nothing_left()

    run(main())


def test_a_direct_dial_checks_addresses_and_can_be_abandoned() -> None:
    async def main() -> None:
        dead = ParentProxy("127.0.0.1", closed_port())
        with dial_through(dead, names={HOST: Resolved(("192.168.1.1",))}, direct=True) as parents:
            assert await parents.outcome(rule=PUBLIC) is Outcome.DESTINATION_IP_PROHIBITED
        names = {HOST: Resolved(("127.0.0.1",))}
        with (
            contextlib.closing(BlackHole("127.0.0.1")) as hole,
            dial_through(dead, names=names, direct=True) as parents,
        ):
            caller, pending = parents.start(port=hole.port, rule=PRIVATE)
            await until(lambda: caller.record.parent == "direct")
            assert pending.abandon()[0] is Outcome.CONNECTION_TIMEOUT
            await parents.assert_nothing_left()

    run(main())


def test_the_gate_itself_as_parent_is_skipped() -> None:
    async def main() -> None:
        async with ScriptedParent(open_at_once).serve() as other:
            with contextlib.closing(LoopbackServer()) as own:
                itself = ParentProxy("127.0.0.1", own.port)
                with dial_through(itself) as parents:
                    parents.room.loop_guard.add("0.0.0.0", own.port)
                    assert await parents.outcome() is Outcome.PARENT_IS_GATE
                    assert own.accept() == []
                with dial_through(itself, other.settings()) as parents:
                    parents.room.loop_guard.add("127.0.0.1", own.port)
                    await parents.opened()
                    assert not parents.selector.parents[0].health.is_left_out(time.monotonic())

    run(main())


def test_a_reload_keeps_health_and_accounts(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            ScriptedParent(closes).serve() as first,
            ScriptedParent(require_credentials("Basic other", b"Basic")).serve() as second,
            ScriptedParent(require_credentials(BASIC, b"Basic")).serve() as third,
        ):
            mine = password_login(tmp_path)
            with dial_through(first.settings(), second.settings(mine)) as parents:
                assert await parents.outcome() is Outcome.PARENTS_EXHAUSTED
                parents.set([third.settings(mine), second.settings(mine), first.settings()])
                assert parents.selector.parents[2].health.is_left_out(time.monotonic())
                assert await parents.outcome() is Outcome.PARENTS_EXHAUSTED
                assert third.credentials == [""], "the account was refused elsewhere"
                parents.set([third.settings(ParentLogin(username="svc", password_file=password_file(tmp_path)))])
                await parents.opened()

    run(main())


def test_an_unreadable_password_is_logged_at_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        mine = password_login(tmp_path)
        (tmp_path / "parent.secret").unlink()
        with dial_through(ParentProxy("127.0.0.1", closed_port(), login=mine)):
            pass

    run(main())
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("the gate cannot log in to a parent proxy: ")
    assert "parent.secret: No such file" in line
