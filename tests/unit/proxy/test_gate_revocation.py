"""A gate that ends connections in every state, and settings that change under connections without a decision."""

import asyncio
from ipaddress import ip_network

import pytest
from msgspec import structs

from licensegate.allowlist.client_networks import ClientNetworks
from licensegate.allowlist.policy import Policy
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.selection import TunnelSelection
from licensegate.allowlist.target import Target
from licensegate.app.service.tunnel_ends import end_by_ids, revoke_disallowed, revoke_selected
from licensegate.proxy.auth.scheme import Scheme
from licensegate.proxy.settings import ListenAddress, Revoke, TunnelChecks
from licensegate.proxy.tunnel.context import ClientConnection
from licensegate.records.outcome import Outcome
from support.conversation_harness import make_authenticator
from support.running_gate import RunningGate, run_gate
from support.sockets import descriptors, is_closed, receive, run, until
from support.tunnel_harness import HELLO, HOST, connect_head

HEAD = connect_head(443)
DETAIL = "its user was removed; requested by uid 0"
NOBODY = ClientNetworks((ip_network("192.0.2.0/24"),))


async def only(running: RunningGate) -> ClientConnection:
    await until(lambda: len(running.gate.connections) == 1)
    (connection,) = running.gate.connections
    return connection


def test_a_revoked_tunnel_ends_on_both_sides_and_says_why() -> None:
    async def main() -> None:
        async with run_gate() as running:
            before = descriptors()
            client, far = await running.open_tunnel()
            running.gate.end(await only(running), Outcome.REVOKED, DETAIL)
            assert await receive(client) == b""
            assert await receive(far) == b""
            (record,) = running.records
            assert (record.outcome, record.detail, record.status) == (Outcome.REVOKED, DETAIL, 200)
            client.close()
            far.close()
            assert descriptors() == before

            again, there = await running.open_tunnel()
            there.send(b"still served")
            assert await receive(again, 12) == b"still served"

    run(main())


def test_a_half_closed_tunnel_ends_too() -> None:
    async def main() -> None:
        async with run_gate() as running:
            client, far = await running.open_tunnel()
            far.shutdown(1)
            assert await receive(client) == b""
            running.gate.end(await only(running), Outcome.REVOKED, DETAIL)
            await until(lambda: is_closed(far))
            assert running.outcomes == [Outcome.REVOKED]

    run(main())


def test_a_tunnel_that_waits_for_tls_ends_without_an_answer() -> None:
    async def main() -> None:
        async with run_gate(checks=TunnelChecks()) as running:
            client, _ = await running.open_tunnel()
            client.send(HELLO[:20])
            running.gate.end(await only(running), Outcome.ENDED_BY_OPERATOR, "requested by uid 0")
            assert await receive(client) == b""
            assert running.outcomes == [Outcome.ENDED_BY_OPERATOR]

    run(main())


@pytest.mark.parametrize("sent", [b"", HEAD[:20]], ids=["silent", "in its head"])
def test_a_request_is_judged_by_the_settings_when_it_comes(sent: bytes) -> None:
    async def main() -> None:
        async with run_gate() as running:
            client = running.connect(sent)
            await only(running)
            running.gate.adopt(structs.replace(running.gate.snapshot, policy=Policy([], [], {})))
            client.send(HEAD[len(sent) :])
            assert (await receive(client, 40)).startswith(b"HTTP/1.1 403 target_not_allowed")

    run(main())


@pytest.mark.parametrize("sent", [b"", HEAD[:20]], ids=["silent", "in its head"])
def test_a_request_from_a_removed_network_is_refused(sent: bytes) -> None:
    async def main() -> None:
        async with run_gate() as running:
            client = running.connect(sent)
            await only(running)
            await asyncio.sleep(0)
            running.gate.adopt(structs.replace(running.gate.snapshot, clients=NOBODY))
            client.send(HEAD[len(sent) :])
            assert (await receive(client, 40)).startswith(b"HTTP/1.1 403 client_not_allowed")

    run(main())


def test_a_listener_keeps_its_schemes_after_a_reload_and_its_end() -> None:
    async def main() -> None:
        listen = ListenAddress("127.0.0.1", 0, schemes=frozenset({Scheme.BASIC}))
        async with run_gate(listen=listen) as running:
            gate, name = running.gate, running.gate.listeners[0].name
            for _ in range(2):
                gate.adopt(structs.replace(gate.snapshot, authenticator=make_authenticator()))
                own, general = gate.snapshot_for(name).authenticator, gate.snapshot_for("another").authenticator
                assert own is not None
                assert own.offered == ("basic",)
                assert general is gate.snapshot.authenticator
                gate.stop_accepting()

    run(main())


def test_a_look_of_the_gates_own_keeps_its_permission() -> None:
    async def main() -> None:
        async with run_gate() as running:
            invitation = running.gate.invite(Target(HOST, 443), Rule(HOST, private=True))
            invitation.theirs.send(HEAD[:20])
            await only(running)
            running.gate.adopt(structs.replace(running.gate.snapshot, authenticator=make_authenticator()))
            invitation.theirs.send(HEAD[20:])
            await running.upstream.accept()
            assert await revoke_disallowed(running.gate, "a reload", Revoke.ON_RELOAD) == []
            assert await revoke_selected(running.gate, "a request", TunnelSelection(hosts=(HOST,))) == []
            running.gate.withdraw(invitation)

    run(main())


@pytest.mark.parametrize(("revoke", "ends"), [(Revoke.OFF, 0), (Revoke.USERS, 0), (Revoke.ON_RELOAD, 1)])
def test_the_setting_says_which_causes_end_a_tunnel(revoke: Revoke, ends: int) -> None:
    async def main() -> None:
        async with run_gate() as running:
            await running.open_tunnel()
            running.gate.adopt(structs.replace(running.gate.snapshot, policy=Policy([], [], {})))
            ended = await revoke_disallowed(running.gate, "a reload", revoke)
            assert [one.reason for one in ended] == ["no rule allows it any more"] * ends
            assert [record.detail for record in running.records] == ["no rule allows it any more; a reload"] * ends

    run(main())


def test_many_tunnels_end_oldest_first() -> None:
    async def main() -> None:
        async with run_gate() as running:
            for _ in range(5):
                await running.open_tunnel()
            opened = sorted(one.conversation.record.id for one in running.gate.connections)
            ended, unknown = await end_by_ids(running.gate, "a request", ["unheard-of", *reversed(opened), opened[0]])
            assert ([one.id for one in ended], unknown) == (opened, ["unheard-of"])
            assert len(running.gate.connections) == 0

    run(main())


def test_an_open_tunnel_goes_on_under_other_settings() -> None:
    async def main() -> None:
        async with run_gate() as running:
            client, far = await running.open_tunnel()
            running.gate.adopt(structs.replace(running.gate.snapshot, clients=NOBODY, policy=Policy([], [], {})))
            far.send(b"on")
            assert await receive(client, 2) == b"on"

    run(main())
