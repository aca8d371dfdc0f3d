"""The first bytes in a tunnel: until they have passed, neither side hears the other."""

import socket
from collections.abc import Awaitable, Callable

import pytest

from licensegate.proxy.outcome import Outcome, Party, ServerNameCheck
from licensegate.proxy.settings import Limits, TunnelChecks
from licensegate.proxy.tunnel import Tunnel
from licensegate.proxy.wire.tls_records import Alert, fatal_alert
from support.hellos import RECORDED, in_records, message, server_name
from support.inner import ESTABLISHED, HANDFUL, HOST, Room, SlowNames, Upstream, room_with_upstream
from support.secure import SecureClient, identity
from support.sockets import descriptors, is_closed, receive, reset, run, turns, until, waiting

CHECKS = TunnelChecks()
SOON = Limits(hello_seconds=30)
IDENTITY = identity()
HELLO = in_records(message(server_name(HOST.encode())))
NAMELESS = in_records(message())
ANOTHERS = in_records(message(server_name(b"evil.example")))
BROKEN = in_records(message(b"\0\0\0\x50"))
BANNER = b"220 smtp.example ESMTP\r\n"
"""What a server says that speaks first."""


class Opened:
    """A client whose CONNECT was answered, and its upstream."""

    def __init__(self, client: socket.socket, far: socket.socket, tunnel: Tunnel) -> None:
        self.client, self.far, self.tunnel = client, far, tunnel

    @property
    def own(self) -> socket.socket:
        """The gate's own socket to the upstream."""
        assert self.tunnel._upstream is not None
        return self.tunnel._upstream


async def opened(here: Room, upstream: Upstream) -> Opened:
    return Opened(*await here.open_tunnel(upstream))


def test_the_200_comes_before_the_hello_and_is_counted() -> None:
    async def main() -> None:
        with room_with_upstream(checks=CHECKS) as (here, upstream):
            it = await opened(here, upstream)
            it.client.send(HELLO)
            assert await receive(it.far, len(HELLO)) == HELLO
            it.far.send(b"answer")
            assert await receive(it.client, 6) == b"answer"
            it.client.close()
            it.far.close()
            record = await here.ended()
            assert record.outcome is Outcome.CLOSED_BY_CLIENT
            assert (record.server_name_check, record.server_name) == (ServerNameCheck.MATCH, HOST)
            assert record.client_written == len(ESTABLISHED) + 6
            assert record.client_read == len(here.connect) + len(HELLO)
            assert record.upstream_written == len(HELLO)
            await here.assert_nothing_left()

    run(main())


@pytest.mark.parametrize("when", ["with the head", "while the target is dialled", "in two parts, one early"])
def test_a_hello_may_come_early(slow_names: SlowNames, when: str) -> None:
    async def main() -> None:
        with room_with_upstream(ask=slow_names, checks=CHECKS) as (here, upstream):
            early = {"with the head": HELLO, "in two parts, one early": HELLO[:40]}.get(when, b"")
            client, _ = here.accept(here.connect + early)
            await turns(20)
            if when == "while the target is dialled":
                client.send(HELLO)
            assert await here.poller.wake_ups_in_peace() <= HANDFUL
            slow_names.now.set()
            far = await upstream.accept()
            assert await receive(client, len(ESTABLISHED)) == ESTABLISHED
            if when == "in two parts, one early":
                assert not waiting(far)
                client.send(HELLO[40:])
            assert await receive(far, len(HELLO)) == HELLO

    run(main())


@pytest.mark.parametrize("hello", [HELLO, RECORDED["openssl-over-16-kb"].hello], ids=["one record", "over 16 KB"])
def test_a_hello_may_come_in_pieces_and_none_of_it_passes_before_its_last_byte(hello: bytes) -> None:
    async def main() -> None:
        with room_with_upstream(checks=TunnelChecks(match_server_name=False)) as (here, upstream):
            it = await opened(here, upstream)
            for byte in hello[:60]:
                it.client.send(bytes([byte]))
                await turns(1)
            it.client.send(hello[60:-1])
            await turns(20)
            assert not waiting(it.far)
            it.client.send(hello[-1:])
            assert await receive(it.far, len(hello)) == hello

    run(main())


def test_what_follows_the_hello_passes_with_it() -> None:
    async def main() -> None:
        with room_with_upstream(checks=CHECKS) as (here, upstream):
            it = await opened(here, upstream)
            it.client.send(HELLO + b"\x17\x03\x03\x00\x05early")
            assert await receive(it.far, len(HELLO) + 10) == HELLO + b"\x17\x03\x03\x00\x05early"
            it.far.send(b"\x16\x03\x03\x00\x02ab\x15\x03\x03\x00\x02\x02\x30")
            await receive(it.client, 14)
            it.client.close()
            it.far.close()
            record = await here.ended()
            assert record.client_records == [(0x17, 5)]
            assert record.upstream_records == [(0x16, 2), (0x15, 2)]
            assert (record.client_alert, record.upstream_alert) == (None, Alert.UNKNOWN_CA)

    run(main())


