"""Which addresses are dialled, and from which."""

import contextlib
import socket
from collections.abc import Callable

import pytest

from licensegate.allowlist.addresses import AddressClass
from licensegate.allowlist.rule import Rule
from licensegate.proxy.dial import address_selection
from licensegate.proxy.dial.resolution import Unresolved
from licensegate.proxy.dial.settings import ConnectTo, DialSettings
from licensegate.records.outcome import Outcome
from support.dial_harness import HOST, PRIVATE, PUBLIC, DialHarness, LoopbackServer, open_dial_harness
from support.sockets import run
from support.tunnel_harness import counting_poller


def public(*addresses: str) -> Callable[[str], AddressClass]:
    """A replacement for `judge`: only these addresses are public."""
    return lambda address: AddressClass(address in addresses, "127.0.0.0/8", "Loopback")


def test_a_name_is_resolved_and_its_address_connected(server: LoopbackServer) -> None:
    async def main() -> None:
        with open_dial_harness("127.0.0.1") as harness:
            caller = await harness.finish(server.port)
            assert caller.upstream is not None
            record = caller.record
            assert record.addresses == ["127.0.0.1"]
            assert caller.tried == [("127.0.0.1", "")]
            assert record.upstream == f"127.0.0.1:{server.port}"
            assert record.local == "{}:{}".format(*caller.upstream.getsockname())
            assert record.resolve_ms is not None
            assert record.dial_ms is not None
            assert not caller.upstream.getblocking()
            assert caller.upstream.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            caller.upstream.close()

    run(main())


def test_connect_to_replaces_the_address_without_a_look_up(server: LoopbackServer) -> None:
    async def main() -> None:
        elsewhere = ConnectTo("other.test", 443, "127.0.0.1", server.port)
        with open_dial_harness(settings=DialSettings(connect_to=(elsewhere,))) as harness:
            caller = await harness.finish(443, PUBLIC, "other.test")
            assert caller.upstream is not None, "what the operator named is not subject to the public-address check"
            assert caller.record.upstream == f"127.0.0.1:{server.port}"
            assert caller.record.resolve_ms is None
            caller.upstream.close()

            (failure,) = (await harness.finish(444, PUBLIC, "10.1.2.3")).failed
            assert failure[0] is Outcome.DESTINATION_IP_PROHIBITED, "another target of that name is not sent there"

    run(main())


def test_a_private_address_needs_a_rule_that_allows_it(server: LoopbackServer) -> None:
    async def main() -> None:
        with open_dial_harness("127.0.0.1") as harness:
            ((outcome, detail),) = (await harness.finish(server.port, PUBLIC)).failed
            assert outcome is Outcome.DESTINATION_IP_PROHIBITED, "nothing of the gate listens there"
            assert detail == "127.0.0.1 (Loopback)"
            assert server.accept() == []
            caller = await harness.finish(server.port, PRIVATE)
            assert caller.upstream is not None
            caller.upstream.close()

    run(main())


@pytest.mark.parametrize("rule", [PUBLIC, PRIVATE], ids=["public", "private"])
def test_an_address_as_target_is_checked_like_a_resolved_one(server: LoopbackServer, rule: Rule) -> None:
    async def main() -> None:
        with open_dial_harness() as harness:
            caller = await harness.finish(server.port, rule, "127.0.0.1")
            assert (caller.upstream is not None) is rule.private
            assert caller.record.addresses == ["127.0.0.1"]
            if caller.upstream is not None:
                caller.upstream.close()

    run(main())


