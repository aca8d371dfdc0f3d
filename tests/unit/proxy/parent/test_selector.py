"""Which parents a tunnel uses, and how failing ones are left out: real dials to scripted parents in the same loop."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensegate.allowlist.rule import Rule
from licensegate.proxy.dial.resolver import Resolved, Unresolved
from licensegate.proxy.dial.settings import ConnectTo
from licensegate.proxy.parent.settings import ParentLogin, ParentProxy, ParentTarget
from licensegate.proxy.wire.via import OUR_NAME
from licensegate.records.outcome import Outcome, Stage
from licensegate.records.secret import Secret
from support.inner_dialer import HOST, PRIVATE, PUBLIC, Server
from support.parent import (
    CLOSING,
    Behaviour,
    GateConnection,
    ScriptedParent,
    answers,
    dial_through,
    opens,
    password_file,
    wants,
)
from support.sockets import BlackHole, descriptors, run, turns, until
from support.upstream import closed_port

BASIC = "Basic c3ZjOnNlY3JldA=="  # svc:secret
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
    "it speaks something else": (answers(b"220 smtp.example ESMTP\r\n"), Outcome.PARENT_ANSWER_MALFORMED),
    "it is silent": (is_silent, Outcome.PARENT_TIMEOUT),
}
every_fault = pytest.mark.parametrize(("behaviour", "outcome"), FAULTS.values(), ids=FAULTS)

STATUSES = {
    403: Outcome.PARENT_REFUSED,
    400: Outcome.PARENT_REFUSED,
    302: Outcome.PARENT_REFUSED,
    500: Outcome.PARENT_REFUSED,
    502: Outcome.PARENT_TARGET_FAILED,
    503: Outcome.PARENT_TARGET_FAILED,
    504: Outcome.PARENT_TARGET_FAILED,
}


@contextlib.contextmanager
def later(seconds: float) -> Iterator[None]:
    """Run the block so many seconds later, by the clock of the selector and its dials."""
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + seconds)
    room = "licensegate.proxy.parent"
    with patch(f"{room}.selector.time", clock), patch(f"{room}.parent_dial.time", clock):
        yield


def login(folder: Path, password: str = "secret", **other: str) -> ParentLogin:
    return ParentLogin(username="svc", password_file=password_file(folder, password))


def test_a_tunnel_opens_without_looking_up_the_target() -> None:
    async def main() -> None:
        async with ScriptedParent(opens).serve() as parent:
            with dial_through(parent.settings()) as parents:
                caller = await parents.opened()
                loop = asyncio.get_running_loop()
                await loop.sock_sendall(caller.upstream, b"hello")
                assert await loop.sock_recv(caller.upstream, 5) == b"hello"
                (head,) = parent.heads
                assert head == (
                    f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\nVia: 1.1 {OUR_NAME}\r\n"
                    "Proxy-Connection: Keep-Alive\r\n\r\n"
                )
                assert parents.looked_up == []
                record = caller.record
                assert (record.parent, record.parent_status) == (f"http://127.0.0.1:{parent.port}", 200)
                assert record.upstream == f"127.0.0.1:{parent.port}"
                assert record.parent_ms is not None
                await parents.assert_nothing_left()

    run(main())


def test_bytes_after_the_200_come_with_the_connection() -> None:
    async def main() -> None:
        async def speaks_first(gate: GateConnection) -> None:
            await gate.head()
            await gate.open_tunnel(b"220 hello\r\n\r\n")

        async with ScriptedParent(speaks_first).serve() as parent:
            with dial_through(parent.settings()) as parents:
                assert (await parents.opened()).received == b"220 hello\r\n\r\n"

    run(main())


def test_the_clients_via_is_passed_on() -> None:
    async def main() -> None:
        async with ScriptedParent(opens).serve() as parent:
            with dial_through(parent.settings()) as parents:
                caller, _ = parents.start()
                caller.record.via, caller.record.http_version = "1.1 edge", "1.0"
                await until(lambda: caller.done)
                assert f"\r\nVia: 1.1 edge, 1.0 {OUR_NAME}\r\n" in parent.heads[0]

    run(main())


@every_fault
def test_a_failing_parent_is_skipped_and_then_left_out(behaviour: Behaviour, outcome: Outcome) -> None:
    async def main() -> None:
        async with ScriptedParent(behaviour).serve() as first, ScriptedParent(opens).serve() as second:
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
        async with ScriptedParent(closes).serve() as first, ScriptedParent(opens).serve() as second:
            with dial_through(first.settings(), second.settings()) as parents:
                await parents.opened()
                with later(11):
                    await parents.opened()
                    await parents.opened()
                assert (first.connections, second.connections) == (2, 3)
                first.behaviour = opens
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
            async with ScriptedParent(opens).serve() as third:
                with dial_through(silent, refusing, third.settings()) as parents:
                    caller = await parents.opened()
                    assert [errno for _, errno in caller.tried] == ["ECANCELED", "ECONNREFUSED", ""]
                    await parents.assert_nothing_left()

    run(main())


def test_a_gate_with_parents_never_dials_directly() -> None:
    async def main() -> None:
        with contextlib.closing(Server()) as target:
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
        with contextlib.closing(Server()) as target:
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


@pytest.mark.parametrize(("status", "outcome"), STATUSES.items(), ids=map(str, STATUSES))
def test_a_refusal_or_target_failure_is_final_for_the_tunnel(status: int, outcome: Outcome) -> None:
    async def main() -> None:
        answer = b"HTTP/1.1 %d Because\r\nServer: squid/5.7\r\nX-Squid-Error: ERR_X 0\r\n" % status + CLOSING
        async with ScriptedParent(answers(answer)).serve() as first, ScriptedParent(opens).serve() as second:
            with dial_through(first.settings(), second.settings()) as parents:
                caller = await parents.dial()
                ((reported, detail),) = caller.failed
                assert reported is outcome
                assert detail == f"127.0.0.1:{first.port}, {status} Because; ERR_X 0 (squid/5.7)"
                assert second.connections == 0
                assert not parents.selector.parents[0].health.is_left_out(time.monotonic())
                record = caller.record
                assert (record.parent_status, record.parent_server) == (status, "squid/5.7")
                assert record.parent_reason == "Because; ERR_X 0"
                await parents.assert_nothing_left()

    run(main())


def test_a_loop_reported_by_a_parent_is_its_outcome() -> None:
    async def main() -> None:
        looped = b"HTTP/1.1 502 proxy_loop\r\nProxy-Status: gate; error=proxy_loop_detected\r\n" + CLOSING
        async with ScriptedParent(answers(looped)).serve() as parent:
            with dial_through(parent.settings()) as parents:
                assert await parents.outcome() is Outcome.PARENT_LOOP

    run(main())


def test_the_gate_itself_as_parent_is_skipped() -> None:
    async def main() -> None:
        async with ScriptedParent(opens).serve() as other:
            with contextlib.closing(Server()) as own:
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


def test_a_parents_own_name_is_looked_up_and_may_be_private() -> None:
    async def main() -> None:
        async with ScriptedParent(opens).serve() as parent:
            named = ParentProxy("proxy.test", parent.port)
            with dial_through(named, names={"proxy.test": Resolved(("127.0.0.1",))}) as parents:
                await parents.opened()
                assert parents.looked_up == ["proxy.test"]
            to = ConnectTo("proxy.test", 8080, "127.0.0.1", parent.port)
            with dial_through(ParentProxy("proxy.test", 8080), names={}, connect_to=(to,)) as parents:
                await parents.opened()
            with dial_through(named, names={"proxy.test": Unresolved(Outcome.DNS_NOT_FOUND)}) as parents:
                caller = await parents.dial()
                assert caller.failed == [(Outcome.PARENT_UNREACHABLE, f"proxy.test:{parent.port}, dns_not_found")]

    run(main())


@pytest.mark.parametrize(
    ("wanted", "rule", "addresses", "expected"),
    [
        (ParentTarget.CHECKED, PUBLIC, ("8.8.8.8", "10.0.0.1"), f"{HOST}:443"),
        (ParentTarget.ADDRESS, PUBLIC, ("10.0.0.1", "8.8.8.8"), "8.8.8.8:443"),
        (ParentTarget.ADDRESS, PUBLIC, ("2001:4860:4860::8888",), "[2001:4860:4860::8888]:443"),
        (ParentTarget.ADDRESS, PRIVATE, ("10.0.0.1",), "10.0.0.1:443"),
        (ParentTarget.CHECKED, PUBLIC, ("10.0.0.1",), Outcome.DESTINATION_IP_PROHIBITED),
        (ParentTarget.ADDRESS, PUBLIC, ("127.0.0.1",), Outcome.TARGET_IS_GATE),
        (ParentTarget.CHECKED, PUBLIC, None, Outcome.DNS_NOT_FOUND),
        (ParentTarget.NAME, PUBLIC, None, f"{HOST}:443"),
    ],
)
def test_a_target_can_be_checked_before_a_parent_is_asked(
    wanted: ParentTarget, rule: Rule, addresses: tuple[str, ...] | None, expected: str | Outcome
) -> None:
    async def main() -> None:
        async with ScriptedParent(opens).serve() as parent:
            answer = Unresolved(Outcome.DNS_NOT_FOUND) if addresses is None else Resolved(addresses)
            with dial_through(parent.settings(target=wanted), names={HOST: answer}) as parents:
                caller = await parents.dial(rule=rule)
                if isinstance(expected, Outcome):
                    assert caller.failed[0][0] is expected
                    assert parent.connections == 0
                else:
                    assert parent.heads[0].startswith(f"CONNECT {expected} HTTP/1.1\r\nHost: {expected}\r\n")
                await parents.assert_nothing_left()

    run(main())


def test_a_target_address_is_checked_without_a_look_up() -> None:
    async def main() -> None:
        async with ScriptedParent(opens).serve() as parent:
            with dial_through(parent.settings(target=ParentTarget.CHECKED), names={}) as parents:
                assert await parents.outcome(host="10.1.2.3") is Outcome.DESTINATION_IP_PROHIBITED
                await parents.opened(host="10.1.2.3", rule=PRIVATE)

    run(main())


def test_connect_to_replaces_the_target_asked_for() -> None:
    async def main() -> None:
        async with ScriptedParent(opens).serve() as parent:
            with dial_through(parent.settings(), connect_to=(ConnectTo(HOST, 443, "192.0.2.1", 8443),)) as parents:
                await parents.opened()
                assert parent.heads[0].startswith("CONNECT 192.0.2.1:8443 HTTP/1.1\r\n")

    run(main())


def test_a_reload_keeps_health_and_accounts(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            ScriptedParent(closes).serve() as first,
            ScriptedParent(wants("Basic other", b"Basic")).serve() as second,
            ScriptedParent(wants(BASIC, b"Basic")).serve() as third,
        ):
            mine = login(tmp_path)
            with dial_through(first.settings(), second.settings(mine)) as parents:
                assert await parents.outcome() is Outcome.PARENTS_EXHAUSTED
                parents.set([third.settings(mine), second.settings(mine), first.settings()])
                assert parents.selector.parents[2].health.is_left_out(time.monotonic())
                assert await parents.outcome() is Outcome.PARENTS_EXHAUSTED
                assert third.credentials == [""], "the account was refused elsewhere"
                parents.set([third.settings(ParentLogin(username="svc", password_file=password_file(tmp_path)))])
                await parents.opened()

    run(main())


@pytest.mark.parametrize("phase", ["connecting", "asking", "looking up", "looking up the target"])
@pytest.mark.parametrize("asked_again", [False, True], ids=["abandoned", "abandoned and forgotten"])
def test_a_dial_abandoned_at_any_time_leaves_nothing(phase: str, asked_again: bool) -> None:
    async def main() -> None:
        before = descriptors()
        with contextlib.closing(BlackHole("127.0.0.1")) as hole:
            async with ScriptedParent(is_silent).serve() as silent:
                port = hole.port if phase == "connecting" else silent.port
                host = "proxy.test" if phase == "looking up" else "127.0.0.1"
                target = ParentTarget.CHECKED if phase == "looking up the target" else ParentTarget.NAME
                with dial_through(ParentProxy(host, port, target=target)) as parents:
                    parents.room.resolver._ask = lambda name: time.sleep(0.02) or Resolved(("127.0.0.1",))  # type: ignore[func-returns-value]
                    caller, pending = parents.start()
                    if phase == "asking":
                        await until(lambda: silent.connections == 1)
                    await turns(3)
                    outcome, detail = pending.abandon()
                    if asked_again:
                        pending.abandon()
                    expected = Outcome.DNS_TIMEOUT if phase == "looking up the target" else Outcome.PARENT_TIMEOUT
                    assert outcome is expected
                    assert ("no answer" in detail) is (phase == "asking")
                    await until(lambda: not parents.room.resolver._in_flight)
                    await parents.assert_nothing_left()
                    assert not caller.done
                    assert not parents.selector.parents[0].health.is_left_out(time.monotonic())
        await turns(20)
        assert descriptors() == before

    run(main())


def test_an_abandoned_dial_blames_a_parent_past_its_time() -> None:
    async def main() -> None:
        async with ScriptedParent(is_silent).serve() as parent:
            with dial_through(parent.settings(seconds=5)) as parents:
                _, pending = parents.start()
                await until(lambda: parent.connections == 1)
                with later(6):
                    pending.abandon()
                    assert parents.selector.parents[0].health.is_left_out(time.monotonic() + 6)

    run(main())


def test_the_last_parent_has_no_time_limit_of_its_own() -> None:
    async def main() -> None:
        async with ScriptedParent(is_silent).serve() as parent:
            with dial_through(parent.settings(seconds=0.01)) as parents:
                caller, pending = parents.start()
                await asyncio.sleep(0.05)
                assert not caller.done
                pending.abandon()
            with dial_through(ParentProxy("127.0.0.1", closed_port()), parent.settings(seconds=0.01)) as parents:
                caller, pending = parents.start()
                await until(lambda: parent.connections == 2)
                await asyncio.sleep(0.05)
                assert not caller.done
                outcome, detail = pending.abandon()
                assert outcome is Outcome.PARENTS_EXHAUSTED
                assert "parent_unreachable" in detail
                assert "parent_timeout" in detail

    run(main())


def test_an_unreadable_password_is_logged_at_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        mine = login(tmp_path)
        (tmp_path / "parent.secret").unlink()
        with dial_through(ParentProxy("127.0.0.1", closed_port(), login=mine)):
            pass

    run(main())
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("the gate cannot log in to a parent proxy: ")
    assert "parent.secret: No such file" in line


@settings(max_examples=200)
@given(
    st.binary(max_size=120),
    st.sampled_from(
        [
            b"",
            b"HTTP/1.1 ",
            b"HTTP/1.1 407 x\r\n",
            b"HTTP/1.1 407 x\r\nProxy-Authenticate: ",
            b"HTTP/1.1 407 x\r\nProxy-Authenticate: Basic\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 503 x\r\n",
        ]
    ),
)
def test_any_bytes_of_a_parent_end_in_an_outcome(rest: bytes, start: bytes) -> None:
    async def main() -> None:
        async with ScriptedParent(answers(start + rest)).serve() as parent:
            mine = ParentLogin(username="svc", password_env="X", password=Secret(b"secret"))
            with dial_through(parent.settings(mine)) as parents:
                caller = await parents.dial()
                assert caller.crashes == []
                if caller.failed:
                    assert caller.failed[0][0].stage is Stage.PARENT
                    assert str(caller.failed[0][1]).isprintable()
                await parents.assert_nothing_left()

    run(main())


def test_a_fault_in_the_gate_ends_only_its_tunnel(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with ScriptedParent(opens).serve() as parent:
            with dial_through(parent.settings()) as parents:
                with patch("licensegate.proxy.parent.connect_attempt.connect_request", side_effect=ZeroDivisionError):
                    caller = await parents.dial()
                assert [type(error) for error in caller.crashes] == [ZeroDivisionError]
                assert caller.failed == []
                await parents.opened()
                await parents.assert_nothing_left()

    run(main())
    assert "a fault in the gate ended one connection" in caplog.text
