"""A gate that ends connections in every state, and settings that change under connections without a decision."""

import asyncio
from ipaddress import ip_network

import pytest
from msgspec import structs

from licensegate.allowlist.client_networks import ClientNetworks
from licensegate.allowlist.policy import Policy
from licensegate.proxy.settings import TunnelChecks
from licensegate.proxy.tunnel.context import ClientConnection
from licensegate.records.outcome import Outcome
from support.running_gate import RunningGate, run_gate
from support.sockets import descriptors, is_closed, receive, run, until
from support.tunnel_harness import HELLO, connect_head

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


def test_an_open_tunnel_goes_on_under_other_settings() -> None:
    async def main() -> None:
        async with run_gate() as running:
            client, far = await running.open_tunnel()
            running.gate.adopt(structs.replace(running.gate.snapshot, clients=NOBODY, policy=Policy([], [], {})))
            far.send(b"on")
            assert await receive(client, 2) == b"on"

    run(main())