def test_addresses_that_are_not_public_are_never_dialled(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        monkeypatch.setattr(address_selection, "classify", public("127.0.0.1"))
        with (
            contextlib.closing(LoopbackServer("127.0.0.2", server.port)) as forbidden,
            open_dial_harness("127.0.0.2", "127.0.0.1") as harness,
        ):
            caller = await harness.finish(server.port, PUBLIC)
            assert caller.upstream is not None
            assert caller.tried == [("127.0.0.1", "")]
            assert caller.record.addresses == ["127.0.0.2", "127.0.0.1"], "the record shows all resolved addresses"
            assert forbidden.accept() == []
            caller.upstream.close()

    run(main())


def test_a_refusal_names_the_addresses_that_are_not_public(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        with open_dial_harness("10.1.2.3", "fd00::1") as harness:
            ((outcome, detail),) = (await harness.finish(443, PUBLIC)).failed
            assert outcome is Outcome.DESTINATION_IP_PROHIBITED
            assert "10.1.2.3" in detail
            assert "fd00::1" in detail

    run(main())


@pytest.mark.parametrize(
    ("bound", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "::ffff:127.0.0.1"),
        ("127.0.0.1", "0.0.0.0"),
        ("0.0.0.0", "127.0.0.1"),
        ("0.0.0.0", "127.3.2.1"),
        ("::", "::1"),
        ("::1", "::"),
    ],
)
def test_the_gate_never_dials_itself_even_for_a_private_rule(bound: str, address: str) -> None:
    async def main() -> None:
        with contextlib.closing(LoopbackServer(bound)) as gate, open_dial_harness(address) as harness:
            harness.loop_guard.add(bound, gate.port)
            ((outcome, detail),) = (await harness.finish(gate.port, PRIVATE)).failed
            unspecified = address in ("0.0.0.0", "::")  # what a DNS filter answers
            assert outcome is (Outcome.DESTINATION_IP_PROHIBITED if unspecified else Outcome.TARGET_IS_GATE)
            assert address in detail
            assert gate.accept() == []

    run(main())


def test_a_name_on_this_host_is_the_gate_only_where_it_listens() -> None:
    async def main() -> None:
        with open_dial_harness("127.0.0.1") as harness:
            harness.loop_guard.add("0.0.0.0", 3128)
            ((outcome, _),) = (await harness.finish(443, PUBLIC)).failed
            assert outcome is Outcome.DESTINATION_IP_PROHIBITED
            assert (await harness.finish(3128, PUBLIC)).failed == [(Outcome.TARGET_IS_GATE, "127.0.0.1")]

    run(main())


def test_connect_to_the_gate_itself_is_refused_too() -> None:
    async def main() -> None:
        with open_dial_harness(settings=DialSettings(connect_to=(ConnectTo(HOST, 443, "127.0.0.1", 3128),))) as harness:
            harness.loop_guard.add("127.0.0.1", 3128)
            assert (await harness.finish(443)).failed == [(Outcome.TARGET_IS_GATE, "127.0.0.1")]

    run(main())


def test_a_failed_look_up_is_the_outcome_of_the_dial() -> None:
    async def main() -> None:
        with counting_poller() as poller:
            harness = DialHarness(poller, {HOST: Unresolved(Outcome.DNS_FAILED, "no answer")}, DialSettings())
            caller = await harness.finish(443)
            assert caller.failed == [(Outcome.DNS_FAILED, "no answer")]
            assert caller.record.resolve_ms is not None

    run(main())


def test_connections_use_the_source_address_of_their_family(server: LoopbackServer) -> None:
    async def main() -> None:
        with open_dial_harness("127.0.0.1", settings=DialSettings(source_address="127.0.0.5")) as harness:
            caller = await harness.finish(server.port)
            assert caller.upstream is not None
            assert server.accept() == ["127.0.0.5"]
            assert caller.record.local.startswith("127.0.0.5:")
            caller.upstream.close()
        with (
            contextlib.closing(LoopbackServer("::1")) as other,
            open_dial_harness("::1", settings=DialSettings(source_address="127.0.0.5")) as harness,
        ):
            caller = await harness.finish(other.port)
            assert caller.upstream is not None
            assert other.accept() == ["::1"]
            caller.upstream.close()

    run(main())


def test_a_source_address_of_another_host_fails_the_dial(server: LoopbackServer) -> None:
    async def main() -> None:
        with open_dial_harness("127.0.0.1", settings=DialSettings(source_address="192.0.2.1")) as harness:
            ((outcome, detail),) = (await harness.finish(server.port)).failed
            assert outcome is Outcome.DIAL_FAILED
            assert "EADDRNOTAVAIL" in detail

    run(main())
