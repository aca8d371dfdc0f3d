"""The handshake of a channel: waiting ciphertext, failures, clients that leave."""

import socket
from pathlib import Path

import pytest

from licensegate.certs.identity import load_identity
from licensegate.proxy.net.channel import TlsChannel
from licensegate.proxy.wire.tls_layer import TlsFailure
from support.certificates import issue
from support.sockets import is_closed, reset, spin_until, unread_bytes
from support.tls_line import Line
from support.tls_memory import MemoryTlsClient, client_context


def test_bytes_read_before_tls_begin_the_handshake(tmp_path: Path) -> None:
    line = Line(tmp_path)
    line.client.handshake()

    line.channel = TlsChannel(line.gate, line.context, line.client.take_ciphertext())
    line.connect()

    assert line.channel.layer.version == "TLSv1.3"
    line.close()


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


def test_shutting_down_before_the_handshake_sends_only_a_fin(tmp_path: Path) -> None:
    line = Line(tmp_path)

    line.channel.shutdown(socket.SHUT_WR)

    spin_until(lambda: is_closed(line.socket))
    assert line.channel.fileno() >= 0, "it is still there to be closed"
    line.close()
