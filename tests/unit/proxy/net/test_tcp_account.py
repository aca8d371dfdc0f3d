"""TCP's account of real connections."""

import socket

from licensegate.proxy.net.channel import TlsChannel
from licensegate.proxy.net.tcp_account import read_tcp_account
from support.sockets import fill_send_buffer, socket_pair
from support.tls_client import IDENTITY


def test_a_connection_that_lost_nothing_has_no_account() -> None:
    near, far = socket_pair()
    with near, far:
        near.send(b"hello")
        assert far.recv(5) == b"hello"
        assert read_tcp_account(near) is None


def test_bytes_that_the_peer_does_not_take_are_unsent() -> None:
    near, far = socket_pair()
    with near, far:
        while fill_send_buffer(near):
            pass
        account = read_tcp_account(near)
        assert account is not None
        assert account.unsent > 0
        assert account == read_tcp_account(TlsChannel(near, IDENTITY.context))


def test_our_own_end_is_no_loss() -> None:
    near, far = socket_pair()
    with near, far:
        near.shutdown(socket.SHUT_WR)
        assert read_tcp_account(near) is None


def test_a_closed_socket_has_no_account() -> None:
    near, far = socket_pair()
    far.close()
    near.close()
    assert read_tcp_account(near) is None
