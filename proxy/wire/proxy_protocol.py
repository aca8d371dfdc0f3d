"""Parses the PROXY header, by which a balancer names the client of a connection: versions 1 and 2.

The specification is HAProxy's `doc/proxy-protocol.txt`, sections 2.1 and 2.2. Only the source is used: the destination
is validated and dropped. TLVs must add up, and a checksum among them must be right; the others are ignored.

The result depends on the bytes alone, not on how they were split: the shortest prefix that allows a result decides. The
caller knows whether a peer may send a header.
"""

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from msgspec import Struct

from .crc32c import crc32c

_V1_BYTES: Final = 107  # the longest line with its CRLF, section 2.1
_V1_TCP: Final = (b"PROXY TCP4 ", b"PROXY TCP6 ")
_V1_UNKNOWN: Final = (b"PROXY UNKNOWN ", b"PROXY UNKNOWN\r\n")
_V1_TCP_LINE: Final = re.compile(rb"PROXY TCP[46] [0-9A-Fa-f:. ]*(?:\r\n|\r?\Z)")  # whole, or the part received so far
_V1_PORT: Final = re.compile(r"0|[1-9][0-9]{0,4}")

_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
_BEGINNINGS: Final = (_SIGNATURE, b"PROXY TCP4", b"PROXY TCP6", b"PROXY UNKNOWN")  # no HTTP request begins so
_UNFINISHED: Final = frozenset(beginning[:size] for beginning in _BEGINNINGS for size in range(len(beginning)))
_V2_FIXED_BYTES: Final = 16  # signature, version and command, family, length
_V2_BYTES: Final = 4096  # of addresses and TLVs: a client certificate's name and a unique id fit in many times
_LOCAL: Final = 0x20
_PROXY: Final = 0x21
_TCP4: Final = 0x11
_TCP6: Final = 0x21
_IPV4_BYTES: Final = 2 * (4 + 2)  # source and destination, and the port of each
_IPV6_BYTES: Final = 2 * (16 + 2)
_UNIX_BYTES: Final = 2 * 108
_ADDRESS_BYTES: Final = {
    _TCP4: _IPV4_BYTES, 0x12: _IPV4_BYTES, _TCP6: _IPV6_BYTES, 0x22: _IPV6_BYTES, 0x31: _UNIX_BYTES, 0x32: _UNIX_BYTES,
}  # fmt: skip
"""By family and transport. Only TCP names a client: the gate uses no UDP and no UNIX sockets (section 2.2)."""

_UNSPECIFIED: Final = 0x00  # what follows has no known form
_TLV_FIXED_BYTES: Final = 3  # type and length
_CHECKSUM: Final = 0x03
_CHECKSUM_BYTES: Final = 4


class ProxyHeaderError(Exception):
    """The bytes are not a PROXY header. `str()` is one short phrase that quotes none of them."""


class ProxyHeader(Struct, frozen=True):
    """The client of the connection, and the length of the header in bytes.

    `source` is as Python's `ipaddress` writes it, an IPv4-mapped IPv6 address as the IPv4. It is empty if the balancer
    connects for itself (v2 LOCAL, a health check) or does not know (v1 UNKNOWN, v2 with a family other than TCP over
    IP): then the connection's peer is the client.
    """

    source: str
    source_port: int
    size: int


def read_proxy_header(received: bytes) -> ProxyHeader | None:
    """Return the header that `received` starts with, or None while it is incomplete.

    Raises ProxyHeaderError as soon as the bytes cannot become one, except that the addresses and ports of a version 1
    line are checked once it is complete, as section 2.1 requires: after at most 107 bytes.
    """
    if _SIGNATURE.startswith(received[: len(_SIGNATURE)]):
        return _read_v2(received)
    return _read_v1(received[:_V1_BYTES])


def looks_like_proxy_header(received: bytes) -> bool:
    """Return whether the bytes start a PROXY header; False while there are too few to tell."""
    return received.startswith(_BEGINNINGS)


def may_become_proxy_header(received: bytes) -> bool:
    """Return whether there are too few bytes to tell a PROXY header from something else."""
    return received in _UNFINISHED


