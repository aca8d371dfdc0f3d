"""Connecting and logging in to one parent: real dials to a scripted parent in the same loop."""

from pathlib import Path

import pytest

from licensegate.proxy.dial.resolution import Resolved, Unresolved
from licensegate.proxy.dial.settings import ConnectTo
from licensegate.proxy.parent.settings import ParentAuth, ParentLogin, ParentProxy
from licensegate.proxy.wire.via import OUR_NAME
from licensegate.records.outcome import Outcome
from support.dial_harness import HOST
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
from support.sockets import run, until


def test_basic_is_sent_without_a_challenge_if_the_settings_name_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedParent(require_credentials(BASIC, b"Basic")).serve() as parent:
            with dial_through(parent.settings(password_login(tmp_path, "basic"))) as parents:
                caller = await parents.opened()
                assert parent.credentials == [BASIC]
                assert caller.record.parent_login == "basic"

    run(main())


@pytest.mark.parametrize("ending", [PERSISTENT_BODY, CLOSING_BODY], ids=["where it is kept", "where it closes"])
def test_a_challenge_is_answered_on_the_same_or_a_new_connection(tmp_path: Path, ending: bytes) -> None:
    async def main() -> None:
        async def behave(gate: GateConnection) -> None:
            while await gate.credentials() != BASIC:
                gate.send(LOGIN_REQUIRED, b"Proxy-Authenticate: Basic\r\n", ending)
                if ending is CLOSING_BODY:
                    return
            await gate.open_tunnel()

        async with ScriptedParent(behave).serve() as parent:
            with dial_through(parent.settings(password_login(tmp_path))) as parents:
                await parents.opened()
                assert parent.credentials == ["", BASIC]
                assert parent.connections == (2 if ending is CLOSING_BODY else 1)
                await parents.assert_nothing_left()

    run(main())


@pytest.mark.parametrize(
    "tail",
    [
        b"Content-Length: 2\r\n\r\nno",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
        b"\r\n",
        b"Content-Length: 300000\r\n\r\n",
        b"Content-Length: 2\r\n\r\nno, and something else",
        b"Content-Length: 2\r\n\r\nn",
    ],
    ids=["a length", "chunks", "neither", "a long body", "more than the length", "less than the length"],
)
def test_a_login_continues_after_any_challenge_body(tmp_path: Path, tail: bytes) -> None:
    async def main() -> None:
        async def behave(gate: GateConnection) -> None:
            if await gate.credentials() != BASIC:
                gate.send(LOGIN_REQUIRED, b"Proxy-Authenticate: Basic\r\n", tail)
                if tail.endswith(b"\r\n\r\nn"):
                    return
                await gate.credentials()
            await gate.open_tunnel()

        async with ScriptedParent(behave).serve() as parent:
            with dial_through(parent.settings(password_login(tmp_path))) as parents:
                await parents.opened()
                assert parent.credentials[-1] == BASIC
                await parents.assert_nothing_left()

    run(main())


def test_a_dead_kept_connection_is_replaced(tmp_path: Path) -> None:
    async def main() -> None:
        async def behave(gate: GateConnection) -> None:
            if parent.connections == 1:
                await gate.head()
                gate.send(LOGIN_REQUIRED, b"Proxy-Authenticate: Basic\r\n", PERSISTENT_BODY)
                await gate.head()
                gate.reset()
            else:
                assert await gate.credentials() == BASIC
                await gate.open_tunnel()

        parent = ScriptedParent(behave)
        async with parent.serve():
            with dial_through(parent.settings(password_login(tmp_path))) as parents:
                await parents.opened()
                assert parent.connections == 2

    run(main())


def test_the_strongest_offered_scheme_is_used(tmp_path: Path) -> None:
    offered = (
        b'Proxy-Authenticate: Basic realm="r"\r\n'
        b"Proxy-Authenticate: NTLM\r\n"
        b'Proxy-Authenticate: Digest realm="r", nonce="m", qop="auth", algorithm=MD5\r\n'
        b'Proxy-Authenticate: Digest realm="r", nonce="s", qop="auth", algorithm=SHA-256\r\n'
        b"Proxy-Authenticate: Negotiate\r\n"
    )

    async def main() -> None:
        async def behave(gate: GateConnection) -> None:
            await gate.head()
            gate.send(LOGIN_REQUIRED, offered, PERSISTENT_BODY)
            await gate.head()
            await gate.open_tunnel()

        async with ScriptedParent(behave).serve() as parent:
            with dial_through(parent.settings(password_login(tmp_path))) as parents:
                caller = await parents.opened()
                sent = parent.credentials[1]
                assert sent.startswith('Digest username="svc"')
                assert 'nonce="s"' in sent
                assert f'uri="{HOST}:443"' in sent
                assert caller.record.parent_login == "digest"

    run(main())


def test_a_stale_nonce_is_answered_again(tmp_path: Path) -> None:
    async def main() -> None:
        async def behave(gate: GateConnection) -> None:
            for challenge in (b'nonce="a"', b'nonce="b", stale=true'):
                await gate.head()
                gate.send(
                    LOGIN_REQUIRED, b'Proxy-Authenticate: Digest realm="r", ', challenge, b"\r\n", PERSISTENT_BODY
                )
            await gate.head()
            await gate.open_tunnel()

        async with ScriptedParent(behave).serve() as parent:
            with dial_through(parent.settings(password_login(tmp_path, "digest"))) as parents:
                await parents.opened()
                assert ['nonce="b"' in sent for sent in parent.credentials] == [False, False, True]

    run(main())


