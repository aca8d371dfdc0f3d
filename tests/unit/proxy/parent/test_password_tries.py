"""How often a password is sent to parents: real dials to scripted parents in the same loop."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from licensegate.proxy.parent.settings import ParentAuth, ParentLogin
from licensegate.records.outcome import Outcome
from support.ntlm import NtlmParent
from support.scripted_parent import (
    BASIC,
    CLOSING_BODY,
    LOGIN_REQUIRED,
    PERSISTENT_BODY,
    GateConnection,
    ScriptedParent,
    answer_once,
    dial_through,
    open_at_once,
    password_file,
    password_login,
    require_credentials,
)
from support.sockets import run, turns, until


def refuses_digest(gate: GateConnection) -> Awaitable[None]:
    return require_credentials("nothing", b'Digest realm="r", nonce="n"')(gate)


def refuses_basic(gate: GateConnection) -> Awaitable[None]:
    return require_credentials("nothing", b'Basic realm="r"')(gate)


def refuses_ntlm(gate: GateConnection) -> Awaitable[None]:
    return NtlmParent().log_in(gate)


@pytest.mark.usefixtures("known_to_ntlm")
@pytest.mark.parametrize("auth", ["auto", "the scheme's"])
@pytest.mark.parametrize("behaviour", [refuses_digest, refuses_basic, refuses_ntlm])
def test_a_wrong_password_is_tried_once_until_it_changes(
    tmp_path: Path, behaviour: Callable[[GateConnection], Awaitable[None]], auth: str, caplog: pytest.LogCaptureFixture
) -> None:
    scheme = behaviour.__name__.removeprefix("refuses_")

    async def main() -> None:
        async with ScriptedParent(behaviour).serve() as parent:
            mine = password_login(tmp_path, scheme if auth != "auto" else auth, user="CORP\\svc", password="hunter1")
            with dial_through(parent.settings(mine)) as parents:
                assert await parents.outcome() is Outcome.PARENT_LOGIN_REFUSED
                tried = [sent for sent in parent.credentials if sent]
                assert len(tried) == (2 if scheme == "ntlm" else 1)

                caller = await parents.dial()
                assert caller.failed[0][0] is Outcome.PARENT_LOGIN_REFUSED
                assert "not tried again" in caller.failed[0][1]
                assert [sent for sent in parent.credentials if sent] == tried

                password_file(tmp_path, "hunter2")
                await parents.dial()
                assert [sent for sent in parent.credentials if sent] != tried
                await parents.assert_nothing_left()

    run(main())
    lines = [record.getMessage() for record in caplog.records]
    assert sum("was refused" in line for line in lines) == 2
    assert not any("hunter" in line for line in lines)


@pytest.mark.parametrize(
    "fields",
    [b"", b'WWW-Authenticate: Basic realm="tinyproxy"\r\n', b'Proxy-Authenticate: Basic realm="tinyproxy"\r\n'],
    ids=["no challenge", "a server's challenge", "a proxy's challenge"],
)
@pytest.mark.parametrize("auth", ["auto", "basic"])
def test_a_401_after_a_login_is_a_refused_password(tmp_path: Path, auth: str, fields: bytes) -> None:
    async def behave(gate: GateConnection) -> None:
        if not await gate.credentials():
            gate.send(LOGIN_REQUIRED, b"Proxy-Authenticate: Basic\r\n", CLOSING_BODY)
        else:
            gate.send(b"HTTP/1.0 401 Unauthorized\r\n", fields, CLOSING_BODY)

    async def main() -> None:
        async with ScriptedParent(behave).serve() as parent:
            with dial_through(parent.settings(password_login(tmp_path, auth, password="wrong"))) as parents:
                for _ in range(3):
                    assert await parents.outcome() is Outcome.PARENT_LOGIN_REFUSED
                assert len([sent for sent in parent.credentials if sent]) == 1

    run(main())


@pytest.mark.parametrize("field", [b"Proxy-Authenticate", b"WWW-Authenticate"])
def test_a_401_as_a_challenge_is_answered(tmp_path: Path, field: bytes) -> None:
    async def behave(gate: GateConnection) -> None:
        if await gate.credentials() == BASIC:
            await gate.open_tunnel()
        else:
            gate.send(b"HTTP/1.1 401 Unauthorized\r\n", field, b": Basic realm=x\r\n", CLOSING_BODY)

    async def main() -> None:
        async with ScriptedParent(behave).serve() as parent:
            with dial_through(parent.settings(password_login(tmp_path))) as parents:
                await parents.opened()
                assert parent.credentials == ["", BASIC]

    run(main())


def test_nonces_that_are_always_stale_do_not_lock_the_account(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Such as two gates behind a balancer that share no key."""

    async def behave(gate: GateConnection) -> None:
        for number in range(9):
            await gate.head()
            challenge = b'Proxy-Authenticate: Digest realm="r", nonce="%d", stale=true\r\n' % number
            gate.send(LOGIN_REQUIRED, challenge, PERSISTENT_BODY)

    async def main() -> None:
        async with ScriptedParent(behave).serve() as parent:
            with dial_through(parent.settings(password_login(tmp_path, "digest"))) as parents:
                for _ in range(3):
                    assert await parents.outcome() is Outcome.PARENT_LOGIN_FAILED
                parent.behaviour = open_at_once
                await parents.opened()

    run(main())
    assert not caplog.records