def _read_v1(received: bytes) -> ProxyHeader | None:
    if not any(received.startswith(known) or known.startswith(received) for known in _V1_TCP + _V1_UNKNOWN):
        raise ProxyHeaderError("it starts with neither PROXY and a known family nor the signature of version 2")
    if received.startswith(_V1_TCP) and not _V1_TCP_LINE.match(received):
        raise ProxyHeaderError("its line has a byte that no address and no port has")
    line, end, _ = received.partition(b"\r\n")
    if not end and len(received) == _V1_BYTES:
        raise ProxyHeaderError(f"its line does not end within {_V1_BYTES} bytes")
    if not end:
        return None
    size = len(line) + len(end)
    if received.startswith(_V1_UNKNOWN):
        return ProxyHeader("", 0, size)  # the rest of the line must be ignored
    return _source_of_v1(line.decode(), size)


def _source_of_v1(line: str, size: int) -> ProxyHeader:
    """Parse a complete line: PROXY, family, source, destination and the ports of both, separated by one space."""
    words = line.split(" ")
    if len(words) != 6:
        raise ProxyHeaderError("its line is not two addresses and two ports, each after one space")
    _, family, *addresses, source_port, destination_port = words
    read: Callable[[str], IPv4Address | IPv6Address] = IPv4Address if family == "TCP4" else IPv6Address
    try:
        source, _ = map(read, addresses)
    except ValueError:
        raise ProxyHeaderError(f"its addresses are not both of its family, {family}") from None
    for port in (source_port, destination_port):
        if not _V1_PORT.fullmatch(port) or int(port) > 65535:
            raise ProxyHeaderError("its ports are not both from 0 to 65535 in plain digits")
    return ProxyHeader(_written(source), int(source_port), size)


def _read_v2(received: bytes) -> ProxyHeader | None:
    """Parse signature, version and command, family and length, then that many bytes of addresses, ports and TLVs."""
    command = received[12:13]
    if command and command[0] not in (_LOCAL, _PROXY):
        raise ProxyHeaderError("its version is not 2, or its command is neither LOCAL nor PROXY")
    family = received[13] if len(received) > 13 and command[0] == _PROXY else 0
    if family not in _ADDRESS_BYTES and family != _UNSPECIFIED:
        raise ProxyHeaderError("its family is unknown")
    if len(received) < _V2_FIXED_BYTES:
        return None
    length = int.from_bytes(received[14:16])
    if length > _V2_BYTES:
        raise ProxyHeaderError(f"it is longer than the {_V2_BYTES} bytes that are read")
    if length < _ADDRESS_BYTES.get(family, 0):
        raise ProxyHeaderError("it is too short for the addresses of its family")
    size = _V2_FIXED_BYTES + length
    if len(received) < size:
        return None
    if family != _UNSPECIFIED:
        _check_tlvs(received[:size], _V2_FIXED_BYTES + _ADDRESS_BYTES[family])
    return _source_of_v2(received[_V2_FIXED_BYTES:size], family, size)


def _check_tlvs(header: bytes, start: int) -> None:
    """Raise ProxyHeaderError if the TLVs from `start` do not end where the header does, or its checksum is wrong."""
    checked = False
    while start < len(header):
        value = start + _TLV_FIXED_BYTES
        end = value + int.from_bytes(header[start + 1 : value])
        if value > len(header):
            raise ProxyHeaderError("some bytes are left over behind its TLVs")
        if end > len(header):
            raise ProxyHeaderError("its last TLV is longer than the rest of it")
        if header[start] == _CHECKSUM:
            if checked or end - value != _CHECKSUM_BYTES:
                raise ProxyHeaderError("it does not have one checksum of 4 bytes")
            checked = True
            if crc32c(header[:value] + bytes(_CHECKSUM_BYTES) + header[end:]) != int.from_bytes(header[value:end]):
                raise ProxyHeaderError("its checksum (CRC32C) is wrong")
        start = end


def _source_of_v2(body: bytes, family: int, size: int) -> ProxyHeader:
    if family == _TCP4:
        return ProxyHeader(str(IPv4Address(body[:4])), int.from_bytes(body[8:10]), size)
    if family == _TCP6:
        return ProxyHeader(_written(IPv6Address(body[:16])), int.from_bytes(body[32:34]), size)
    return ProxyHeader("", 0, size)


def _written(source: IPv4Address | IPv6Address) -> str:
    mapped = source.ipv4_mapped if isinstance(source, IPv6Address) else None
    return str(mapped or source)
