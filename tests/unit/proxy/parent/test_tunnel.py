"""Whole tunnels through a parent proxy, from the client's request to the record; the test plays both peers."""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator

import pytest

from licensegate.proxy.dial.dialer import Dialer
from licensegate.proxy.dial.settings import DialSettings
from licensegate.proxy.net.channel import Channel, TlsChannel
from licensegate.proxy.parent.selector import ParentSelector
from licensegate.proxy.parent.settings import ParentProxy, ParentSettings
from licensegate.proxy.tunnel.tunnel import Tunnel
from licensegate.records.outcome import Outcome, Party
from support.sockets import descriptors, is_closed, receive, reset, run, turns, until
from support.tls_client import GATE, identity
from support.tunnel_harness import ESTABLISHED, HOST, LoopUpstream, TunnelHarness, open_harness

OPENED = b"HTTP/1.1 200 Connection established\r\n\r\n"
BLOB = random.Random(7).randbytes(1 << 20)
NAME = "gate.example"
"""The name in the certificate of a parent that speaks TLS."""

both_kinds = pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])


class ParentSide:
    """The parent's end of one connection: plain, or the server's side of TLS."""

    def __init__(self, channel: Channel, sock: socket.socket) -> None:
        self.channel = channel
        self.sock = sock

    async def read(self, size: int | None = None, ends: bytes = b"") -> bytes:
        """Read `size` bytes, or until the data ends with `ends`, or until the end."""
        data = b""
        while (size is None or len(data) < size) and not (ends and data.endswith(ends)):
            try:
                part = self.channel.recv(min(65536, (size or 65536) - (len(data) if size else 0)))
            except BlockingIOError:
                await turns(1)
                continue
            if not part:
                break
            data += part
        return data

    async def send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self.channel.send(rest) :]
            except BlockingIOError:
                await turns(1)
        if isinstance(self.channel, TlsChannel):
            await until(self.channel.flush)

    async def close_notify(self) -> None:
        """Half-close, with close_notify over TLS."""
        self.channel.shutdown(socket.SHUT_WR)
        if isinstance(self.channel, TlsChannel):
            await until(self.channel.flush)


class Scene:
    """A room that dials only through a parent."""

    def __init__(self, harness: TunnelHarness, upstream: LoopUpstream, *, tls: bool) -> None:
        self.here = harness
        self.upstream = upstream
        self.tls = tls

    async def accept(self) -> ParentSide:
        sock = await self.upstream.accept()
        if not self.tls:
            return ParentSide(sock, sock)
        channel = TlsChannel(sock, identity().context)
        await until(channel.handshake)
        return ParentSide(channel, sock)

    async def open(self, *first: bytes) -> tuple[socket.socket, ParentSide, Tunnel]:
        """A tunnel that the parent has just opened, with these bytes after its 200."""
        client, tunnel = self.here.accept(self.here.connect)
        parent = await self.accept()
        assert (await parent.read(ends=b"\r\n\r\n")).startswith(f"CONNECT {HOST}:443 HTTP/1.1\r\n".encode())
        await parent.send(OPENED + b"".join(first))
        assert await receive(client, len(ESTABLISHED)) == ESTABLISHED
        return client, parent, tunnel


@contextlib.asynccontextmanager
async def scene(*, tls: bool = False) -> AsyncIterator[Scene]:
    with contextlib.closing(LoopUpstream()) as upstream, open_harness(443) as harness:
        settings = ParentProxy(NAME if tls else "127.0.0.1", upstream.port, tls=tls)
        loop = asyncio.get_running_loop()
        loop_guard = harness.context.dialer.loop_guard  # type: ignore[attr-defined]
        dialer = Dialer(loop, harness.poller, harness.resolver, loop_guard, DialSettings())
        selector = ParentSelector(dialer, ParentSettings((settings,), direct=False))
        if tls:
            selector.parents[0].tls.load_verify_locations(cadata=GATE.pem.decode())
        harness.context.dialer = selector
        yield Scene(harness, upstream, tls=tls)
        await harness.assert_nothing_left()


@both_kinds
def test_bytes_flow_both_ways_and_are_counted(tls: bool) -> None:
    async def main() -> None:
        async with scene(tls=tls) as there:
            client, parent, _ = await there.open()
            loop = asyncio.get_running_loop()
            up = asyncio.ensure_future(loop.sock_sendall(client, BLOB))
            assert await parent.read(len(BLOB)) == BLOB
            await up
            down = asyncio.ensure_future(parent.send(BLOB))
            assert await receive(client, len(BLOB)) == BLOB
            await down
            client.close()
            assert await parent.read() == b""
            await parent.close_notify()
            parent.sock.close()

            record = await there.here.last_record()
            assert record.outcome is Outcome.CLOSED_BY_CLIENT
            assert (record.upstream_written, record.upstream_read) == (len(BLOB), len(BLOB))
            assert record.client_written == len(BLOB) + len(ESTABLISHED)
            assert (record.parent_status, record.ended_first) == (200, Party.CLIENT)

    run(main())


