"""One direction of a tunnel whose client speaks TLS to the gate."""

import contextlib
import random
import socket
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensegate.proxy.net import channel as channel_module
from licensegate.proxy.net.channel import TlsChannel
from licensegate.proxy.tunnel import flow as flow_module
from licensegate.proxy.tunnel.flow import NO_PIPES, Flow
from licensegate.proxy.wire.tls_records import RecordShape
from support.client_hellos import hello_message, in_records
from support.sockets import reset, socket_pair, spin_until, unread_bytes
from support.tls_client import IDENTITY
from support.tls_memory import MemoryTlsClient, client_context

CHUNK = flow_module._CHUNK
RECORD = 1 << 14
BLOB = random.Random(6).randbytes(1 << 22)


class Leg:
    """A TLS client after its handshake, its socket, and the gate's channel to it."""

    def __init__(self, buffer: int) -> None:
        self.socket, near = socket_pair(buffer=buffer)
        self.tls = MemoryTlsClient(client_context(None))
        self.channel = TlsChannel(near, IDENTITY.context, b"")
        done = False

        def step() -> None:
            nonlocal done
            self.tls.handshake()
            self.socket.send(self.tls.take_ciphertext())
            done = self.channel.handshake() or done
            self.decrypt()

        spin_until(lambda: done and self.tls.handshake(), step)

    def decrypt(self, size: int = 1 << 16) -> bytes:
        """Decrypt what the client can read from up to `size` bytes on its socket."""
        with contextlib.suppress(BlockingIOError):
            self.tls.feed(self.socket.recv(size))
        return self.tls.decrypt()

    def close(self) -> None:
        self.socket.close()
        self.channel.close()


class Down:
    """A flow from a plain upstream to a client that speaks TLS."""

    def __init__(self, *, buffer: int = 0) -> None:
        self.upstream, self.source = socket_pair(buffer=buffer)
        self.leg = Leg(buffer)
        self.flow = Flow(self.source, self.leg.channel, NO_PIPES)
        self.received = b""

    def step(self) -> None:
        self.flow.pump()
        self.received += self.leg.decrypt()

    def block(self) -> int:
        """Write in small blocks until only ciphertext waits. Returns the number of bytes written."""
        written = 0

        def step() -> None:
            nonlocal written
            if self.flow.read == written:
                written += self.upstream.send(BLOB[written : written + 1000])
            self.flow.pump()

        spin_until(lambda: self.flow.blocked, step)
        return written

    def close(self) -> None:
        self.upstream.close()
        self.source.close()
        self.leg.close()


class Up:
    """A flow from a client that speaks TLS to a plain upstream."""

    def __init__(self, *, buffer: int = 0, shape: RecordShape | None = None) -> None:
        self.leg = Leg(buffer)
        self.sink, self.upstream = socket_pair(buffer=buffer)
        self.flow = Flow(self.leg.channel, self.sink, NO_PIPES, shape)
        self.received = b""

    def step(self) -> None:
        self.flow.pump()
        with contextlib.suppress(BlockingIOError):
            self.received += self.upstream.recv(1 << 16)

    def close(self) -> None:
        self.sink.close()
        self.upstream.close()
        self.leg.close()


@pytest.fixture
def down() -> Iterator[Down]:
    with contextlib.closing(Down(buffer=8192)) as made:
        yield made


@pytest.fixture
def up() -> Iterator[Up]:
    with contextlib.closing(Up()) as made:
        yield made


def test_plaintext_is_counted_and_not_ciphertext(down: Down, up: Up) -> None:
    down.upstream.send(b"answer")
    spin_until(lambda: down.received == b"answer", down.step)
    up.leg.socket.send(up.leg.tls.encrypt(b"question"))
    spin_until(lambda: up.received == b"question", up.step)

    assert (down.flow.read, down.flow.written) == (6, 6)
    assert (up.flow.read, up.flow.written) == (8, 8)


def test_nothing_is_read_while_ciphertext_waits(down: Down) -> None:
    written = down.block()
    assert down.leg.channel.unsent
    assert down.flow.read == down.flow.written == written, "it is plaintext that waits"

    down.upstream.send(b"x" * 1000)
    spin_until(lambda: unread_bytes(down.source) == 1000)
    for _ in range(50):
        assert not down.flow.pump()
    assert unread_bytes(down.source) == 1000


def test_waiting_ciphertext_is_sent_and_reading_goes_on(down: Down) -> None:
    written = down.block()
    down.upstream.send(BLOB[written : written + 1000])

    spin_until(lambda: len(down.received) == written + 1000, down.step)
    assert down.received == BLOB[: written + 1000]
    assert not down.flow.blocked
    assert not down.leg.channel.unsent


def test_a_client_that_resets_while_ciphertext_waits_ends_the_flow(down: Down) -> None:
    down.block()
    down.leg.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    down.leg.socket.close()

    spin_until(lambda: down.flow.ended, down.flow.pump)
    assert down.flow.sink_error in ("ECONNRESET", "EPIPE")
    assert not down.flow.blocked


def test_the_upstreams_end_becomes_a_close_notify(down: Down) -> None:
    down.upstream.send(b"last words")
    down.upstream.shutdown(socket.SHUT_WR)
    spin_until(lambda: down.flow.ended, down.step)
    down.flow.pass_end_on()
    assert not down.flow.blocked

    spin_until(lambda: down.leg.tls.received_close_notify, down.step)
    assert down.received == b"last words"


