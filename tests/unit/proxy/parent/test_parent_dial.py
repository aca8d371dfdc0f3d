"""One dial through parents: what is asked, what ends it, and what it leaves."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensegate.allowlist.rule import Rule
from licensegate.proxy.dial.resolution import Resolved, Unresolved
from licensegate.proxy.dial.settings import ConnectTo
from licensegate.proxy.parent.settings import ParentLogin, ParentProxy, ParentTarget
from licensegate.proxy.wire.via import OUR_NAME
from licensegate.records.outcome import Outcome, Stage
from licensegate.records.secret import Secret
from support.dial_harness import HOST, PRIVATE, PUBLIC
from support.resolver_harness import once
from support.scripted_parent import (
    CLOSING_BODY,
    GateConnection,
    ScriptedParent,
    answer_once,
    dial_through,
    open_at_once,
)
from support.sockets import BlackHole, descriptors, run, turns, until
from support.upstream import SECONDS, closed_port


async def is_silent(gate: GateConnection) -> None:
    await gate.hold()


STATUSES = {
    403: Outcome.PARENT_REFUSED,
    400: Outcome.PARENT_REFUSED,
    302: Outcome.PARENT_REFUSED,
    500: Outcome.PARENT_TARGET_FAILED,
    501: Outcome.PARENT_REFUSED,
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


def test_a_tunnel_opens_without_looking_up_the_target() -> None:
    async def main() -> None:
        async with ScriptedParent(open_at_once).serve() as parent:
            with dial_through(parent.settings()) as parents:
                caller = await parents.opened()
                loop = asyncio.get_running_loop()
                await loop.sock_sendall(caller.upstream, b"hello")
                assert await loop.sock_recv(caller.upstream, 5) == b"hello"
                (head,) = parent.heads
                assert head == (
                    f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\nUser-Agent: LicenseGate\r\n"
                    f"Via: 1.1 {OUR_NAME}\r\nProxy-Connection: Keep-Alive\r\n\r\n"
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


@pytest.mark.parametrize(("status", "outcome"), STATUSES.items(), ids=map(str, STATUSES))
def test_a_refusal_or_target_failure_is_final_for_the_tunnel(status: int, outcome: Outcome) -> None:
    async def main() -> None:
        answer = b"HTTP/1.1 %d Because\r\nServer: squid/5.7\r\nX-Squid-Error: ERR_X 0\r\n" % status + CLOSING_BODY
        async with ScriptedParent(answer_once(answer)).serve() as first, ScriptedParent(open_at_once).serve() as second:
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
        looped = b"HTTP/1.1 502 proxy_loop\r\nProxy-Status: gate; error=proxy_loop_detected\r\n" + CLOSING_BODY
        async with ScriptedParent(answer_once(looped)).serve() as parent:
            with dial_through(parent.settings()) as parents:
                assert await parents.outcome() is Outcome.PARENT_LOOP

    run(main())


@pytest.mark.parametrize(
    ("wanted", "rule", "addresses", "expected"),
    [
        (ParentTarget.CHECKED, PUBLIC, ("8.8.8.8", "10.0.0.1"), f"{HOST}:443"),
        (ParentTarget.ADDRESS, PUBLIC, ("10.0.0.1", "8.8.8.8"), "8.8.8.8:443"),
        (ParentTarget.ADDRESS, PUBLIC, ("2001:4860:4860::8888",), "[2001:4860:4860::8888]:443"),
        (ParentTarget.ADDRESS, PRIVATE, ("10.0.0.1",), "10.0.0.1:443"),
        (ParentTarget.CHECKED, PUBLIC, ("10.0.0.1",), Outcome.DESTINATION_IP_PROHIBITED),
        (ParentTarget.ADDRESS, PUBLIC, ("127.0.0.1",), Outcome.DESTINATION_IP_PROHIBITED),
        (ParentTarget.CHECKED, PUBLIC, None, Outcome.DNS_NOT_FOUND),
        (ParentTarget.NAME, PUBLIC, None, f"{HOST}:443"),
    ],
)
def test_a_target_can_be_checked_before_a_parent_is_tried(
    wanted: ParentTarget, rule: Rule, addresses: tuple[str, ...] | None, expected: str | Outcome
) -> None:
    async def main() -> None:
        async with ScriptedParent(open_at_once).serve() as parent:
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
        async with ScriptedParent(open_at_once).serve() as parent:
            with dial_through(parent.settings(target=ParentTarget.CHECKED), names={}) as parents:
                assert await parents.outcome(host="10.1.2.3") is Outcome.DESTINATION_IP_PROHIBITED
                await parents.opened(host="10.1.2.3", rule=PRIVATE)

    run(main())


def test_connect_to_replaces_the_requested_target() -> None:
    async def main() -> None:
        async with ScriptedParent(open_at_once).serve() as parent:
            with dial_through(parent.settings(), connect_to=(ConnectTo(HOST, 443, "192.0.2.1", 8443),)) as parents:
                await parents.opened()
                assert parent.heads[0].startswith("CONNECT 192.0.2.1:8443 HTTP/1.1\r\n")

    run(main())


@pytest.mark.parametrize("phase", ["connecting", "asking", "looking up", "looking up the target"])
@pytest.mark.parametrize("asked_again", [False, True], ids=["abandoned", "abandoned and forgotten"])
def test_a_dial_abandoned_at_any_time_leaves_nothing(phase: str, asked_again: bool) -> None:
    async def main() -> None:
        before = descriptors()
        may_answer = threading.Event()

        def answer(name: str) -> Resolved:
            assert may_answer.wait(SECONDS)
            return Resolved(("127.0.0.1",))

        with contextlib.closing(BlackHole("127.0.0.1")) as hole:
            async with ScriptedParent(is_silent).serve() as silent:
                port = hole.port if phase == "connecting" else silent.port
                host = "proxy.test" if phase == "looking up" else "127.0.0.1"
                target = ParentTarget.CHECKED if phase == "looking up the target" else ParentTarget.NAME
                with dial_through(ParentProxy(host, port, target=target)) as parents:
                    parents.room.resolver._ask = once(answer)
                    caller, pending = parents.start()
                    if phase == "asking":
                        await until(lambda: silent.connections == 1)
                    await turns(3)
                    outcome, detail = pending.abandon()
                    if asked_again:
                        pending.abandon()
                    may_answer.set()
                    expected = Outcome.DNS_TIMEOUT if phase == "looking up the target" else Outcome.PARENT_TIMEOUT
                    assert outcome is expected
                    assert ("no answer" in detail) is (phase == "asking")
                    await until(lambda: not parents.room.resolver._shares.taken)
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
        async with ScriptedParent(answer_once(start + rest)).serve() as parent:
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
        async with ScriptedParent(open_at_once).serve() as parent:
            with dial_through(parent.settings()) as parents:
                with patch("licensegate.proxy.parent.connect_attempt.connect_request", side_effect=ZeroDivisionError):
                    caller = await parents.dial()
                assert [type(error) for error in caller.crashes] == [ZeroDivisionError]
                assert caller.failed == []
                await parents.opened()
                await parents.assert_nothing_left()

    run(main())
    assert "a fault in the gate ended one connection" in caplog.text
