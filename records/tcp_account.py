"""TCP's own account of one side of a tunnel that ended badly."""

from msgspec import Struct


class TcpAccount(Struct, frozen=True, omit_defaults=True):
    """Bytes that were still unsent, segments without an acknowledgement, and segments sent again in all.

    A path that lost packets leaves some of each; an application that fell silent leaves none (tcp(7), TCP_INFO and
    SIOCOUTQ).
    """

    unsent: int = 0
    unacknowledged: int = 0
    retransmitted: int = 0
