import contextlib
import errno
import random
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from licensegate.certs.identity import load_identity
from licensegate.proxy.net import channel as channel_module
from licensegate.proxy.net.channel import TlsChannel
from licensegate.proxy.wire.tls_layer import TlsFailure
from support.blocking_channel import StalledSocket
from support.certificates import issue
from support.sockets import is_closed, reset, socket_pair, spin_until, unread_bytes
from support.tls_memory import FORGED_RECORD, VERSIONS, MemoryTlsClient, client_context

RECORD = 1 << 14
BLOB = random.Random(4).randbytes(1 << 20)


class Line:
    """A TLS client with its socket, and the gate's channel at the other end."""

    def __init__(self, folder: Path, version: ssl.TLSVersion | None = None, *, buffer: int = 0) -> None:
        certificate, key = issue().write(folder)
        self.context = load_identity(certificate, key).context
        self.client = MemoryTlsClient(client_context(certificate, version))
        self.socket, self.gate = socket_pair(buffer=buffer)
        self.channel = TlsChannel(self.gate, self.context, b"")

    def close(self) -> None:
        self.channel.close()
        self.socket.close()

    def connect(self) -> None:
        """Complete the handshake on both sides."""
        done = False

        def step() -> None:
            nonlocal done
            self.client.handshake()
            self.send_ciphertext(self.client.take_ciphertext())
            done = self.channel.handshake() or done
            self.receive()

        spin_until(lambda: done and self.client.handshake(), step)

    def send_ciphertext(self, ciphertext: bytes) -> None:
        """Send ciphertext to the channel, which does not read meanwhile."""
        left = memoryview(ciphertext)
        while left:
            left = left[self.socket.send(left) :]

    def send(self, plaintext: bytes) -> None:
        """Encrypt, send, and wait until it has arrived."""
        ciphertext = self.client.encrypt(plaintext)
        self.send_ciphertext(ciphertext)
        spin_until(lambda: unread_bytes(self.gate) >= len(ciphertext))

    def close_notify(self) -> None:
        """Send close_notify and a FIN."""
        self.send_ciphertext(self.client.close_notify())
        self.socket.shutdown(socket.SHUT_WR)

    def receive(self) -> None:
        """Feed the client with everything that has arrived."""
        with contextlib.suppress(BlockingIOError):
            while ciphertext := self.socket.recv(65536):
                self.client.feed(ciphertext)

    def decrypt(self) -> bytes:
        """Decrypt everything that the client can read now."""
        self.receive()
        return self.client.decrypt()

    def read(self, size: int) -> bytes:
        """Read `size` bytes from the channel."""
        heard = b""

        def step() -> None:
            nonlocal heard
            with contextlib.suppress(BlockingIOError):
                heard += self.channel.recv(size - len(heard))

        spin_until(lambda: len(heard) == size, step)
        return heard


@pytest.fixture(params=list(VERSIONS.values()), ids=list(VERSIONS))
def line(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Line]:
    line = Line(tmp_path, request.param)
    line.connect()
    yield line
    line.close()


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Line]:
    """A line with small kernel buffers, so that the channel soon blocks."""
    line = Line(tmp_path, buffer=8192)
    line.connect()
    yield line
    line.close()


def ended(line: Line) -> bool:
    """Whether the channel reports the client's end."""
    try:
        return line.channel.recv(1) == b""
    except BlockingIOError:
        return False


def test_bytes_read_before_tls_begin_the_handshake(tmp_path: Path) -> None:
    line = Line(tmp_path)
    line.client.handshake()

    line.channel = TlsChannel(line.gate, line.context, line.client.take_ciphertext())
    line.connect()

    assert line.channel.layer.version == "TLSv1.3"
    line.close()


def test_bytes_flow_both_ways(line: Line) -> None:
    line.send(b"CONNECT")
    assert line.channel.recv(100) == b"CONNECT"

    assert line.channel.send(b"200") == 3
    assert not line.channel.unsent
    spin_until(lambda: unread_bytes(line.socket))
    assert line.decrypt() == b"200"


def test_nothing_to_read_raises_as_a_socket_does(line: Line) -> None:
    with pytest.raises(BlockingIOError):
        line.channel.recv(1)

    line.send_ciphertext(line.client.encrypt(b"half")[:-1])
    with pytest.raises(BlockingIOError):
        line.channel.recv(1)
    assert not line.channel.pending


def test_one_read_takes_all_records_that_arrived(line: Line) -> None:
    line.send(BLOB[:100_000])
    buffer = bytearray(1 << 17)

    assert line.channel.recv_into(buffer) == 100_000
    assert buffer[:100_000] == BLOB[:100_000]


