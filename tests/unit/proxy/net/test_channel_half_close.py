"""The two directions of a channel end one by one."""

import contextlib
import socket

import pytest

from licensegate.proxy.wire.tls_layer import TlsFailure
from support.sockets import spin_until, unread_bytes
from support.tls_line import BLOB, RECORD, Line, stall
from support.tls_memory import FORGED_RECORD


def ended(line: Line) -> bool:
    """Whether the channel reports the client's end."""
    try:
        return line.channel.recv(1) == b""
    except BlockingIOError:
        return False


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