@both_kinds
@pytest.mark.parametrize("first", [b"220 hello\r\n", BLOB[:9000]], ids=["a line", "much"])
def test_first_bytes_of_the_target_come_first_in_the_tunnel(tls: bool, first: bytes) -> None:
    async def main() -> None:
        async with scene(tls=tls) as there:
            client, parent, _ = await there.open(first)
            await parent.send(b"more")
            assert await receive(client, len(first) + 4) == first + b"more"
            client.close()
            await parent.read()
            parent.sock.close()
            assert (await there.here.last_record()).upstream_read == len(first) + 4

    run(main())


@both_kinds
def test_each_side_may_half_close_first(tls: bool) -> None:
    async def main() -> None:
        async with scene(tls=tls) as there:
            client, parent, _ = await there.open()
            client.shutdown(socket.SHUT_WR)
            assert await parent.read() == b""
            await parent.send(b"the answer")
            await parent.close_notify()
            assert await receive(client) == b"the answer"
            parent.sock.close()
            assert (await there.here.last_record()).outcome is Outcome.CLOSED_BY_CLIENT

            client, parent, _ = await there.open()
            await parent.send(b"bye")
            await parent.close_notify()
            assert await receive(client) == b"bye"
            client.send(b"one more thing")
            client.close()
            assert await parent.read() == b"one more thing"
            parent.sock.close()
            assert (await there.here.last_record(2)).outcome is Outcome.CLOSED_BY_UPSTREAM

    run(main())


@both_kinds
def test_a_reset_by_the_parent_is_a_reset_by_the_upstream(tls: bool) -> None:
    async def main() -> None:
        async with scene(tls=tls) as there:
            client, parent, _ = await there.open()
            await parent.send(b"last words")
            reset(parent.sock)
            assert await receive(client) == b"last words"
            client.close()
            record = await there.here.last_record()
            assert record.outcome is Outcome.RESET_BY_UPSTREAM

    run(main())


@both_kinds
def test_a_client_that_does_not_read_stops_the_parent(tls: bool) -> None:
    async def main() -> None:
        async with scene(tls=tls) as there:
            client, parent, tunnel = await there.open()
            sending = asyncio.ensure_future(parent.send(BLOB * 8))
            relay = tunnel._relay
            assert relay is not None
            await until(lambda: relay.down.blocked)
            assert await there.here.poller.idle_wake_ups() < 20
            assert await receive(client, len(BLOB) * 8) == BLOB * 8
            await sending
            parent.sock.close()
            client.close()
            await there.here.last_record()

    run(main())


@both_kinds
def test_a_client_that_leaves_during_a_connect_leaves_nothing(tls: bool) -> None:
    async def main() -> None:
        before = descriptors()
        async with scene(tls=tls) as there:
            client, _ = there.here.accept(there.here.connect)
            parent = await there.accept()
            await parent.read(ends=b"\r\n\r\n")
            client.close()
            assert (await there.here.last_record()).outcome is Outcome.CLIENT_LEFT_IN_DIAL
            assert await parent.read() == b""
            await until(lambda: is_closed(parent.sock))
        await turns(5)
        assert descriptors() == before

    run(main())


def test_a_slow_parent_gives_the_client_a_504() -> None:
    async def main() -> None:
        async with scene() as there:
            client, _ = there.here.accept(there.here.connect)
            parent = await there.accept()
            there.here.sweep(16)
            answer = await receive(client)
            assert answer.startswith(b"HTTP/1.1 504 parent_timeout: ")
            assert await parent.read() != b""
            client.close()
            record = await there.here.last_record()
            assert (record.outcome, record.status) == (Outcome.PARENT_TIMEOUT, 504)

    run(main())


@pytest.mark.parametrize(
    ("answer", "status", "outcome"),
    [
        (b"HTTP/1.1 407 no\r\nProxy-Authenticate: Basic realm=x\r\n\r\n", b"502 parent_login_required: ", "407"),
        (b"HTTP/1.1 403 Forbidden by Zorro\r\nServer: BlueCoat\r\n\r\n", b"502 parent_refused: ", "403"),
        (b"HTTP/1.1 504 Gateway Timeout\r\n\r\n", b"502 parent_target_failed: ", "504"),
    ],
)
def test_a_client_never_sees_the_parents_own_refusal(answer: bytes, status: bytes, outcome: str) -> None:
    async def main() -> None:
        async with scene() as there:
            client, _ = there.here.accept(there.here.connect)
            parent = await there.accept()
            await parent.read(ends=b"\r\n\r\n")
            await parent.send(answer)
            shown = await receive(client)
            assert shown.startswith(b"HTTP/1.1 " + status)
            assert b"Proxy-Authenticate" not in shown
            client.close()
            record = await there.here.last_record()
            assert str(record.parent_status) == outcome
            assert record.ended_by is Party.PARENT

    run(main())


def test_a_stopping_gate_closes_the_parents_connection() -> None:
    async def main() -> None:
        async with scene() as there:
            client, tunnel = there.here.accept(there.here.connect)
            parent = await there.accept()
            await parent.read(ends=b"\r\n\r\n")
            there.here.poller.run(tunnel, tunnel.stop)
            assert (await there.here.last_record()).outcome is Outcome.CUT_BEFORE_TUNNEL
            assert await parent.read() == b""
            client.close()

    run(main())
