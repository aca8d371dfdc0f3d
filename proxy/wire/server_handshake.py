"""What a TLS server shows in the clear: the version that it chose and, up to TLS 1.2, its certificate.

RFC 8446 section 4.1.3, RFC 5246 sections 7.4.1.3 and 7.4.2. Bytes in, values out; what it holds is bounded.
"""

import struct
from typing import Final

from .client_hello import VERSIONS

_SERVER_HELLO: Final = 2
_CERTIFICATE: Final = 11
_MESSAGE_HEADER: Final = 4
_RANDOM: Final = slice(2, 34)
_SESSION_ID: Final = 34  # its length, in a ServerHello
_ALPN: Final = 16
_SUPPORTED_VERSIONS: Final = 43
_HTTP2: Final = b"\0\3\2h2"  # as the only name in the extension (RFC 7301 section 3.1)
_MOST_HELD: Final = 1 << 14
"""The longest beginning of the handshake that is held, in bytes: a ServerHello, or a server's own certificate."""

_extension_header: Final = struct.Struct("!HH").unpack_from

_RETRY: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random of a HelloRetryRequest, RFC 8446 section 4.1.3: a second ServerHello follows."""


class ServerHandshake:
    """A server's handshake messages in the clear, as they arrive, whatever records and segments they span.

    `version` is that of the ServerHello, empty before it: `1.3`, `1.2`, `1.1`, `1.0` or `ssl3`. `is_chosen`: the last
    ServerHello was not a HelloRetryRequest. `chooses_http2` is known up to TLS 1.2. `certificate` is the server's own,
    in DER, empty if it was not seen.
    """

    __slots__ = ("_held", "certificate", "chooses_http2", "is_chosen", "version")

    def __init__(self) -> None:
        self._held = b""
        self.version = ""
        self.is_chosen = False
        self.chooses_http2 = False
        self.certificate = b""

    def read(self, part: bytes) -> bool:
        """Take the next bytes of the messages. Returns False once no more are needed, or if they make no sense."""
        held = self._held + part if self._held else part
        while len(held) >= _MESSAGE_HEADER:
            kind, size = held[0], _MESSAGE_HEADER + (held[1] << 16 | held[2] << 8 | held[3])
            if kind == _CERTIFICATE and self.is_chosen:
                return self._read_certificate(held)
            if kind != _SERVER_HELLO:
                return self._stop()
            if len(held) < size:
                break
            self._read_hello(held[_MESSAGE_HEADER:size])
            if not self.version or (self.is_chosen and self.version == "1.3"):  # encrypted from here on
                self._held = b""
                return False
            held = held[size:]
        self._held = held
        return len(held) <= _MOST_HELD or self._stop()

    def _stop(self) -> bool:
        self._held = b""
        return False

    def _read_hello(self, body: bytes) -> None:
        extensions = _SESSION_ID + 1 + (body[_SESSION_ID] if len(body) > _SESSION_ID else 0) + 3
        chosen = body[:2]
        position = extensions + 2
        while position + 4 <= len(body):
            kind, size = _extension_header(body, position)
            end = position + 4 + size
            if kind == _SUPPORTED_VERSIONS:
                chosen = body[position + 4 : position + 6]
            elif kind == _ALPN:
                self.chooses_http2 = body[position + 4 : end] == _HTTP2
            position = end
        self.version = VERSIONS.get(chosen, "") if len(body) >= extensions else ""
        self.is_chosen = body[_RANDOM] != _RETRY

    def _read_certificate(self, held: bytes) -> bool:
        """Take the first certificate of the list, which is the server's own (RFC 5246 section 7.4.2)."""
        start = _MESSAGE_HEADER + 6  # behind the lengths of the list and of its first entry
        size = int.from_bytes(held[start - 3 : start], "big") if len(held) >= start else _MOST_HELD
        if size > _MOST_HELD and len(held) >= start:
            return self._stop()
        if len(held) < start + size:
            self._held = held
            return True
        self.certificate = held[start : start + size]
        return self._stop()