@pytest.mark.usefixtures("known_to_ntlm")
@pytest.mark.parametrize(("auth", "requests"), [("ntlm", 2), ("auto", 3)])
def test_ntlm_uses_one_connection_for_all_messages(tmp_path: Path, auth: str, requests: int) -> None:
    async def main() -> None:
        async with NtlmParent().serve() as parent:
            with dial_through(parent.settings(password_login(tmp_path, auth, user="CORP\\svc"))) as parents:
                caller = await parents.opened()
                assert (len(parent.heads), parent.connections) == (requests, 1)
                assert caller.record.parent_login == "ntlm"
                await parents.assert_nothing_left()

    run(main())


@pytest.mark.usefixtures("known_to_ntlm")
def test_closing_during_ntlm_is_not_a_refused_password(tmp_path: Path) -> None:
    async def main() -> None:
        async with NtlmParent(closes=True).serve() as parent:
            with dial_through(parent.settings(password_login(tmp_path, "ntlm", user="CORP\\svc"))) as parents:
                for _ in range(2):
                    caller = await parents.dial()
                    ((outcome, detail),) = caller.failed
                    assert outcome is Outcome.PARENT_LOGIN_FAILED
                    assert "in the middle of the login" in detail
                assert parent.connections == 2

    run(main())


@pytest.mark.parametrize(
    ("mine", "offered", "outcome"),
    [
        (ParentLogin(), b'Proxy-Authenticate: Basic realm="r"\r\n', Outcome.PARENT_LOGIN_REQUIRED),
        (ParentLogin(ParentAuth.NONE), b"Proxy-Authenticate: NTLM\r\n", Outcome.PARENT_LOGIN_REQUIRED),
        (ParentLogin(), b"", Outcome.PARENT_LOGIN_REQUIRED),
        (None, b"", Outcome.PARENT_LOGIN_UNSUPPORTED),
        (None, b"Proxy-Authenticate: Bearer, Negotiate\r\n", Outcome.PARENT_LOGIN_UNSUPPORTED),
        (None, b'Proxy-Authenticate: Digest nonce="n", algorithm=SHA-512-256\r\n', Outcome.PARENT_LOGIN_UNSUPPORTED),
    ],
    ids=["no login", "none", "no login, no offer", "no offer", "other ways", "another algorithm"],
)
def test_a_missing_or_unsupported_login_names_the_offered_schemes(
    tmp_path: Path, mine: ParentLogin | None, offered: bytes, outcome: Outcome
) -> None:
    async def main() -> None:
        async with ScriptedParent(answer_once(LOGIN_REQUIRED + offered + CLOSING_BODY)).serve() as parent:
            with dial_through(parent.settings(mine or password_login(tmp_path))) as parents:
                caller = await parents.dial()
                assert caller.failed[0][0] is outcome
                scheme = offered.partition(b": ")[2].split(b" ")[0].split(b",")[0].strip().decode().lower()
                assert (scheme or "names no way") in caller.failed[0][1]
                assert parent.credentials == [""]
                assert caller.record.parent_status == 407

    run(main())


def test_a_407_for_another_scheme_is_not_a_refused_password(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedParent(require_credentials("nothing", b"NTLM")).serve() as parent:
            with dial_through(parent.settings(password_login(tmp_path, "basic"))) as parents:
                for _ in range(2):
                    assert await parents.outcome() is Outcome.PARENT_LOGIN_UNSUPPORTED
                assert parent.credentials == [BASIC, BASIC]

    run(main())


def test_an_unreadable_password_file_fails_before_connecting(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedParent(open_at_once).serve() as parent:
            mine = password_login(tmp_path, "basic")
            password_file(tmp_path).unlink()
            with dial_through(parent.settings(mine)) as parents:
                caller = await parents.dial()
                assert caller.failed[0][0] is Outcome.PARENT_LOGIN_FAILED
                assert "No such file" in caller.failed[0][1]
                assert parent.connections == 0

    run(main())


def test_a_parent_that_dies_during_a_login_is_left_out(tmp_path: Path) -> None:
    async def main() -> None:
        async def dies(gate: GateConnection) -> None:
            await gate.head()
            if parent.connections == 1:
                gate.send(LOGIN_REQUIRED, b"Proxy-Authenticate: Basic\r\n", PERSISTENT_BODY)
                await gate.head()
                gate.send(b"HTTP/1.1 4")
            gate.reset()

        parent = ScriptedParent(dies)
        async with parent.serve(), ScriptedParent(open_at_once).serve() as second:
            with dial_through(parent.settings(password_login(tmp_path)), second.settings()) as parents:
                await parents.opened()
                assert parents.selector.parents[0].health.left_out_until > 0
                await parents.assert_nothing_left()

    run(main())


def test_a_parents_own_name_is_looked_up_and_may_be_private() -> None:
    async def main() -> None:
        async with ScriptedParent(open_at_once).serve() as parent:
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


def test_the_clients_via_is_passed_on() -> None:
    async def main() -> None:
        async with ScriptedParent(open_at_once).serve() as parent:
            with dial_through(parent.settings()) as parents:
                caller, _ = parents.start()
                caller.record.via, caller.record.http_version = "1.1 edge", "1.0"
                await until(lambda: caller.done)
                assert f"\r\nVia: 1.1 edge, 1.0 {OUR_NAME}\r\n" in parent.heads[0]

    run(main())
