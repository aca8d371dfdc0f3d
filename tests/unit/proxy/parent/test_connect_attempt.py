"""Connecting and logging in to one parent: real dials to a scripted parent in the same loop."""

import asyncio
import base64
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import spnego

from licensegate.proxy.dial.resolver import Resolved
from licensegate.proxy.net.channel import TlsChannel
from licensegate.proxy.parent.settings import ParentAuth, ParentLogin, ParentProxy
from licensegate.records.outcome import Outcome
from support.authority import Authority
from support.certificates import issue
from support.inner_dialer import HOST
from support.parent import CLOSING, GateConnection, ScriptedParent, answers, dial_through, opens, password_file, wants
from support.sockets import run, turns, until

BASIC = "Basic c3ZjOnNlY3JldA=="  # svc:secret
STAYS = b"Content-Length: 2\r\n\r\nno"
LOGIN = b"HTTP/1.1 407 Login\r\n"


def login(folder: Path, auth: str = "auto", *, user: str = "svc", password: str = "secret") -> ParentLogin:
    return ParentLogin(ParentAuth(auth), user, password_file(folder, password))


def test_basic_is_sent_unasked_if_the_settings_name_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedParent(wants(BASIC, b"Basic")).serve() as parent:
            with dial_through(parent.settings(login(tmp_path, "basic"))) as parents:
                caller = await parents.opened()
                assert parent.credentials == [BASIC]
                assert caller.record.parent_login == "basic"

    run(main())


@pytest.mark.parametrize("ending", [STAYS, CLOSING], ids=["where it is kept", "where it closes"])
def test_a_challenge_is_answered_on_the_same_or_a_new_connection(tmp_path: Path, ending: bytes) -> None:
    async def main() -> None:
        async def behave(gate: GateConnection) -> None:
            while await gate.credentials() != BASIC:
                gate.send(LOGIN, b"Proxy-Authenticate: Basic\r\n", ending)
                if ending is CLOSING:
                    return
            await gate.open_tunnel()

        async with ScriptedParent(behave).serve() as parent:
            with dial_through(parent.settings(login(tmp_path))) as parents:
                await parents.opened()
                assert parent.credentials == ["", BASIC]
                assert parent.connections == (2 if ending is CLOSING else 1)
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
                gate.send(LOGIN, b"Proxy-Authenticate: Basic\r\n", tail)
                if tail.endswith(b"\r\n\r\nn"):
                    return
                await gate.credentials()
            await gate.open_tunnel()

        async with ScriptedParent(behave).serve() as parent:
            with dial_through(parent.settings(login(tmp_path))) as parents:
                await parents.opened()
                assert parent.credentials[-1] == BASIC
                await parents.assert_nothing_left()

    run(main())


def test_a_dead_kept_connection_is_replaced(tmp_path: Path) -> None:
    async def main() -> None:
        async def behave(gate: GateConnection) -> None:
            if parent.connections == 1:
                await gate.head()
                gate.send(LOGIN, b"Proxy-Authenticate: Basic\r\n", STAYS)
                await gate.head()
                gate.reset()
            else:
                assert await gate.credentials() == BASIC
                await gate.open_tunnel()

        parent = ScriptedParent(behave)
        async with parent.serve():
            with dial_through(parent.settings(login(tmp_path))) as parents:
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
            gate.send(LOGIN, offered, STAYS)
            await gate.head()
            await gate.open_tunnel()

        async with ScriptedParent(behave).serve() as parent:
            with dial_through(parent.settings(login(tmp_path))) as parents:
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
                gate.send(LOGIN, b'Proxy-Authenticate: Digest realm="r", ', challenge, b"\r\n", STAYS)
            await gate.head()
            await gate.open_tunnel()

        async with ScriptedParent(behave).serve() as parent:
            with dial_through(parent.settings(login(tmp_path, "digest"))) as parents:
                await parents.opened()
                assert ['nonce="b"' in sent for sent in parent.credentials] == [False, False, True]

    run(main())


class NtlmParent(ScriptedParent):
    """A parent that wants NTLM, with pyspnego; with `closes`, it closes the connection during the login."""

    def __init__(self, *, closes: bool = False) -> None:
        super().__init__(self._log_in)
        self._closes = closes

    async def _log_in(self, gate: GateConnection) -> None:
        server = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
        while not server.complete:
            _, _, token = (await gate.credentials()).partition(" ")
            challenge = b""
            if token:
                try:
                    challenge = server.step(base64.b64decode(token)) or b""
                except spnego.exceptions.SpnegoError:
                    server = server.new_context()
            if not server.complete:
                field = b"Proxy-Authenticate: NTLM" + (b" " + base64.b64encode(challenge) if challenge else b"")
                gate.send(LOGIN, field, b"\r\n", CLOSING if self._closes else STAYS)
                if self._closes:
                    return
        await gate.open_tunnel()