def test_a_flow_is_blocked_until_its_close_notify_is_sent(down: Down) -> None:
    down.upstream.shutdown(socket.SHUT_WR)
    spin_until(lambda: down.flow.ended, down.flow.pump)
    with patch.object(TlsChannel, "_send", return_value=0):
        down.flow.pass_end_on()
        assert not down.flow.pump()
        assert down.flow.blocked

    spin_until(lambda: not down.flow.blocked, down.flow.pump)
    spin_until(lambda: down.leg.tls.received_close_notify, down.step)


def test_a_clients_close_notify_ends_the_flow(up: Up) -> None:
    up.leg.socket.send(up.leg.tls.encrypt(b"last words") + up.leg.tls.close_notify())

    spin_until(lambda: up.flow.ended, up.step)
    spin_until(lambda: up.received == b"last words", up.step)
    assert up.flow.source_error == ""


def test_a_clients_fin_without_close_notify_ends_the_flow(up: Up) -> None:
    up.leg.socket.send(up.leg.tls.encrypt(b"last words"))
    up.leg.socket.shutdown(socket.SHUT_WR)

    spin_until(lambda: up.flow.ended, up.step)
    spin_until(lambda: up.received == b"last words", up.step)
    assert up.flow.source_error == ""


@pytest.mark.parametrize(
    ("broken", "error"), [(False, "EPROTO"), (True, "ECONNRESET")], ids=["what is no TLS", "a reset"]
)
def test_bytes_before_an_error_are_read(up: Up, broken: bool, error: str) -> None:
    up.leg.socket.send(up.leg.tls.encrypt(b"before"))
    if broken:
        reset(up.leg.socket)
    else:
        up.leg.socket.send(b"GET / HTTP/1.1\r\n\r\n")

    spin_until(lambda: up.flow.ended and up.received == b"before", up.step)
    assert up.flow.source_error == error
    assert up.flow.sink_error == ""


@pytest.mark.parametrize("fruitless", [False, True], ids=["of a byte each", "without a byte for us"])
def test_one_call_is_bounded_with_small_records_too(fruitless: bool) -> None:
    """A small record costs as much as a large one: a few hundred KB of them would delay all other tunnels."""
    with contextlib.closing(Up(buffer=1 << 20)) as up:
        up.leg.socket.send(b"".join(up.leg.tls.encrypt(b"x") for _ in range(15_000)))
        spin_until(lambda: unread_bytes(up.leg.channel) > 2 * channel_module._IN_ONE_GO)
        waited = unread_bytes(up.leg.channel)
        if fruitless:
            up.leg.channel.layer = Fruitless()  # type: ignore[assignment]

        assert up.flow.pump() is not fruitless
        assert 0 < waited - unread_bytes(up.leg.channel) <= channel_module._IN_ONE_GO


class Fruitless:
    """A layer that gets only records without plaintext, such as key updates."""

    pending = False

    def feed(self, ciphertext: memoryview) -> None:
        """Take ciphertext."""

    def read_into(self, buffer: memoryview) -> int:
        raise BlockingIOError

    def take_ciphertext(self) -> bytes:
        return b""


def test_the_shape_is_that_of_the_plaintext() -> None:
    shape = RecordShape()
    with contextlib.closing(Up(shape=shape)) as up:
        inside = in_records(hello_message(), [10, 20])
        up.leg.socket.send(up.leg.tls.encrypt(inside))
        spin_until(lambda: up.received == inside, up.step)

        assert shape.records[:2] == [(22, 10), (22, 20)]


STEPS = st.lists(
    st.tuples(st.sampled_from(["write", "read", "pump"]), st.integers(1, 3 * RECORD)), min_size=1, max_size=60
)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_bytes_to_the_client_arrive_intact_in_any_order_of_events(
    steps: list[tuple[str, int]],
) -> None:
    with contextlib.closing(Down(buffer=32768)) as down:
        sent = b""
        for what, size in steps:
            match what:
                case "write":
                    with contextlib.suppress(BlockingIOError):
                        sent += BLOB[len(sent) : len(sent) + down.upstream.send(BLOB[len(sent) : len(sent) + size])]
                case "read":
                    down.received += down.leg.decrypt(size)
                case "pump":
                    down.flow.pump()
            assert down.flow.read - down.flow.written <= CHUNK
            assert len(down.leg.channel._unsent) <= 2 * RECORD
        down.upstream.shutdown(socket.SHUT_WR)
        spin_until(lambda: down.flow.ended and len(down.received) == len(sent), down.step)
        assert down.received == sent
        assert down.flow.read == down.flow.written == len(sent)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_bytes_to_the_upstream_arrive_intact_in_any_order_of_events(
    steps: list[tuple[str, int]],
) -> None:
    with contextlib.closing(Up(buffer=32768)) as up:
        sent = unsent = b""
        for what, size in steps:
            match what:
                case "write":
                    unsent += up.leg.tls.encrypt(BLOB[len(sent) : len(sent) + size])
                    sent += BLOB[len(sent) : len(sent) + size]
                    with contextlib.suppress(BlockingIOError):
                        unsent = unsent[up.leg.socket.send(unsent) :]
                case "read":
                    with contextlib.suppress(BlockingIOError):
                        up.received += up.upstream.recv(size)
                case "pump":
                    up.flow.pump()
            assert up.flow.read - up.flow.written <= CHUNK
        unsent += up.leg.tls.close_notify()

        def step() -> None:
            nonlocal unsent
            with contextlib.suppress(BlockingIOError):
                unsent = unsent[up.leg.socket.send(unsent) :]
            up.step()

        spin_until(lambda: up.flow.ended and len(up.received) == len(sent), step)
        assert up.received == sent
        assert up.flow.read == up.flow.written == len(sent)
