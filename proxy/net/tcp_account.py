"""TCP's account of a connection: what it could not deliver (tcp(7), TCP_INFO and SIOCOUTQ). Linux only."""

import fcntl
import socket
import struct
import termios
from typing import Final

from licensegate.records.tcp_account import TcpAccount

from .channel import Channel, socket_of

_INFO_BYTES: Final = 104  # of struct tcp_info, up to tcpi_total_retrans
_info: Final = struct.Struct("=B23xI72xI").unpack  # state, unacknowledged and retransmitted segments
_count: Final = struct.Struct("=i")
_OUR_END_IS_UNDERWAY: Final = frozenset({4, 9, 11})  # FIN_WAIT1, LAST_ACK, CLOSING of net/tcp_states.h


def read_tcp_account(channel: Channel) -> TcpAccount | None:
    """Return the account of an open connection; None if nothing was lost, or it cannot be read."""
    sock = socket_of(channel)
    if sock is None:
        return None
    try:
        state, unacknowledged, retransmitted = _info(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES))
        (unsent,) = _count.unpack(fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(_count.size)))
    except (OSError, struct.error):
        return None
    if state in _OUR_END_IS_UNDERWAY and unsent:
        unsent -= 1  # the FIN, which counts as a byte
        if not unsent:
            unacknowledged = 0
    account = TcpAccount(unsent, unacknowledged, retransmitted)
    return account if account != TcpAccount() else None