@pytest.mark.parametrize("leaves", ["the client", "the gate, for another parent"])
def test_a_password_check_continues_after_the_tunnel_is_gone(tmp_path: Path, leaves: str) -> None:
    """Otherwise a parent that delays a refusal would get the same password again from every impatient client."""

    async def main() -> None:
        answer_now = asyncio.Event()

        async def slow(gate: GateConnection) -> None:
            await gate.head()
            await answer_now.wait()
            gate.send(LOGIN_REQUIRED, b"Proxy-Authenticate: Basic\r\n", CLOSING_BODY)

        async with ScriptedParent(slow).serve() as parent, ScriptedParent(open_at_once).serve() as second:
            mine = parent.settings(password_login(tmp_path, "basic"), seconds=0.05)
            with dial_through(*([mine] if leaves == "the client" else [mine, second.settings()])) as parents:
                caller, pending = parents.start()
                await until(lambda: parent.heads)
                if leaves == "the client":
                    pending.abandon()
                else:
                    await until(lambda: caller.done)
                    assert caller.record.parent_status == 200
                answer_now.set()
                await until(lambda: parents.selector.parents[0].account._refusal)
                await parents.assert_nothing_left()
                assert caller.record.parent_status == (0 if leaves == "the client" else 200)
                parents.selector.parents[0].health.answered()
                await parents.dial()
                assert len(parent.heads) == 1

    run(main())


def test_an_abandoned_tunnel_is_closed_when_it_opens(tmp_path: Path) -> None:
    async def main() -> None:
        answer_now, closed = asyncio.Event(), asyncio.Event()

        async def slow(gate: GateConnection) -> None:
            await gate.head()
            await answer_now.wait()
            await gate.open_tunnel()
            closed.set()

        async with ScriptedParent(slow).serve() as parent:
            with dial_through(parent.settings(password_login(tmp_path, "basic"))) as parents:
                _, pending = parents.start()
                await until(lambda: parent.heads)
                pending.abandon()
                answer_now.set()
                await closed.wait()
                assert parents.selector.parents[0].account.is_proven
                await parents.assert_nothing_left()

    run(main())


def test_concurrent_tunnels_try_a_wrong_password_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedParent(refuses_basic).serve() as parent:
            with dial_through(parent.settings(password_login(tmp_path, password="wrong"))) as parents:
                callers = [parents.start()[0] for _ in range(20)]
                await until(lambda: all(caller.done for caller in callers))
                assert {caller.failed[0][0] for caller in callers} == {Outcome.PARENT_LOGIN_REFUSED}
                assert len([sent for sent in parent.credentials if sent]) == 1
                await parents.assert_nothing_left()

    run(main())


def test_concurrent_tunnels_with_the_right_password_all_open(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedParent(require_credentials(BASIC, b"Basic")).serve() as parent:
            with dial_through(parent.settings(password_login(tmp_path))) as parents:
                callers = [parents.start()[0] for _ in range(20)]
                await until(lambda: all(caller.done for caller in callers))
                assert all(caller.upstream for caller in callers)
                await parents.assert_nothing_left()

    run(main())


def test_a_refused_account_is_skipped_at_other_parents(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            ScriptedParent(refuses_basic).serve() as first,
            ScriptedParent(refuses_basic).serve() as second,
            ScriptedParent(open_at_once).serve() as third,
        ):
            mine = password_login(tmp_path, "basic")
            other = ParentLogin(ParentAuth.BASIC, "other", mine.password_file)
            with dial_through(first.settings(mine), second.settings(mine), third.settings(other)) as parents:
                await parents.opened()
                assert (len(first.heads), second.heads, len(third.heads)) == (1, [], 1)

    run(main())


def test_only_an_open_tunnel_proves_a_password(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedParent(answer_once(b"HTTP/1.1 403 no\r\n" + CLOSING_BODY)).serve() as parent:
            with dial_through(parent.settings(password_login(tmp_path, "basic"))) as parents:
                assert await parents.outcome() is Outcome.PARENT_REFUSED
                assert not parents.selector.parents[0].account.is_proven
                parent.behaviour = open_at_once
                await parents.opened()
                assert parents.selector.parents[0].account.is_proven

    run(main())


def test_a_slow_login_and_a_slow_parent_time_out_differently(tmp_path: Path) -> None:
    async def main() -> None:
        hold = asyncio.Event()

        async def behave(gate: GateConnection) -> None:
            await gate.head()
            await hold.wait()

        async with ScriptedParent(behave).serve() as parent:
            with dial_through(parent.settings(password_login(tmp_path, "basic"))) as parents:
                _, first = parents.start()
                await until(lambda: parent.heads)
                _, second = parents.start()
                await turns(5)
                assert second.abandon()[0] is Outcome.PARENT_LOGIN_FAILED
                assert first.abandon()[0] is Outcome.PARENT_TIMEOUT
                hold.set()
                await parents.assert_nothing_left()

    run(main())
