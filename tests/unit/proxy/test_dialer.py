import asyncio
import contextlib
import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from licensegate.allowlist.addresses import Verdict
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.proxy import dialer as dialer_module
from licensegate.proxy.dialer import Dialer, Dialling, interleave
from licensegate.proxy.outcome import Outcome
from licensegate.proxy.own_sockets import OwnSockets
from licensegate.proxy.record import open_record
from licensegate.proxy.resolver import Answer, Resolved, Resolver, Unresolved
from licensegate.proxy.settings import ConnectTo, Dial, Dns
from support.inner import CountingPoller, counting_poller
from support.sockets import BlackHole, descriptors, is_closed, no_descriptor_left, run, spin_until, turns, until
from support.upstream import SECONDS

HOST = "target.test"
PUBLIC = Rule(HOST)
PRIVATE = Rule(HOST, private=True)


class Caller:
    """One who dials, and what became of it."""

    def __init__(self, poller: CountingPoller) -> None:
        self.record = open_record("192.0.2.9", 1, "127.0.0.1:3128")
        self.poller = poller
        self.upstream: socket.socket | None = None
        self.failed: list[tuple[Outcome, str]] = []
        self.crashes: list[Exception] = []

    def connected(self, upstream: socket.socket) -> None:
        assert self.upstream is None
        self.upstream = upstream
        self.poller.forget(upstream.fileno())

    def dial_failed(self, outcome: Outcome, detail: str) -> None:
        self.failed.append((outcome, detail))

    def crashed(self, error: Exception) -> None:
        self.crashes.append(error)

    @property
    def done(self) -> bool:
        return bool(self.upstream or self.failed or self.crashes)

    @property
    def tried(self) -> list[tuple[str, str]]:
        return [(attempt.address, attempt.errno) for attempt in self.record.attempts]


class Room:
    """A dialler within the running loop, whose names are what `names` says."""

    def __init__(self, poller: CountingPoller, names: dict[str, Answer], settings: Dial) -> None:
        loop = asyncio.get_running_loop()
        self.poller = poller
        self.own_sockets = OwnSockets()
        self.resolver = Resolver(loop, Dns(timeout_seconds=0.05), poller.finish_batch, names.__getitem__)
        self.dialer = Dialer(loop, poller, self.resolver, self.own_sockets, settings)

    def dial(self, port: int, rule: Rule = PRIVATE, host: str = HOST) -> tuple[Caller, Dialling]:
        who = Caller(self.poller)
        return who, self.dialer.dial(Target(host, port), rule, who)

    async def finish(self, port: int, rule: Rule = PRIVATE, host: str = HOST) -> Caller:
        who, _ = self.dial(port, rule, host)
        await until(lambda: who.done)
        await turns(5)
        return who


@contextlib.contextmanager
def room(*addresses: str, settings: Dial | None = None) -> Iterator[Room]:
    with counting_poller() as poller:
        yield Room(poller, {HOST: Resolved(addresses)}, settings or Dial())