def test_plaintext_that_did_not_fit_is_pending(line: Line) -> None:
    line.send(b"0123456789")

    assert line.channel.recv(4) == b"0123"
    assert unread_bytes(line.gate) == 0
    assert line.channel.pending
    assert line.channel.recv(100) == b"456789"
    assert not line.channel.pending


def test_an_end_after_data_is_pending_until_it_is_read(line: Line) -> None:
    line.send(b"last words")
    line.close_notify()
    spin_until(lambda: unread_bytes(line.gate) > len(b"last words"))

    assert line.channel.recv(100) == b"last words"
    assert line.channel.pending
    assert line.channel.recv(100) == b""
    assert not line.channel.pending
    assert line.channel.recv(100) == b""


def test_data_before_a_reset_is_read_and_then_the_reset(line: Line) -> None:
    line.send(b"last words")
    reset(line.socket)

    assert line.channel.recv(100) == b"last words"
    assert line.channel.pending
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            line.channel.recv(100)


def test_data_before_a_forged_record_is_read_then_the_failure_is_raised(line: Line) -> None:
    genuine, forged = line.client.encrypt(b"genuine"), bytearray(line.client.encrypt(b"forged"))
    forged[-1] ^= 1
    line.send_ciphertext(genuine + forged)
    spin_until(lambda: unread_bytes(line.gate) == len(genuine + forged))

    assert line.channel.recv(100) == b"genuine"
    assert line.channel.pending
    for _ in range(2):
        with pytest.raises(TlsFailure, match=FORGED_RECORD):
            line.channel.recv(100)
    with pytest.raises(ssl.SSLError, match=FORGED_RECORD):
        spin_until(line.decrypt)


def test_a_handshake_continues_when_waiting_ciphertext_is_sent(tmp_path: Path) -> None:
    line = Line(tmp_path, buffer=8192)
    long_chain = issue().write(tmp_path, *[issue("another", authority=True)] * 150)
    line.channel = TlsChannel(line.gate, load_identity(*long_chain).context, b"")
    line.client = MemoryTlsClient(client_context(long_chain[0]))
    line.client.handshake()
    line.send_ciphertext(line.client.take_ciphertext())

    spin_until(lambda: line.channel.handshake() or line.channel.unsent)
    assert not line.channel.layer.complete

    line.connect()
    assert line.channel.layer.complete
    line.close()


def test_a_failed_handshake_still_sends_its_alert(tmp_path: Path) -> None:
    line = Line(tmp_path)
    line.send_ciphertext(b"\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00")
    spin_until(lambda: unread_bytes(line.gate))

    with pytest.raises(TlsFailure, match="unexpected message"):
        line.channel.handshake()

    spin_until(lambda: unread_bytes(line.socket))
    assert line.socket.recv(100) == b"\x15\x03\x03\x00\x02\x02\x0a"
    line.close()


def test_a_client_that_leaves_in_the_handshake_fails_it(tmp_path: Path) -> None:
    line = Line(tmp_path)
    assert not line.channel.handshake()
    line.socket.close()

    with pytest.raises(TlsFailure, match="ended the connection in the handshake"):
        spin_until(line.channel.handshake)
    line.close()


def test_a_client_that_resets_in_the_handshake_is_a_socket_error(tmp_path: Path) -> None:
    line = Line(tmp_path)
    reset(line.socket)

    with pytest.raises(ConnectionResetError):
        spin_until(line.channel.handshake)
    line.close()


# Sending to a client that is slow.


def test_a_slow_client_gets_everything(narrow: Line) -> None:
    left, heard = memoryview(BLOB), b""

    def step() -> None:
        nonlocal left, heard
        with contextlib.suppress(BlockingIOError):
            left = left[narrow.channel.send(left) :] if left else left
        narrow.channel.flush()
        heard += narrow.decrypt()

    spin_until(lambda: len(heard) == len(BLOB), step)
    assert heard == BLOB
    assert not narrow.channel.unsent


def test_a_client_that_does_not_read_is_sent_one_record_only(line: Line) -> None:
    stall(line)

    assert line.channel.send(BLOB) == RECORD
    assert line.channel.unsent
    for _ in range(2):
        with pytest.raises(BlockingIOError):
            line.channel.send(BLOB)
    assert not line.channel.flush()

    stall(line, stalled=False)
    assert line.channel.flush()
    assert not line.channel.unsent
    spin_until(lambda: unread_bytes(line.socket) > RECORD)
    assert line.decrypt() == BLOB[:RECORD]


def stall(line: Line, *, stalled: bool = True) -> None:
    """Stall or resume sending to the client."""
    if not isinstance(line.channel.sock, StalledSocket):
        line.gate = line.channel.sock = StalledSocket(line.gate)
    line.channel.sock.stalled = stalled