def test_an_upstream_that_speaks_first_is_heard_once_the_hello_has_passed_and_wakes_nobody_before() -> None:
    async def main() -> None:
        with room_with_upstream(checks=CHECKS) as (here, upstream):
            it = await opened(here, upstream)
            it.far.send(BANNER)
            await until(lambda: waiting(it.own))
            assert await here.poller.wake_ups_in_peace() == 0
            assert not waiting(it.client)
            assert waiting(it.own) == len(BANNER), "it was read before it may be heard"

            it.client.send(HELLO)
            assert await receive(it.client, len(BANNER)) == BANNER

    run(main())


def test_without_checks_an_upstream_that_speaks_first_is_heard_at_once() -> None:
    async def main() -> None:
        with room_with_upstream() as (here, upstream):
            it = await opened(here, upstream)
            it.far.send(BANNER)
            assert await receive(it.client, len(BANNER)) == BANNER

    run(main())


LEAVES: dict[str, Callable[[socket.socket], None]] = {
    "ends its side": lambda sock: sock.shutdown(socket.SHUT_WR),
    "closes": socket.socket.close,
    "resets": reset,
}


@pytest.mark.parametrize("leave", LEAVES.values(), ids=LEAVES.keys())
@pytest.mark.parametrize("said", [b"", BANNER], ids=["without a word", "after it spoke"])
def test_an_upstream_that_leaves_before_the_hello_wakes_nobody_and_is_noticed_behind_it(
    leave: Callable[[socket.socket], None], said: bytes
) -> None:
    async def main() -> None:
        with room_with_upstream(checks=CHECKS) as (here, upstream):
            it = await opened(here, upstream)
            it.far.send(said)
            leave(it.far)
            assert await here.poller.wake_ups_in_peace() == 0
            assert not here.records
            assert not waiting(it.client)

            it.client.send(HELLO)
            assert await receive(it.client) == said
            if it.far.fileno() != -1:
                assert await receive(it.far, len(HELLO)) == HELLO
            it.client.close()
            record = await here.ended()
            reset_ = leave is reset
            assert record.outcome is (Outcome.RESET_BY_UPSTREAM if reset_ else Outcome.CLOSED_BY_UPSTREAM)
            assert record.ended_first is Party.UPSTREAM
            await here.assert_nothing_left()

    run(main())


@pytest.mark.parametrize("leave", LEAVES.values(), ids=LEAVES.keys())
@pytest.mark.parametrize("said", [b"", HELLO[:1], HELLO[:-1]], ids=["nothing", "a byte", "all but a byte"])
def test_a_client_that_leaves_before_its_hello_is_whole_is_recorded_as_that(
    leave: Callable[[socket.socket], None], said: bytes
) -> None:
    async def main() -> None:
        before = descriptors()
        with room_with_upstream(checks=CHECKS) as (here, upstream):
            it = await opened(here, upstream)
            it.client.send(said)
            await turns(20)
            leave(it.client)
            record = await here.ended()
            assert record.outcome is Outcome.CLIENT_LEFT_IN_INNER_HELLO
            assert record.status == 200
            assert record.client_written == len(ESTABLISHED)
            assert await receive(it.far) == b"", "nothing of it passes"
            await here.assert_nothing_left()
            upstream.close()
            it.client.close()
        assert descriptors() <= before

    run(main())


@pytest.mark.parametrize("said", [b"", HELLO[:1], HELLO[:-1]], ids=["nothing", "a byte", "all but a byte"])
def test_a_client_that_stops_before_its_hello_is_whole_wakes_nobody_and_is_closed_when_its_time_is_over(
    said: bytes,
) -> None:
    async def main() -> None:
        with room_with_upstream(SOON, checks=CHECKS) as (here, upstream):
            it = await opened(here, upstream)
            it.client.send(said)
            await turns(20)
            assert await here.poller.wake_ups_in_peace() == 0
            here.sweep(SOON.hello_seconds - 1)
            assert not here.records
            here.sweep(SOON.hello_seconds + 1)
            record = await here.ended()
            assert record.outcome is Outcome.INNER_HELLO_TIMEOUT
            assert record.server_name_check is ServerNameCheck.TIMEOUT
            await until(lambda: is_closed(it.client))
            assert await receive(it.far) == b""
            await here.assert_nothing_left()

    run(main())


def test_the_time_for_the_hello_does_not_start_anew_with_each_byte() -> None:
    async def main() -> None:
        with room_with_upstream(SOON, checks=CHECKS) as (here, upstream):
            it = await opened(here, upstream)
            (expires,) = here.surroundings.deadlines.hello._expires.values()
            for byte in HELLO[:5]:
                it.client.send(bytes([byte]))
                await turns(5)
            assert here.surroundings.deadlines.hello._expires == {it.tunnel: expires}

    run(main())


