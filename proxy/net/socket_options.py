"""The socket options of the gate's TCP connections."""

import socket
from typing import Final

_KEEPALIVE: Final = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4))


def send_at_once(sock: socket.SocketType) -> None:
    """Send small writes at once."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def notice_vanished_peer(sock: socket.SocketType) -> None:
    """Notice that the peer has vanished two minutes after its last byte, however late this is called."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