def test_sending_to_a_client_that_reset_is_an_error(line: Line) -> None:
    reset(line.socket)

    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        spin_until(lambda: line.channel.send(b"x") == 0)


# Half-close.


def test_the_client_can_send_after_our_end(line: Line) -> None:
    line.channel.send(b"last answer")
    line.channel.shutdown(socket.SHUT_WR)

    spin_until(lambda: is_closed_after(line))
    assert line.client.decrypt() == b"last answer"
    assert line.client.received_close_notify
    line.send(BLOB[:100_000])
    assert line.read(100_000) == BLOB[:100_000]
    line.close_notify()
    spin_until(lambda: ended(line))


def is_closed_after(line: Line) -> bool:
    """Whether the FIN has arrived. Feeds the client with the data before it."""
    try:
        while ciphertext := line.socket.recv(65536):
            line.client.feed(ciphertext)
    except BlockingIOError:
        return False
    return True


def test_we_can_send_after_the_clients_end(line: Line) -> None:
    line.close_notify()
    spin_until(lambda: ended(line))

    left, heard = memoryview(BLOB), b""

    def step() -> None:
        nonlocal left, heard
        with contextlib.suppress(BlockingIOError):
            left = left[line.channel.send(left) :] if left else left
        line.channel.flush()
        heard += line.decrypt()

    spin_until(lambda: len(heard) == len(BLOB), step)
    line.channel.shutdown(socket.SHUT_WR)
    spin_until(lambda: is_closed_after(line))
    assert heard == BLOB
    assert line.client.received_close_notify


def test_pending_plaintext_can_be_read_after_our_end(line: Line) -> None:
    line.send(BLOB[:50_000])
    assert line.channel.recv(10) == BLOB[:10]

    line.channel.shutdown(socket.SHUT_WR)

    assert line.read(49_990) == BLOB[10:50_000]


def test_tcp_ends_only_after_everything_was_sent(line: Line) -> None:
    stall(line)
    line.channel.send(BLOB)
    line.channel.shutdown(socket.SHUT_WR)
    assert line.channel.unsent
    assert not line.channel.flush()
    assert not is_closed_after(line)

    stall(line, stalled=False)

    assert line.channel.flush()
    spin_until(lambda: is_closed_after(line))
    assert line.client.decrypt() == BLOB[:RECORD]
    assert line.client.received_close_notify


def test_after_our_end_nothing_can_be_sent(line: Line) -> None:
    line.channel.shutdown(socket.SHUT_WR)

    with pytest.raises(BrokenPipeError):
        line.channel.send(b"x")


def test_shutting_down_twice_is_shutting_down_once(line: Line) -> None:
    line.channel.shutdown(socket.SHUT_WR)
    line.channel.shutdown(socket.SHUT_WR)

    spin_until(lambda: is_closed_after(line))
    assert line.client.decrypt() == b""


def test_a_forged_record_after_our_end_is_only_a_failure(line: Line) -> None:
    forged = bytearray(line.client.encrypt(b"forged"))
    forged[-1] ^= 1
    line.channel.shutdown(socket.SHUT_WR)
    line.send_ciphertext(bytes(forged))
    spin_until(lambda: unread_bytes(line.gate))

    with pytest.raises(TlsFailure, match=FORGED_RECORD):
        line.channel.recv(100)


@pytest.mark.parametrize("how", [socket.SHUT_RD, socket.SHUT_RDWR])
def test_only_our_own_direction_can_be_shut_down(line: Line, how: int) -> None:
    with pytest.raises(ValueError, match="only shut down its own direction"):
        line.channel.shutdown(how)


def test_shutting_down_before_the_handshake_sends_only_a_fin(tmp_path: Path) -> None:
    line = Line(tmp_path)

    line.channel.shutdown(socket.SHUT_WR)

    spin_until(lambda: is_closed(line.socket))
    assert line.channel.fileno() >= 0, "it is still there to be closed"
    line.close()


def test_closing_closes_the_socket(line: Line) -> None:
    descriptor = line.gate.fileno()
    assert line.channel.fileno() == descriptor

    line.channel.close()

    assert line.channel.fileno() == line.gate.fileno() == -1


def test_a_client_that_does_not_read_our_answers_is_not_read_from(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.send(b"x")
    stall(line)
    line.channel.send(BLOB)
    monkeypatch.setattr(channel_module, "_UNSENT_AT_MOST", RECORD)

    with pytest.raises(OSError, match="buffer space") as raised:
        line.channel.recv(1)
    assert raised.value.errno == errno.ENOBUFS