REFUSED = {
    "another name": (ANOTHERS, Outcome.SERVER_NAME_MISMATCH, ServerNameCheck.MISMATCH, Alert.UNRECOGNIZED_NAME),
    "no name": (NAMELESS, Outcome.SERVER_NAME_ABSENT, ServerNameCheck.ABSENT, Alert.UNRECOGNIZED_NAME),
    "a broken hello": (BROKEN, Outcome.INNER_HELLO_MALFORMED, ServerNameCheck.MALFORMED, Alert.DECODE_ERROR),
    "SSH": (b"SSH-2.0-OpenSSH_9.2\r\n", Outcome.INNER_NOT_TLS, ServerNameCheck.NOT_TLS, None),
    "HTTP": (b"GET / HTTP/1.1\r\n\r\n", Outcome.INNER_NOT_TLS, ServerNameCheck.NOT_TLS, None),
    "SSL 2": (b"\x80\x2e\x01\x00\x02" + bytes(43), Outcome.INNER_NOT_TLS, ServerNameCheck.NOT_TLS, None),
}


@pytest.mark.parametrize("early", [False, True], ids=["after the answer", "with the head"])
@pytest.mark.parametrize(("sent", "outcome", "check", "alert"), REFUSED.values(), ids=REFUSED.keys())
def test_what_may_not_pass_is_refused_and_neither_side_has_heard_the_other(
    sent: bytes, outcome: Outcome, check: ServerNameCheck, alert: Alert | None, early: bool
) -> None:
    async def main() -> None:
        with room_with_upstream(checks=TunnelChecks(require_server_name=True)) as (here, upstream):
            client, _ = here.accept(here.connect + (sent if early else b""))
            far = await upstream.accept()
            far.send(BANNER)
            assert await receive(client, len(ESTABLISHED)) == ESTABLISHED
            if not early:
                client.send(sent)
            assert await receive(client) == (b"" if alert is None else fatal_alert(alert))
            client.close()
            record = await here.ended()
            assert (record.outcome, record.server_name_check) == (outcome, check)
            assert (record.status, record.upstream_written, record.upstream_read) == (200, 0, 0)
            assert record.client_written == len(ESTABLISHED) + (0 if alert is None else 7)
            assert await receive(far) == b""
            await here.assert_nothing_left()

    run(main())


def test_an_alert_reaches_a_client_that_goes_on_sending() -> None:
    async def main() -> None:
        with room_with_upstream(checks=CHECKS) as (here, upstream):
            it = await opened(here, upstream)
            it.client.send(ANOTHERS + b"x" * 100_000)
            await turns(20)
            it.client.send(b"x" * 100_000)
            await turns(20)
            assert await receive(it.client) == fatal_alert(Alert.UNRECOGNIZED_NAME)
            assert await receive(it.far) == b""
            it.client.close()
            assert (await here.ended()).outcome is Outcome.SERVER_NAME_MISMATCH
            await here.assert_nothing_left()

    run(main())


def test_a_gate_that_stops_cuts_what_waits_for_a_hello() -> None:
    async def main() -> None:
        with room_with_upstream(checks=CHECKS) as (here, upstream):
            it = await opened(here, upstream)
            it.tunnel.stop()
            here.poller.finish_batch()
            assert (await here.ended()).outcome is Outcome.CUT_BY_STOP
            await until(lambda: is_closed(it.client) and is_closed(it.far))
            await here.assert_nothing_left()

    run(main())


async def secure_tunnel(here: Room, upstream: Upstream) -> tuple[SecureClient, socket.socket]:
    sock, _ = here.accept()
    client = SecureClient(sock)
    await client.shake_hands()
    await client.send(here.connect)
    far = await upstream.accept()
    assert await client.receive(len(ESTABLISHED)) == ESTABLISHED
    return client, far


async def leaves(client: SecureClient) -> None:
    await client.end()


async def is_silent(client: SecureClient) -> None:
    await client.send(HELLO[:1])


async def asks_for_another(client: SecureClient) -> None:
    await client.send(ANOTHERS)


@pytest.mark.parametrize(
    ("what", "outcome", "heard"),
    [
        (leaves, Outcome.CLIENT_LEFT_IN_INNER_HELLO, b""),
        (is_silent, Outcome.INNER_HELLO_TIMEOUT, b""),
        (asks_for_another, Outcome.SERVER_NAME_MISMATCH, fatal_alert(Alert.UNRECOGNIZED_NAME)),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_inside_tls_to_the_gate_it_is_the_same(
    what: Callable[[SecureClient], Awaitable[None]], outcome: Outcome, heard: bytes
) -> None:
    async def main() -> None:
        with room_with_upstream(SOON, checks=CHECKS, identity=IDENTITY) as (here, upstream):
            client, far = await secure_tunnel(here, upstream)
            far.send(BANNER)
            await what(client)
            assert await here.poller.wake_ups_in_peace() <= HANDFUL
            here.sweep(SOON.hello_seconds + 1)
            assert await client.receive() == heard
            assert client.heard_end
            client.sock.close()
            assert (await here.ended()).outcome is outcome
            assert await receive(far) == b""
            await here.assert_nothing_left()

    run(main())
