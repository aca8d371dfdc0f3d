import contextlib
import errno
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from licensegate.proxy.net import channel as channel_module
from licensegate.proxy.wire.tls_layer import TlsFailure
from support.sockets import reset, spin_until, unread_bytes
from support.tls_line import BLOB, RECORD, Line, stall
from support.tls_memory import FORGED_RECORD


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Line]:
    """A line with small kernel buffers, so that the channel soon blocks."""
    line = Line(tmp_path, buffer=8192)
    line.connect()
    yield line
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


def test_sending_to_a_client_that_reset_is_an_error(line: Line) -> None:
    reset(line.socket)

    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        spin_until(lambda: line.channel.send(b"x") == 0)


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
