"""Parses a TLS ClientHello: the server name the client asks for, and the protocols and versions it offers.

RFC 8446 sections 4.1.2 and 5.1, RFC 5246 section 7.4.1.2; server names by RFC 6066 section 3, as strictly as OpenSSL.
Reads what is sent in the clear and makes no decision about it. An encrypted ClientHello contains another name (RFC
9849), which cannot be read here.

The result depends on the bytes alone, not on how they were split into segments or records: the shortest prefix that
allows a result decides. The framing is checked as it arrives, the content once it is complete.
"""

import enum
import re
import struct
from functools import lru_cache
from typing import Final

from msgspec import Struct

from licensegate.allowlist.target import TargetError, parse_host
from licensegate.records.text import printable

from .tls_records import HANDSHAKE, RECORD_HEADER, RECORD_PAYLOAD

_CLIENT_HELLO: Final = b"\x01"
_MESSAGE_HEADER: Final = 4
_VERSION: Final = 2
_VERSION_AND_RANDOM: Final = 34
_SESSION_ID: Final = 32  # at most

_SERVER_NAME: Final = 0
_ALPN: Final = 16
_SUPPORTED_VERSIONS: Final = 43
_ENCRYPTED_CLIENT_HELLO: Final = 0xFE0D
_EXTENSIONS_READ: Final = frozenset((_SERVER_NAME, _ALPN, _SUPPORTED_VERSIONS, _ENCRYPTED_CLIENT_HELLO))

VERSIONS: Final = {b"\x03\x04": "1.3", b"\x03\x03": "1.2", b"\x03\x02": "1.1", b"\x03\x01": "1.0", b"\x03\x00": "ssl3"}
"""The names of the versions of TLS, highest first, by their number."""

_MOST_PROTOCOLS: Final = 8  # that are shown of an ALPN list, and characters of each
_PROTOCOL_CHARACTERS: Final = 32

_beginning: Final = struct.Struct("!HxHI").unpack_from
_lone_host_name: Final = struct.Struct("!HBH").unpack_from
_extension_header: Final = struct.Struct("!HH").unpack_from
_host_characters: Final = re.compile(rb"[0-9A-Za-z._:-]*")  # an address has no brackets here


class HelloFault(enum.StrEnum):
    """Why the bytes are not a ClientHello: not TLS, SSL 2, malformed, or larger than the limit."""

    NOT_TLS = "not_tls"
    SSLV2 = "sslv2"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"


class HelloError(Exception):
    """The bytes are rejected. `str()` is one short phrase, safe to log."""

    def __init__(self, fault: HelloFault, phrase: str) -> None:
        super().__init__(phrase)
        self.fault = fault


class ClientHello(Struct, frozen=True, gc=False):
    """The contents of a ClientHello.

    `server_name` is normalised as the host of a CONNECT is, and empty if none was sent; it may be an address. `alpn` is
    printable and bounded. `max_version` is the highest offered of 1.3, 1.2, 1.1, 1.0 and ssl3, or empty. `ech` means
    that it contains an encrypted ClientHello, or the imitation of one (GREASE). `size` is its length in bytes,
    including record headers. `random` is its client's 32 random bytes.
    """

    server_name: str
    alpn: tuple[str, ...]
    max_version: str
    ech: bool
    size: int
    random: bytes


def read_client_hello(received: bytes, limit: int) -> ClientHello | None:
    """Return the ClientHello that `received` starts with, or None while it is incomplete.

    Raises HelloError as soon as the bytes cannot become an acceptable one of at most `limit` bytes.
    """
    return HelloReader(limit).read(received)


