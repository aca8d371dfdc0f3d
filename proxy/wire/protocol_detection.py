"""Detects the protocol of a client from its first bytes, from as few of them as possible."""

import enum

from .empty_line import empty_line_size
from .http_token import TOKEN_BYTES
from .proxy_protocol import looks_like_proxy_header, may_become_proxy_header
from .tls_records import HANDSHAKE


class ClientProtocol(enum.StrEnum):
    """The protocols that a listener distinguishes."""

    UNDECIDED = "undecided"
    HTTP = "http"
    TLS = "tls"
    SSLV2 = "sslv2"
    PROXY = "proxy"
    UNKNOWN = "unknown"


_SSLV2_CLIENT_HELLO = 0x01
_USUAL = b"CONNECT "


def detect_protocol(received: bytes) -> ClientProtocol:
    """Return the protocol that `received` starts, or UNDECIDED while it is too short to tell.

    HTTP begins with a token (RFC 9110 section 9.1), TLS with a handshake record (RFC 8446 section 5.1), an SSLv2 hello
    with a length whose first bit is set, and its type (RFC 5246 appendix E.2). The result depends on the bytes alone,
    not on how they were split: the shortest prefix that allows a result decides.
    """
    if received.startswith(_USUAL):
        return ClientProtocol.HTTP
    if received.startswith(HANDSHAKE):
        return ClientProtocol.TLS
    if looks_like_proxy_header(received):
        return ClientProtocol.PROXY
    if may_become_proxy_header(received) or received == HANDSHAKE[:1]:
        return ClientProtocol.UNDECIDED
    first = received[0]
    if first in TOKEN_BYTES:
        return ClientProtocol.HTTP
    if first in b"\r\n":
        return _behind_empty_lines(received)
    if first & 0x80 and len(received) < 3:
        return ClientProtocol.UNDECIDED
    if first & 0x80 and received[2] == _SSLV2_CLIENT_HELLO:
        return ClientProtocol.SSLV2
    return ClientProtocol.UNKNOWN


def _behind_empty_lines(received: bytes) -> ClientProtocol:
    """Detect HTTP behind an empty line. It is detected behind several too, so that its reader can say what is wrong."""
    first = empty_line_size(received)
    second = empty_line_size(received[first:])
    following = received[first + second :][:2]
    if following in (b"", b"\r"):
        return ClientProtocol.UNDECIDED
    if following[0] in TOKEN_BYTES or (second and empty_line_size(following)):
        return ClientProtocol.HTTP
    return ClientProtocol.UNKNOWN
