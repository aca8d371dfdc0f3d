"""What a TLS server shows in the clear: the version that it chose and, up to TLS 1.2, its certificate.

RFC 8446 section 4.1.3, RFC 5246 sections 7.4.1.3 and 7.4.2. Bytes in, values out; what it holds is bounded.
"""

import struct
from typing import Final

from msgspec import Struct

from .client_hello import VERSIONS

_SERVER_HELLO: Final = 2
_CERTIFICATE: Final = 11
_MESSAGE_HEADER: Final = 4
_RANDOM: Final = slice(2, 34)
_SESSION_ID: Final = 34  # its length, in a ServerHello
_ALPN: Final = 16
_SUPPORTED_VERSIONS: Final = 43
_TLS_1_3: Final = b"\x03\x04"
_HTTP2: Final = b"\0\3\2h2"  # as the only name in the extension (RFC 7301 section 3.1)
_MOST_HELD: Final = 1 << 14
"""The longest beginning of the handshake that is held, in bytes: a ServerHello, or a server's own certificate."""

_extension_header: Final = struct.Struct("!HH").unpack_from

_RETRY: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random of a HelloRetryRequest, RFC 8446 section 4.1.3: a second ServerHello follows."""


class ServerHandshake(Struct, eq=False, gc=False):
    """A server's handshake messages in the clear, as they arrive, whatever records and segments they span.

    `version` is that of the ServerHello, empty before it: `1.3`, `1.2`, `1.1`, `1.0` or `ssl3`. `is_chosen`: the last
    ServerHello was not a HelloRetryRequest. `chooses_http2` is known up to TLS 1.2. `certificate` is the server's own,
    in DER, empty if it was not seen.
    """

    version: str = ""
    is_chosen: bool = False
    chooses_http2: bool = False
    certificate: bytes = b""
    _held: bytes = b""

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
                return self._stop()
            held = held[size:]
        self._held = held
        return len(held) <= _MOST_HELD or self._stop()

    def _stop(self) -> bool:
        self._held = b""
        return False

    def _read_hello(self, body: bytes) -> None:
        size = len(body)
        self.is_chosen = body[_RANDOM] != _RETRY
        position = _SESSION_ID + 1 + body[_SESSION_ID] + 3 if size > _SESSION_ID else _SESSION_ID + 4
        if size < position:
            self.version = ""
            return
        chosen = body[:2]
        position += 2
        while position + 4 <= size:
            kind, length = _extension_header(body, position)
            position += 4
            if kind == _SUPPORTED_VERSIONS:
                chosen = body[position : position + 2]
                if chosen == _TLS_1_3:  # its other extensions in the clear do not matter
                    break
            elif kind == _ALPN:
                self.chooses_http2 = body[position : position + length] == _HTTP2
            position += length
        self.version = VERSIONS.get(chosen, "")

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