class Server:
    """Listens on an address; `accepted` are the peers' addresses of who came."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.create_server((host, port), family=family)
        self.sock.setblocking(False)
        self.port: int = self.sock.getsockname()[1]
        self.connections: list[socket.socket] = []

    def accept(self) -> list[str]:
        """The addresses of all who have come so far."""
        with contextlib.suppress(BlockingIOError):
            while True:
                connection, _ = self.sock.accept()
                connection.setblocking(False)
                self.connections.append(connection)
        return [str(connection.getpeername()[0]) for connection in self.connections]

    def close(self) -> None:
        for sock in (self.sock, *self.connections):
            sock.close()


@pytest.fixture
def server() -> Iterator[Server]:
    with contextlib.closing(Server()) as made:
        yield made


def public(*addresses: str) -> Callable[[str], Verdict]:
    """A judge in whose eyes these addresses, and no others, are public."""
    return lambda address: Verdict(address in addresses, "127.0.0.0/8", "Loopback")


@pytest.fixture
def attempts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialer_module, "_ATTEMPT_DELAY", 0.02)


def test_a_name_is_resolved_and_its_address_connected(server: Server) -> None:
    async def main() -> None:
        with room("127.0.0.1") as here:
            who = await here.finish(server.port)
            assert who.upstream is not None
            record = who.record
            assert record.addresses == ["127.0.0.1"]
            assert who.tried == [("127.0.0.1", "")]
            assert record.upstream == f"127.0.0.1:{server.port}"
            assert record.local == "{}:{}".format(*who.upstream.getsockname())
            assert record.resolve_ms is not None
            assert record.dial_ms is not None
            assert not who.upstream.getblocking()
            assert who.upstream.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert who.upstream.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            who.upstream.close()

    run(main())


def test_connect_to_goes_where_the_operator_says_and_asks_nobody(server: Server) -> None:
    async def main() -> None:
        elsewhere = ConnectTo("other.test", 443, "127.0.0.1", server.port)
        with room(settings=Dial(connect_to=(elsewhere,))) as here:
            who = await here.finish(443, PUBLIC, "other.test")
            assert who.upstream is not None, "what the operator named is not subject to the public-address check"
            assert who.record.upstream == f"127.0.0.1:{server.port}"
            assert who.record.resolve_ms is None
            who.upstream.close()

            (failure,) = (await here.finish(444, PUBLIC, "10.1.2.3")).failed
            assert failure[0] is Outcome.DESTINATION_IP_PROHIBITED, "another target of that name is not sent there"

    run(main())


def test_a_private_address_is_dialled_only_for_a_rule_that_allows_it(server: Server) -> None:
    async def main() -> None:
        with room("127.0.0.1") as here:
            ((outcome, detail),) = (await here.finish(server.port, PUBLIC)).failed
            assert outcome is Outcome.TARGET_IS_GATE
            assert detail == "127.0.0.1"
            assert server.accept() == []
            who = await here.finish(server.port, PRIVATE)
            assert who.upstream is not None
            who.upstream.close()

    run(main())


@pytest.mark.parametrize("rule", [PUBLIC, PRIVATE], ids=["public", "private"])
def test_a_target_that_is_an_address_is_judged_like_an_answer(server: Server, rule: Rule) -> None:
    async def main() -> None:
        with room() as here:
            who = await here.finish(server.port, rule, "127.0.0.1")
            assert (who.upstream is not None) is rule.private
            assert who.record.addresses == ["127.0.0.1"]
            if who.upstream is not None:
                who.upstream.close()

    run(main())


def test_addresses_that_are_not_public_are_dropped_and_never_dialled(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        monkeypatch.setattr(dialer_module, "judge", public("127.0.0.1"))
        with contextlib.closing(Server("127.0.0.2", server.port)) as forbidden, room("127.0.0.2", "127.0.0.1") as here:
            who = await here.finish(server.port, PUBLIC)
            assert who.upstream is not None
            assert who.tried == [("127.0.0.1", "")]
            assert who.record.addresses == ["127.0.0.2", "127.0.0.1"], "the record shows what the resolver said"
            assert forbidden.accept() == []
            who.upstream.close()

    run(main())


def test_when_none_is_public_the_refusal_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        with room("10.1.2.3", "fd00::1") as here:
            ((outcome, detail),) = (await here.finish(443, PUBLIC)).failed
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
def test_the_gate_never_dials_itself_though_the_operator_allows_private_addresses(bound: str, address: str) -> None:
    async def main() -> None:
        with contextlib.closing(Server(bound)) as gate, room(address) as here:
            here.own_sockets.add(bound, gate.port)
            ((outcome, detail),) = (await here.finish(gate.port, PRIVATE)).failed
            assert outcome is Outcome.TARGET_IS_GATE
            assert address in detail
            assert gate.accept() == []

    run(main())


def test_a_name_that_a_dns_override_sends_to_this_host_is_told_so_whatever_the_port() -> None:
    async def main() -> None:
        with room("127.0.0.1") as here:
            here.own_sockets.add("0.0.0.0", 3128)
            assert (await here.finish(443, PUBLIC)).failed == [(Outcome.TARGET_IS_GATE, "127.0.0.1")]

    run(main())


def test_connect_to_the_gate_itself_is_refused_too() -> None:
    async def main() -> None:
        with room(settings=Dial(connect_to=(ConnectTo(HOST, 443, "127.0.0.1", 3128),))) as here:
            here.own_sockets.add("127.0.0.1", 3128)
            assert (await here.finish(443)).failed == [(Outcome.TARGET_IS_GATE, "127.0.0.1")]

    run(main())


def test_a_failed_look_up_is_what_the_client_is_told() -> None:
    async def main() -> None:
        with counting_poller() as poller:
            here = Room(poller, {HOST: Unresolved(Outcome.DNS_FAILED, "no answer")}, Dial())
            who = await here.finish(443)
            assert who.failed == [(Outcome.DNS_FAILED, "no answer")]
            assert who.record.resolve_ms is not None

    run(main())


def test_connections_leave_from_the_source_address_where_the_family_fits(server: Server) -> None:
    async def main() -> None:
        with room("127.0.0.1", settings=Dial(source_address="127.0.0.5")) as here:
            who = await here.finish(server.port)
            assert who.upstream is not None
            assert server.accept() == ["127.0.0.5"]
            assert who.record.local.startswith("127.0.0.5:")
            who.upstream.close()
        with contextlib.closing(Server("::1")) as other, room("::1", settings=Dial(source_address="127.0.0.5")) as here:
            who = await here.finish(other.port)
            assert who.upstream is not None
            assert other.accept() == ["::1"]
            who.upstream.close()

    run(main())


def test_a_source_address_that_this_host_has_not_fails_the_dial_by_its_name(server: Server) -> None:
    async def main() -> None:
        with room("127.0.0.1", settings=Dial(source_address="192.0.2.1")) as here:
            ((outcome, detail),) = (await here.finish(server.port)).failed
            assert outcome is Outcome.DIAL_FAILED
            assert "EADDRNOTAVAIL" in detail

    run(main())


@pytest.mark.usefixtures("attempts_at_once")
def test_an_address_that_answers_nothing_does_not_hold_up_the_next(server: Server) -> None:
    async def main() -> None:
        with contextlib.closing(BlackHole("127.0.0.2", server.port)), room("127.0.0.2", "127.0.0.1") as here:
            before = len(descriptors())
            who = await here.finish(server.port)
            assert who.upstream is not None
            assert who.record.upstream == f"127.0.0.1:{server.port}"
            assert who.tried == [("127.0.0.2", "ECANCELED"), ("127.0.0.1", "")]
            assert len(descriptors()) == before + 1, "the attempt that lost is still open"
            who.upstream.close()

    run(main())


def test_an_address_that_refuses_is_followed_by_the_next_at_once(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialer_module, "_ATTEMPT_DELAY", 3600)

    async def main() -> None:
        with room("127.0.0.2", "127.0.0.3", "127.0.0.1") as here:
            who = await here.finish(server.port)
            assert who.upstream is not None
            assert who.tried == [("127.0.0.2", "ECONNREFUSED"), ("127.0.0.3", "ECONNREFUSED"), ("127.0.0.1", "")]
            who.upstream.close()

    run(main())


@pytest.mark.usefixtures("attempts_at_once")
def test_a_slow_address_wins_when_the_later_ones_fail() -> None:
    async def main() -> None:
        with contextlib.closing(BlackHole("127.0.0.2")) as slow, room("127.0.0.2", "127.0.0.1") as here:
            who, dialling = here.dial(slow.port)
            await until(lambda: who.tried == [("127.0.0.1", "ECONNREFUSED")])
            await turns(20)
            assert not who.done, "the first one may still answer"
            dialling.abandon()

    run(main())


def test_the_families_alternate_as_rfc_8305_wants() -> None:
    assert interleave(["::1", "::2", "::3", "1.1.1.1", "2.2.2.2"]) == ["::1", "1.1.1.1", "::2", "2.2.2.2", "::3"]
    assert interleave(["1.1.1.1", "2.2.2.2", "::1"]) == ["1.1.1.1", "::1", "2.2.2.2"]
    assert interleave(["1.1.1.1"]) == ["1.1.1.1"]


ERRNOS = {
    "127.0.0.2": errno.ECONNREFUSED,
    "127.0.0.3": errno.ENETUNREACH,
    "127.0.0.4": errno.ETIMEDOUT,
    "127.0.0.5": errno.EMFILE,
    "127.0.0.6": errno.EACCES,
    "127.0.0.7": errno.EHOSTUNREACH,
}


@pytest.mark.parametrize(
    ("addresses", "outcome"),
    [
        pytest.param(["127.0.0.2"], Outcome.CONNECTION_REFUSED, id="refused"),
        pytest.param(["127.0.0.3"], Outcome.DESTINATION_UNREACHABLE, id="no route"),
        pytest.param(["127.0.0.4"], Outcome.CONNECTION_TIMEOUT, id="silent"),
        pytest.param(["127.0.0.5"], Outcome.DESCRIPTORS_EXHAUSTED, id="no descriptor"),
        pytest.param(["127.0.0.6"], Outcome.DIAL_FAILED, id="else"),
        pytest.param(["127.0.0.3", "127.0.0.2"], Outcome.CONNECTION_REFUSED, id="no IPv6 route, IPv4 refused"),
        pytest.param(["127.0.0.7", "127.0.0.4"], Outcome.CONNECTION_TIMEOUT, id="unreachable, silent"),
        pytest.param(["127.0.0.4", "127.0.0.2"], Outcome.CONNECTION_REFUSED, id="silent, refused"),
        pytest.param(["127.0.0.2", "127.0.0.5"], Outcome.DESCRIPTORS_EXHAUSTED, id="refused, no descriptor"),
    ],
)
def test_when_all_addresses_fail_the_most_telling_failure_is_told(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str], outcome: Outcome
) -> None:
    def start(_: Dialling, address: str) -> socket.socket:
        raise OSError(ERRNOS[address], os.strerror(ERRNOS[address]))

    monkeypatch.setattr(Dialling, "_start", start)

    async def main() -> None:
        with room(*addresses) as here:
            who = await here.finish(443)
            ((told, detail),) = who.failed
            assert told is outcome
            telling = next(
                a for a in addresses if dialer_module._OUTCOME_OF_ERRNO.get(ERRNOS[a], Outcome.DIAL_FAILED) is outcome
            )
            assert detail == f"{telling}:443, {errno.errorcode[ERRNOS[telling]]}"
            assert [address for address, _ in who.tried] == addresses

    run(main())


def test_the_time_limit_names_the_addresses_that_were_silent_and_closes_the_attempts() -> None:
    async def main() -> None:
        with contextlib.closing(BlackHole("127.0.0.2")) as hole, room("127.0.0.2") as here:
            before = len(descriptors())
            who, dialling = here.dial(hole.port)
            await until(lambda: len(descriptors()) == before + 1)
            assert dialling.abandon() == (Outcome.CONNECTION_TIMEOUT, f"127.0.0.2:{hole.port}")
            here.poller.finish_batch()
            assert len(descriptors()) == before
            await turns(20)
            assert not who.done

    run(main())


@pytest.mark.usefixtures("attempts_at_once")
def test_an_abandoned_dial_starts_no_further_attempt(server: Server) -> None:
    async def main() -> None:
        with contextlib.closing(BlackHole("127.0.0.2", server.port)), room("127.0.0.2", "127.0.0.1") as here:
            who, dialling = here.dial(server.port)
            await until(lambda: dialling._attempts)
            dialling.abandon()
            here.poller.finish_batch()
            await asyncio.sleep(0.05)
            assert server.accept() == []
            assert not who.done

    run(main())


def test_a_dial_abandoned_while_its_name_is_looked_up_hears_no_more_of_it(server: Server) -> None:
    async def main() -> None:
        answer = threading.Event()

        def ask(_: str) -> Answer:
            answer.wait(SECONDS)
            return Resolved(("127.0.0.1",))

        with counting_poller() as poller:
            here = Room(poller, {}, Dial())
            here.resolver._ask = ask
            who, dialling = here.dial(server.port)
            assert dialling.abandon() == (Outcome.DNS_TIMEOUT, "")
            answer.set()
            await until(lambda: here.resolver._in_flight == 0)
            await turns(20)
            assert not who.done
            assert server.accept() == []

    run(main())


def test_a_dial_without_a_descriptor_left_is_told_as_such() -> None:
    async def main() -> None:
        with room(settings=Dial(connect_to=(ConnectTo(HOST, 443, "127.0.0.1", 9),))) as here:
            with no_descriptor_left():
                who, _ = here.dial(443)
            assert who.failed == [(Outcome.DESCRIPTORS_EXHAUSTED, "127.0.0.1:9, EMFILE")]

    run(main())


@pytest.mark.parametrize("refuses", [False, True], ids=["once connected", "once it failed"])
def test_a_fault_in_who_was_told_is_theirs_and_no_second_message_follows(
    server: Server, monkeypatch: pytest.MonkeyPatch, refuses: bool
) -> None:
    def fail(who: Caller, *told: object) -> None:
        if isinstance(told[0], socket.socket):
            who.poller.close(told[0])
        raise ZeroDivisionError

    monkeypatch.setattr(Caller, "dial_failed" if refuses else "connected", fail)

    async def main() -> None:
        with room("127.0.0.1") as here:
            if refuses:
                server.sock.close()
            who = await here.finish(server.port)
            assert [type(error) for error in who.crashes] == [ZeroDivisionError]
            assert not who.failed

    run(main())


def test_what_a_failed_attempt_leaves_is_closed(server: Server) -> None:
    async def main() -> None:
        server.sock.close()
        with room("127.0.0.1") as here:
            before = len(descriptors())
            await here.finish(server.port)
            assert len(descriptors()) == before

    run(main())


def test_a_waiting_dial_wakes_nobody() -> None:
    async def main() -> None:
        with contextlib.closing(BlackHole("127.0.0.2")) as hole, room("127.0.0.2") as here:
            _, dialling = here.dial(hole.port)
            await until(lambda: dialling._attempts)
            before = here.poller.wake_ups
            await turns()
            assert here.poller.wake_ups == before
            dialling.abandon()

    run(main())


def test_an_upstream_that_closes_at_once_is_connected_all_the_same(server: Server) -> None:
    async def main() -> None:
        with room("127.0.0.1") as here:
            who = await here.finish(server.port)
            assert who.upstream is not None
            spin_until(server.accept)
            server.connections[0].close()
            spin_until(lambda: is_closed(who.upstream))  # type: ignore[arg-type]
            who.upstream.close()

    run(main())