@pytest.fixture
def known_to_ntlm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = tmp_path / "users"
    users.write_text("CORP:svc:secret\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(users))


@pytest.mark.usefixtures("known_to_ntlm")
@pytest.mark.parametrize(("auth", "requests"), [("ntlm", 2), ("auto", 3)])
def test_ntlm_uses_one_connection_for_all_messages(tmp_path: Path, auth: str, requests: int) -> None:
    async def main() -> None:
        async with NtlmParent().serve() as parent:
            with dial_through(parent.settings(login(tmp_path, auth, user="CORP\\svc"))) as parents:
                caller = await parents.opened()
                assert (len(parent.heads), parent.connections) == (requests, 1)
                assert caller.record.parent_login == "ntlm"
                await parents.assert_nothing_left()

    run(main())


@pytest.mark.usefixtures("known_to_ntlm")
def test_closing_during_ntlm_is_not_a_refused_password(tmp_path: Path) -> None:
    async def main() -> None:
        async with NtlmParent(closes=True).serve() as parent:
            with dial_through(parent.settings(login(tmp_path, "ntlm", user="CORP\\svc"))) as parents:
                for _ in range(2):
                    caller = await parents.dial()
                    ((outcome, detail),) = caller.failed
                    assert outcome is Outcome.PARENT_LOGIN_FAILED
                    assert "in the middle of the login" in detail
                assert parent.connections == 2

    run(main())


def refuses_digest(gate: GateConnection) -> Awaitable[None]:
    return wants("nothing", b'Digest realm="r", nonce="n"')(gate)


def refuses_basic(gate: GateConnection) -> Awaitable[None]:
    return wants("nothing", b'Basic realm="r"')(gate)


def refuses_ntlm(gate: GateConnection) -> Awaitable[None]:
    return NtlmParent()._log_in(gate)


@pytest.mark.usefixtures("known_to_ntlm")
@pytest.mark.parametrize("auth", ["auto", "the scheme's"])
@pytest.mark.parametrize("behaviour", [refuses_digest, refuses_basic, refuses_ntlm])
def test_a_wrong_password_is_tried_once_until_it_changes(
    tmp_path: Path, behaviour: Callable[[GateConnection], Awaitable[None]], auth: str, caplog: pytest.LogCaptureFixture
) -> None:
    scheme = behaviour.__name__.removeprefix("refuses_")

    async def main() -> None:
        async with ScriptedParent(behaviour).serve() as parent:
            mine = login(tmp_path, scheme if auth != "auto" else auth, user="CORP\\svc", password="hunter1")
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


@pytest.mark.parametrize("leaves", ["the client", "the gate, for another parent"])
def test_a_password_check_continues_after_the_tunnel_is_gone(tmp_path: Path, leaves: str) -> None:
    """Otherwise a parent that delays a refusal would get the same password again from every impatient client."""

    async def main() -> None:
        answer_now = asyncio.Event()

        async def slow(gate: GateConnection) -> None:
            await gate.head()
            await answer_now.wait()
            gate.send(LOGIN, b"Proxy-Authenticate: Basic\r\n", CLOSING)

        async with ScriptedParent(slow).serve() as parent, ScriptedParent(opens).serve() as second:
            mine = parent.settings(login(tmp_path, "basic"), seconds=0.05)
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
            with dial_through(parent.settings(login(tmp_path, "basic"))) as parents:
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
            with dial_through(parent.settings(login(tmp_path, password="wrong"))) as parents:
                callers = [parents.start()[0] for _ in range(20)]
                await until(lambda: all(caller.done for caller in callers))
                assert {caller.failed[0][0] for caller in callers} == {Outcome.PARENT_LOGIN_REFUSED}
                assert len([sent for sent in parent.credentials if sent]) == 1
                await parents.assert_nothing_left()

    run(main())


def test_concurrent_tunnels_with_the_right_password_all_open(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedParent(wants(BASIC, b"Basic")).serve() as parent:
            with dial_through(parent.settings(login(tmp_path))) as parents:
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
            ScriptedParent(opens).serve() as third,
        ):
            mine = login(tmp_path, "basic")
            other = ParentLogin(ParentAuth.BASIC, "other", mine.password_file)
            with dial_through(first.settings(mine), second.settings(mine), third.settings(other)) as parents:
                await parents.opened()
                assert (len(first.heads), second.heads, len(third.heads)) == (1, [], 1)

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
def test_a_missing_or_unsupported_login_names_what_is_offered(
    tmp_path: Path, mine: ParentLogin | None, offered: bytes, outcome: Outcome
) -> None:
    async def main() -> None:
        async with ScriptedParent(answers(LOGIN + offered + CLOSING)).serve() as parent:
            with dial_through(parent.settings(mine or login(tmp_path))) as parents:
                caller = await parents.dial()
                assert caller.failed[0][0] is outcome
                scheme = offered.partition(b": ")[2].split(b" ")[0].split(b",")[0].strip().decode().lower()
                assert (scheme or "names no way") in caller.failed[0][1]
                assert parent.credentials == [""]
                assert caller.record.parent_status == 407

    run(main())


def test_a_407_for_another_scheme_is_not_a_refused_password(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedParent(wants("nothing", b"NTLM")).serve() as parent:
            with dial_through(parent.settings(login(tmp_path, "basic"))) as parents:
                for _ in range(2):
                    assert await parents.outcome() is Outcome.PARENT_LOGIN_UNSUPPORTED
                assert parent.credentials == [BASIC, BASIC]

    run(main())


def test_an_unreadable_password_file_fails_before_connecting(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedParent(opens).serve() as parent:
            mine = login(tmp_path, "basic")
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
                gate.send(LOGIN, b"Proxy-Authenticate: Basic\r\n", STAYS)
                await gate.head()
                gate.send(b"HTTP/1.1 4")
            gate.reset()

        parent = ScriptedParent(dies)
        async with parent.serve(), ScriptedParent(opens).serve() as second:
            with dial_through(parent.settings(login(tmp_path)), second.settings()) as parents:
                await parents.opened()
                assert parents.selector.parents[0].health.left_out_until > 0
                await parents.assert_nothing_left()

    run(main())


def test_only_an_open_tunnel_proves_a_password(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedParent(answers(b"HTTP/1.1 403 no\r\n" + CLOSING)).serve() as parent:
            with dial_through(parent.settings(login(tmp_path, "basic"))) as parents:
                assert await parents.outcome() is Outcome.PARENT_REFUSED
                assert not parents.selector.parents[0].account.is_proven
                parent.behaviour = opens
                await parents.opened()
                assert parents.selector.parents[0].account.is_proven

    run(main())


# TLS to the parent itself


def serving(authority: Authority, name: str = "proxy.test") -> ssl.SSLContext:
    leaf = authority.issue(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.chain, leaf.key)
    return context


def test_a_tls_parent_is_verified_by_name_and_carries_a_tunnel(tmp_path: Path, authority: Authority) -> None:
    async def main() -> None:
        async def behave(gate: GateConnection) -> None:
            assert await gate.credentials() == BASIC
            await gate.open_tunnel(b"first ")

        asked: list[str] = []
        context = serving(authority)
        context.sni_callback = lambda sock, name, ctx: asked.append(name)
        async with ScriptedParent(behave).serve(context) as parent:
            named = ParentProxy("proxy.test", parent.port, tls=True, ca=authority.root, login=login(tmp_path, "basic"))
            with dial_through(named, names={"proxy.test": Resolved(("127.0.0.1",))}) as parents:
                caller = await parents.opened()
                assert asked == ["proxy.test"]
                assert isinstance(caller.upstream, TlsChannel)
                caller.upstream.send(b"hello")
                heard = caller.received
                while len(heard) < 11:
                    await turns(1)
                    try:
                        heard += caller.upstream.recv(100)
                    except BlockingIOError:
                        continue
                assert heard == b"first hello"
                assert caller.record.parent == f"https://proxy.test:{parent.port}"
                await parents.assert_nothing_left()

    run(main())


@pytest.mark.parametrize(
    ("certified", "trusted", "outcome", "words"),
    [
        ("other.test", True, Outcome.PARENT_CERTIFICATE_REJECTED, "mismatch"),
        ("proxy.test", False, Outcome.PARENT_CERTIFICATE_REJECTED, "certificate"),
    ],
    ids=["another name", "an unknown root"],
)
def test_a_certificate_with_a_wrong_name_or_root_is_rejected(
    authority: Authority, certified: str, trusted: bool, outcome: Outcome, words: str
) -> None:
    async def main() -> None:
        async with ScriptedParent(opens).serve(serving(authority, certified)) as parent:
            ca = authority.root if trusted else None
            with dial_through(
                ParentProxy("proxy.test", parent.port, tls=True, ca=ca), names={"proxy.test": Resolved(("127.0.0.1",))}
            ) as parents:
                caller = await parents.dial()
                assert caller.failed[0][0] is outcome
                assert words in caller.failed[0][1]
                assert parent.heads == []
                assert parents.selector.parents[0].health.left_out_until > 0
                await parents.assert_nothing_left()

    run(main())


def test_a_reload_stops_trusting_a_removed_root(tmp_path: Path, authority: Authority) -> None:
    async def main() -> None:
        ca, another = tmp_path / "ca.pem", tmp_path / "another"
        ca.write_bytes(authority.root.read_bytes())
        another.mkdir()
        async with ScriptedParent(opens).serve(serving(authority)) as parent:
            named = ParentProxy("proxy.test", parent.port, tls=True, ca=ca)
            with dial_through(named, names={"proxy.test": Resolved(("127.0.0.1",))}) as parents:
                await parents.opened()
                ca.write_bytes(Authority(another).root.read_bytes())
                parents.set([named])
                assert await parents.outcome() is Outcome.PARENT_CERTIFICATE_REJECTED

    run(main())


def test_a_parent_without_tls_and_a_silent_one_differ(authority: Authority) -> None:
    async def main() -> None:
        async def speaks_http(gate: GateConnection) -> None:
            gate.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await gate.hold()

        async def ends(gate: GateConnection) -> None:
            return

        async def holds(gate: GateConnection) -> None:
            await gate.hold()

        async with ScriptedParent(speaks_http).serve() as parent:
            with dial_through(parent.settings(tls=True)) as parents:
                assert await parents.outcome() is Outcome.PARENT_TLS_FAILED
                parent.behaviour = ends
                assert await parents.outcome() is Outcome.PARENT_TLS_FAILED
                parent.behaviour = holds
                _, pending = parents.start()
                await until(lambda: parent.connections == 3)
                await turns(5)
                assert pending.abandon() == (
                    Outcome.PARENT_TIMEOUT,
                    f"127.0.0.1:{parent.port}, no answer to the TLS handshake",
                )
                await parents.assert_nothing_left()

    run(main())


def test_unreadable_roots_are_named(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedParent(opens).serve() as parent:
            with dial_through(parent.settings(tls=True, ca=tmp_path / "gone.pem")) as parents:
                caller = await parents.dial()
                assert caller.failed[0][0] is Outcome.PARENT_TLS_FAILED
                assert "gone.pem" in caller.failed[0][1]

    run(main())


def test_changed_roots_apply_to_the_next_tunnel_unless_invalid(
    tmp_path: Path, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        ca = tmp_path / "root.pem"
        ca.write_bytes(issue("another authority", authority=True).pem)
        async with ScriptedParent(opens).serve(serving(authority)) as parent:
            named = ParentProxy("proxy.test", parent.port, tls=True, ca=ca)
            with dial_through(named, names={"proxy.test": Resolved(("127.0.0.1",))}) as parents:
                assert await parents.outcome() is Outcome.PARENT_CERTIFICATE_REJECTED
                ca.write_bytes(authority.root.read_bytes())
                await parents.opened()
                ca.write_text("half a certificate")
                await parents.opened()
                await parents.opened()
                assert [str(ca) in message for message in caplog.messages if "stay" in message] == [True]

    run(main())


def test_a_slow_login_and_a_slow_parent_time_out_differently(tmp_path: Path) -> None:
    async def main() -> None:
        hold = asyncio.Event()

        async def behave(gate: GateConnection) -> None:
            await gate.head()
            await hold.wait()

        async with ScriptedParent(behave).serve() as parent:
            with dial_through(parent.settings(login(tmp_path, "basic"))) as parents:
                _, first = parents.start()
                await until(lambda: parent.heads)
                _, second = parents.start()
                await turns(5)
                assert second.abandon()[0] is Outcome.PARENT_LOGIN_FAILED
                assert first.abandon()[0] is Outcome.PARENT_TIMEOUT
                hold.set()
                await parents.assert_nothing_left()

    run(main())
