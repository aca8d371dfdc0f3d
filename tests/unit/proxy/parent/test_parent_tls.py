"""TLS to the parent itself: real dials to a scripted parent in the same loop."""

import ssl
from pathlib import Path

import pytest

from licensegate.proxy.dial.resolution import Resolved
from licensegate.proxy.net.channel import TlsChannel
from licensegate.proxy.parent.settings import ParentProxy
from licensegate.records.outcome import Outcome
from support.authority import Authority
from support.certificates import issue
from support.scripted_parent import BASIC, GateConnection, ScriptedParent, dial_through, open_at_once, password_login
from support.sockets import run, turns, until


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
            named = ParentProxy(
                "proxy.test", parent.port, tls=True, ca=authority.root, login=password_login(tmp_path, "basic")
            )
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
        async with ScriptedParent(open_at_once).serve(serving(authority, certified)) as parent:
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
        async with ScriptedParent(open_at_once).serve(serving(authority)) as parent:
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
        async with ScriptedParent(open_at_once).serve() as parent:
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
        async with ScriptedParent(open_at_once).serve(serving(authority)) as parent:
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