class HelloReader:
    """Reads one ClientHello as its bytes arrive, each record once.

    Gives the results of `read_client_hello`, which starts from the beginning each time: for a hello in thousands of
    records that arrives byte by byte, that would take minutes.
    """

    __slots__ = ("_end", "_limit", "_message")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._end = 0  # of the complete records, in what was received
        self._message = b""  # what they carried

    @property
    def held(self) -> int:
        """How many bytes it keeps of what it has read."""
        return len(self._message)

    def announced_size(self, received: bytes) -> int:
        """Return how long the incomplete ClientHello says it is, with its record headers; 0 if that is not there yet.

        `received` is what the last `read` got. Before the message's own length, its record's counts.
        """
        payload = self._end + RECORD_HEADER
        has_header = len(received) >= payload
        carried = int.from_bytes(received[payload - 2 : payload], "big") if has_header else 0
        end = payload + carried if has_header else self._end
        beginning = (self._message[:_MESSAGE_HEADER] + received[payload:])[:_MESSAGE_HEADER]
        if len(beginning) < _MESSAGE_HEADER:
            return end
        missing = _MESSAGE_HEADER + int.from_bytes(beginning[1:], "big") - len(self._message) - carried
        return end + missing + -(-missing // RECORD_PAYLOAD) * RECORD_HEADER

    def read(self, received: bytes) -> ClientHello | None:
        """Return the ClientHello, or None while incomplete. `received` is everything so far. Raises HelloError."""
        if not self._end and 0 < (end := _end_of_lone_record(received)) <= self._limit:
            return _read_message(received if end == len(received) else received[:end], RECORD_HEADER, end)
        while end := _record_end(received, self._end, self._limit):
            payload = self._end + RECORD_HEADER
            missing = self._missing(received[payload : min(end, payload + _MESSAGE_HEADER)], end)
            if end > len(received):
                return None
            if missing == 0 and not self._message:
                return _read_message(received if end == len(received) else received[:end], payload, end)
            self._message += received[payload:end]
            self._end = end
            if missing == 0:
                return _read_message(self._message, 0, end)
        return None

    def _missing(self, payload: bytes, end: int) -> int:
        """Return how many bytes of the message follow the record that ends at `end`; positive while unknown."""
        beginning = self._message[:_MESSAGE_HEADER] + payload
        if not beginning.startswith(_CLIENT_HELLO[: len(beginning)]):
            raise _malformed("its first handshake message is not a ClientHello")
        if len(beginning) < _MESSAGE_HEADER:
            return 1
        carried = len(self._message) + end - self._end - RECORD_HEADER
        missing = _MESSAGE_HEADER + int.from_bytes(beginning[1:_MESSAGE_HEADER], "big") - carried
        if missing < 0:
            raise _malformed("something follows the ClientHello in its record")
        records = -(-missing // RECORD_PAYLOAD)
        if end + missing + records * RECORD_HEADER > self._limit:
            raise _too_large(self._limit)
        return missing


def _end_of_lone_record(received: bytes) -> int:
    """Return where a whole ClientHello in one record ends, as nearly all are: the fast path. 0 for any other."""
    if len(received) < RECORD_HEADER + _MESSAGE_HEADER:
        return 0
    start, length, message = _beginning(received)
    end: int = RECORD_HEADER + length
    is_whole = _MESSAGE_HEADER <= length <= RECORD_PAYLOAD and end <= len(received)
    return end if is_whole and (start, message) == (0x1603, 0x01000000 + length - _MESSAGE_HEADER) else 0


def _record_end(received: bytes, start: int, limit: int) -> int:
    """Return the end of the handshake record at `start`, or 0 while its header is incomplete."""
    header = received[start : start + RECORD_HEADER]
    if not header.startswith(HANDSHAKE[: len(header)]):
        _refuse_record(header, is_first=start == 0)
    if len(header) < RECORD_HEADER:
        return 0
    length = header[3] << 8 | header[4]
    if not 0 < length <= RECORD_PAYLOAD:
        raise _malformed(f"one of its records carries {length} bytes")
    end = start + RECORD_HEADER + length
    if end > limit:
        raise _too_large(limit)
    return end


def _refuse_record(header: bytes, *, is_first: bool) -> None:
    """Raise HelloError for a record that is not a handshake; return if it is too short to tell."""
    if not is_first:
        raise _malformed("another record interrupts the ClientHello")
    if header[0] & 0x80 and len(header) < 3:
        return
    if header[0] & 0x80 and header[2] == _CLIENT_HELLO[0]:  # RFC 5246 appendix E.2
        raise HelloError(HelloFault.SSLV2, "it is a hello of SSL 2")
    raise HelloError(HelloFault.NOT_TLS, f"its first byte is {header[0]:#04x}")


def _read_message(received: bytes, start: int, size: int) -> ClientHello:
    """Parse the handshake message from `start` to the end of `received`."""
    body = start + _MESSAGE_HEADER
    try:
        extensions = _extensions(received, body)
    except (IndexError, struct.error):
        raise _malformed("its lengths do not add up") from None
    name = extensions.get(_SERVER_NAME)
    protocols = extensions.get(_ALPN)
    versions = extensions.get(_SUPPORTED_VERSIONS)
    return ClientHello(
        "" if name is None else _server_name(name),
        () if protocols is None else _protocols(protocols),
        _legacy_version(received[body : body + _VERSION]) if versions is None else _highest_version(versions),
        _ENCRYPTED_CLIENT_HELLO in extensions,
        size,
        received[body + _VERSION : body + _VERSION_AND_RANDOM],
    )


def _extensions(message: bytes, body: int) -> dict[int, bytes]:
    """Return the data of the extensions that are read, by type.

    Raises IndexError or struct.error if a length points past the end.
    """
    session_id = message[body + _VERSION_AND_RANDOM]
    position = body + _VERSION_AND_RANDOM + 1 + session_id
    cipher_suites = message[position] << 8 | message[position + 1]
    position += 2 + cipher_suites
    compression_methods = message[position]
    position += 1 + compression_methods
    if session_id > _SESSION_ID or cipher_suites < 2 or cipher_suites % 2 or not compression_methods:
        raise _malformed("it has no session id, cipher suites or compression methods of a legal length")
    extensions: dict[int, bytes] = {}
    end = len(message)
    if position == end:  # a client from before RFC 3546
        return extensions
    if (message[position] << 8 | message[position + 1]) != end - position - 2:
        raise _malformed("its extensions are not as long as it says")
    position += 2
    while position < end:
        kind, length = _extension_header(message, position)
        if kind in _EXTENSIONS_READ:
            if kind in extensions:  # forbidden by RFC 8446 section 4.2
                raise _malformed(f"it has two extensions of type {kind}")
            extensions[kind] = message[position + 4 : position + 4 + length]
        position += 4 + length
    if position != end:
        raise _malformed("its last extension is cut short")
    return extensions


# This cache and that of versions contain accepted data only, which is short.
@lru_cache(maxsize=1024)
def _server_name(data: bytes) -> str:
    """Return the name in a server_name extension: exactly one host_name, the only type ever used."""
    if len(data) < 5:
        raise _malformed("its server name is cut short")
    list_length, kind, length = _lone_host_name(data)
    if list_length != len(data) - 2 or kind != 0 or length != len(data) - 5:
        raise _malformed("its server name is not a single host name")
    name = data[5:]
    if not _host_characters.fullmatch(name):
        raise _malformed(f"its server name is no host name: {printable(name, 60)}")
    try:
        return parse_host(name.decode("ascii"))
    except TargetError as error:
        raise _malformed(f"its server name is no host name: {error}") from None


def _protocols(data: bytes) -> tuple[str, ...]:
    """Return the first names of an ALPN extension (RFC 7301 section 3.1)."""
    names = []
    position = 2
    while position < len(data):
        start, position = position + 1, position + 1 + data[position]
        if start == position:
            raise _malformed("a protocol in its ALPN has no name")
        names.append(data[start:position])
    if not names or position != len(data) or int.from_bytes(data[:2], "big") != len(data) - 2:
        raise _malformed("the lengths in its ALPN do not add up")
    return tuple(printable(name, _PROTOCOL_CHARACTERS) for name in names[:_MOST_PROTOCOLS])


@lru_cache(maxsize=1024)
def _highest_version(data: bytes) -> str:
    """Return the highest known version in a supported_versions extension; GREASE and drafts are not known."""
    if len(data) < 3 or not len(data) % 2 or data[0] != len(data) - 1:
        raise _malformed("the lengths in its supported versions do not add up")
    offered = {data[i : i + 2] for i in range(1, len(data), 2)}
    return next((name for version, name in VERSIONS.items() if version in offered), "")


def _legacy_version(version: bytes) -> str:
    """Return the version of a client without that extension: at most 1.2 (RFC 8446 section 4.2.1)."""
    return VERSIONS.get(min(version, b"\x03\x03"), "")


def _malformed(phrase: str) -> HelloError:
    return HelloError(HelloFault.MALFORMED, phrase)


def _too_large(limit: int) -> HelloError:
    return HelloError(HelloFault.TOO_LARGE, f"its ClientHello takes more than {limit} bytes")
