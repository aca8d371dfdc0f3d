"""PROXY headers as balancers send them, and invalid ones."""

import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from licensegate.proxy.wire.crc32c import crc32c
from licensegate.proxy.wire.proxy_protocol import (
    ProxyHeader,
    ProxyHeaderError,
    looks_like_proxy_header,
    read_proxy_header,
)

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
REQUEST = b"CONNECT tools.cisco.com:443 HTTP/1.1\r\n\r\n"


def v1(source: str, destination: str, source_port: int, destination_port: int) -> bytes:
    family = "TCP6" if ":" in source else "TCP4"
    return f"PROXY {family} {source} {destination} {source_port} {destination_port}\r\n".encode()


def v2(family: int, body: bytes, *, command: int = 0x21, length: int | None = None) -> bytes:
    return SIGNATURE + struct.pack("!BBH", command, family, len(body) if length is None else length) + body


def v2_body(source: str, destination: str, source_port: int, destination_port: int) -> bytes:
    kind = socket.AF_INET6 if ":" in source else socket.AF_INET
    addresses = socket.inet_pton(kind, source) + socket.inet_pton(kind, destination)
    return addresses + struct.pack("!HH", source_port, destination_port)


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!BH", kind, len(value)) + value


def with_checksum(family: int, body: bytes, after: bytes = b"") -> bytes:
    """A block of version 2 with a TLV of its CRC32C between `body` and `after`."""
    blank = v2(family, body + tlv(0x03, bytes(4)) + after)
    place = len(blank) - len(after) - 4
    return blank[:place] + crc32c(blank).to_bytes(4, "big") + blank[place + 4 :]


V4 = ("192.0.2.7", "198.51.100.1", 56324, 443)
V6 = ("2001:db8::7", "2001:db8::1", 56324, 443)
# ALPN, the name a client asked for, a unique id, TLS with a client certificate's name inside, and no-operation.
TLVS = b"".join(
    [
        tlv(0x01, b"h2"),
        tlv(0x02, b"tools.cisco.com"),
        tlv(0x05, bytes(128)),
        tlv(0x20, b"\x07" + bytes(4) + tlv(0x21, b"TLSv1.3") + tlv(0x22, b"CUCM")),
        tlv(0x04, b""),
    ]
)
LINES = {
    "IPv4": (v1(*V4), "192.0.2.7", 56324),
    "IPv6": (v1(*V6), "2001:db8::7", 56324),
    "IPv6 in capitals and in full": (b"PROXY TCP6 2001:0DB8:0:0:0:0:0:7 ::1 1 2\r\n", "2001:db8::7", 1),
    "IPv4 mapped into IPv6": (b"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:c633:6401 1 2\r\n", "192.0.2.7", 1),
    "the longest of IPv4": (v1("255.255.255.255", "255.255.255.255", 65535, 65535), "255.255.255.255", 65535),
    "the longest of IPv6": (
        f"PROXY TCP6 {'ffff:' * 7}fffe {'ffff:' * 7}ffff 65535 65535\r\n".encode(),
        f"{'ffff:' * 7}fffe",
        65535,
    ),
    "port 0": (v1("192.0.2.7", "192.0.2.8", 0, 0), "192.0.2.7", 0),
    "unknown": (b"PROXY UNKNOWN\r\n", "", 0),
    "unknown, with more to ignore": (b"PROXY UNKNOWN \xff\0 1.2.3.4 \r \n 99999\r\n", "", 0),
    "unknown, with a blank at its end": (b"PROXY UNKNOWN \r\n", "", 0),
    "unknown, as long as can be": (b"PROXY UNKNOWN ".ljust(105, b"f") + b"\r\n", "", 0),
}
BLOCKS = {
    "IPv4": (v2(0x11, v2_body(*V4)), "192.0.2.7", 56324),
    "IPv6": (v2(0x21, v2_body(*V6)), "2001:db8::7", 56324),
    "IPv4 mapped into IPv6": (v2(0x21, v2_body("::ffff:192.0.2.7", "::1", 1, 2)), "192.0.2.7", 1),
    "IPv4 with TLVs": (v2(0x11, v2_body(*V4) + TLVS), "192.0.2.7", 56324),
    "IPv6 with TLVs": (v2(0x21, v2_body(*V6) + TLVS), "2001:db8::7", 56324),
    "a checksum": (with_checksum(0x11, v2_body(*V4)), "192.0.2.7", 56324),
    "a checksum among other TLVs": (with_checksum(0x21, v2_body(*V6) + TLVS, TLVS), "2001:db8::7", 56324),
    "a checksum of a UNIX socket": (with_checksum(0x31, bytes(216)), "", 0),
    "TLVs inside a TLV that do not add up": (v2(0x11, v2_body(*V4) + tlv(0x20, b"\x21\xff")), "192.0.2.7", 56324),
    "as long as can be": (v2(0x11, v2_body(*V4) + tlv(0x04, bytes(4096 - 15))), "192.0.2.7", 56324),
    "as many TLVs as can be": (v2(0x11, v2_body(*V4) + tlv(0x04, b"") * 1361), "192.0.2.7", 56324),
    "local, with a TLV that does not end": (v2(0x11, v2_body(*V4) + b"\x01\xff\xff", command=0x20), "", 0),
    "local": (v2(0x00, b"", command=0x20), "", 0),
    "local, with an address to ignore": (v2(0x11, v2_body(*V4), command=0x20), "", 0),
    "local, with a family to ignore": (v2(0x7F, b"", command=0x20), "", 0),
    "unspecified": (v2(0x00, b"whatever"), "", 0),
    "UNIX socket": (v2(0x31, b"/run/client".ljust(108, b"\0") + bytes(108)), "", 0),
    "UNIX datagrams": (v2(0x32, bytes(216)), "", 0),
    "UDP over IPv4": (v2(0x12, v2_body(*V4)), "", 0),
    "UDP over IPv6": (v2(0x22, v2_body(*V6)), "", 0),
}
GOOD = [
    *(pytest.param(*row, id=f"v1, {name}") for name, row in LINES.items()),
    *(pytest.param(*row, id=f"v2, {name}") for name, row in BLOCKS.items()),
]
BAD = {
    "HTTP": (REQUEST, "neither PROXY and a known family"),
    "another method with a P": (b"POST / HTTP/1.1\r\n", "neither PROXY and a known family"),
    "TLS": (b"\x16\x03\x01", "neither PROXY and a known family"),
    "lower case": (b"proxy TCP4", "neither PROXY and a known family"),
    "nothing but an end of line": (b"PROXY\r\n", "neither PROXY and a known family"),
    "no family": (b"PROXY \r\n", "neither PROXY and a known family"),
    "a family of UDP": (b"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n", "neither PROXY and a known family"),
    "a family that goes on": (b"PROXY TCP46 1.2.3.4 1.2.3.4 1 2\r\n", "neither PROXY and a known family"),
    "unknown that goes on": (b"PROXY UNKNOWNS\r\n", "neither PROXY and a known family"),
    "unknown that ends in LF": (b"PROXY UNKNOWN\nCONNECT", "neither PROXY and a known family"),
    "two blanks": (b"PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n", "neither PROXY and a known family"),
    "two blanks later": (b"PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n", "each after one space"),
    "a blank at the end": (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n", "each after one space"),
    "a word too many": (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", "each after one space"),
    "too short": (b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "each after one space"),
    "far too short": (b"PROXY TCP4 \r\n", "each after one space"),
    "IPv6 as TCP4": (b"PROXY TCP4 ::1 ::1 1 2\r\n", "not both of its family, TCP4"),
    "IPv4 as TCP6": (b"PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", "not both of its family, TCP6"),
    "a destination of the other family": (b"PROXY TCP4 1.2.3.4 ::1 1 2\r\n", "not both of its family, TCP4"),
    "a leading zero in an address": (b"PROXY TCP4 010.2.3.4 1.2.3.4 1 2\r\n", "not both of its family"),
    "three quarters of an address": (b"PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", "not both of its family"),
    "a number over 255": (b"PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n", "not both of its family"),
    "two double colons": (b"PROXY TCP6 1::2::3 ::1 1 2\r\n", "not both of its family"),
    "five hexadecimal digits": (b"PROXY TCP6 12345::1 ::1 1 2\r\n", "not both of its family"),
    "a zone": (b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", "a byte that no address"),
    "a name": (b"PROXY TCP4 localhost 1.2.3.4 1 2\r\n", "a byte that no address"),
    "a port of 65536": (b"PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", "not both from 0 to 65535"),
    "a destination port of 65536": (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", "not both from 0 to 65535"),
    "a leading zero in a port": (b"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", "not both from 0 to 65535"),
    "no digit in a port": (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 :\r\n", "not both from 0 to 65535"),
    "a signed port": (b"PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n", "a byte that no address"),
    "LF alone": (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\nCONNECT", "a byte that no address"),
    "CR without LF": (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\rCONNECT", "a byte that no address"),
    "NUL": (b"PROXY TCP4 1.2.3.4\0", "a byte that no address"),
    "a tab": (b"PROXY TCP4 1.2.3.4\t", "a byte that no address"),
    "digits of another script": ("PROXY TCP4 1.2.3.\u0664 1.2.3.4 1 2\r\n".encode(), "a byte that no address"),
    "a line without end": (b"PROXY TCP4 " + b"1" * 96, "does not end within 107 bytes"),
    "unknown without end": (b"PROXY UNKNOWN ".ljust(106, b"f") + b"\r\n", "does not end within 107 bytes"),
    "a signature with a flaw": (SIGNATURE[:-1] + b"\r", "nor the signature of version 2"),
    "version 1 in binary": (v2(0x11, v2_body(*V4), command=0x11), "its version is not 2"),
    "version 3": (v2(0x11, v2_body(*V4), command=0x31), "its version is not 2"),
    "an unknown command": (v2(0x11, v2_body(*V4), command=0x22), "neither LOCAL nor PROXY"),
    "an unknown family": (v2(0x41, v2_body(*V4)), "its family is unknown"),
    "an unknown transport": (v2(0x13, v2_body(*V4)), "its family is unknown"),
    "IPv4 without a transport": (v2(0x10, v2_body(*V4)), "its family is unknown"),
    "IPv4, too short": (v2(0x11, v2_body(*V4)[:-1]), "too short for the addresses"),
    "IPv6 of IPv4's length": (v2(0x21, v2_body(*V4)), "too short for the addresses"),
    "no address at all": (v2(0x11, b""), "too short for the addresses"),
    "UDP over IPv4, too short": (v2(0x12, v2_body(*V4)[:-1]), "too short for the addresses"),
    "UNIX socket, too short": (v2(0x31, bytes(215)), "too short for the addresses"),
    "a TLV longer than the header": (v2(0x11, v2_body(*V4) + b"\x01\0\x03h2"), "its last TLV is longer"),
    "a TLV far longer than the header": (v2(0x21, v2_body(*V6) + TLVS + b"\x01\xff\xff"), "its last TLV is longer"),
    "a byte left over": (v2(0x11, v2_body(*V4) + b"\0"), "left over behind its TLVs"),
    "two bytes left over": (v2(0x11, v2_body(*V4) + TLVS + b"\x04\0"), "left over behind its TLVs"),
    "a byte left over of UDP": (v2(0x12, v2_body(*V4) + b"\0"), "left over behind its TLVs"),
    "a checksum of zeros": (v2(0x11, v2_body(*V4) + tlv(0x03, bytes(4))), "its checksum (CRC32C) is wrong"),
    "a changed byte under a checksum": (
        with_checksum(0x11, v2_body(*V4)).replace(b"\xc0\0\x02\x07", b"\xc0\0\x02\x08"),
        "its checksum (CRC32C) is wrong",
    ),
    "a changed byte behind the checksum": (
        with_checksum(0x11, v2_body(*V4), tlv(0x01, b"h2")).replace(b"h2", b"h3"),
        "its checksum (CRC32C) is wrong",
    ),
    "a checksum of three bytes": (v2(0x11, v2_body(*V4) + tlv(0x03, bytes(3))), "does not have one checksum"),
    "an empty checksum": (v2(0x11, v2_body(*V4) + tlv(0x03, b"")), "does not have one checksum"),
    "two checksums": (with_checksum(0x11, v2_body(*V4), tlv(0x03, bytes(4))), "does not have one checksum"),
    "endless": (v2(0x11, b"", length=4097), "longer than the 4096 bytes"),
    "local and endless": (v2(0x00, b"", command=0x20, length=0xFFFF), "longer than the 4096 bytes"),
}


def verdict(received: bytes) -> ProxyHeader | str | None:
    """The header, the text of a refusal, or None if more is needed."""
    try:
        return read_proxy_header(received)
    except ProxyHeaderError as refused:
        return str(refused)


def verdicts(received: bytes) -> Iterator[ProxyHeader | str | None]:
    """The result of reading byte by byte."""
    return (verdict(received[:count]) for count in range(len(received) + 1))


@pytest.mark.parametrize(("header", "source", "port"), GOOD)
def test_a_header_says_who_the_client_is_and_where_his_bytes_begin(header: bytes, source: str, port: int) -> None:
    assert read_proxy_header(header) == ProxyHeader(source, port, len(header))
    assert read_proxy_header(header + REQUEST) == ProxyHeader(source, port, len(header))


@pytest.mark.parametrize(("header", "source", "port"), GOOD)
def test_a_header_is_awaited_to_its_last_byte(header: bytes, source: str, port: int) -> None:
    *before, last = verdicts(header)

    assert before == [None] * len(header)
    assert last == ProxyHeader(source, port, len(header))


@pytest.mark.parametrize(("received", "words"), BAD.values(), ids=BAD)
def test_an_invalid_header_is_refused_with_a_reason(received: bytes, words: str) -> None:
    with pytest.raises(ProxyHeaderError) as refused:
        read_proxy_header(received)

    assert words in str(refused.value)
    assert str(refused.value).isascii()
    assert len(str(refused.value)) <= 100


@pytest.mark.parametrize("received", [row[0] for row in BAD.values()], ids=BAD)
def test_a_refusal_is_the_same_however_the_bytes_were_split(received: bytes) -> None:
    final = verdict(received)

    assert set(verdicts(received)) == {None, final}
    assert verdict(received + REQUEST) == final


@pytest.mark.parametrize(
    ("received", "at"),
    [
        pytest.param(REQUEST, 1, id="HTTP"),
        pytest.param(b"PROXY TCP5 ", 10, id="family"),
        pytest.param(b"PROXY TCP4 1.2.3.4 x", 20, id="byte"),
        pytest.param(b"\r\n\r\n\0\r\nQUIT\r", 12, id="signature"),
        pytest.param(v2(0x11, b"", command=0x22), 13, id="command"),
        pytest.param(v2(0x41, b""), 14, id="v2 family"),
        pytest.param(v2(0x11, bytes(11)), 16, id="v2 length"),
    ],
)
def test_an_invalid_header_is_refused_at_its_first_wrong_byte(received: bytes, at: int) -> None:
    outcomes = list(verdicts(received))

    assert outcomes[:at] == [None] * at
    assert isinstance(outcomes[at], str)


@pytest.mark.parametrize(
    ("received", "is_one"),
    [
        *(pytest.param(header.values[0], True, id=header.id) for header in GOOD),
        pytest.param(b"PROXY TCP4 nonsense", True, id="malformed v1"),
        pytest.param(SIGNATURE + b"nonsense", True, id="malformed v2"),
        pytest.param(SIGNATURE[:-1], False, id="part of a signature"),
        pytest.param(b"PROXY ", False, id="part of a line"),
        pytest.param(b"PROXY / HTTP/1.1\r\n", False, id="a method of that name"),
        pytest.param(REQUEST, False, id="HTTP"),
        pytest.param(b"", False, id="nothing"),
    ],
)
def test_a_proxy_header_is_recognised_by_its_first_bytes(received: bytes, is_one: bool) -> None:
    assert looks_like_proxy_header(received) is is_one


ports = st.integers(0, 65535)
ends = st.tuples(st.ip_addresses(v=4), st.ip_addresses(v=4), ports, ports) | st.tuples(
    st.ip_addresses(v=6), st.ip_addresses(v=6), ports, ports
)

tlv_lists = st.lists(
    st.builds(tlv, st.integers(0, 255).filter(lambda kind: kind != 0x03), st.binary(max_size=60)), max_size=6
).map(b"".join)


@given(ends, tlv_lists, st.binary(max_size=40))
def test_whatever_a_balancer_can_say_is_understood_in_both_versions(
    parts: tuple[object, object, int, int], tlvs: bytes, after: bytes
) -> None:
    source, destination, source_port, destination_port = str(parts[0]), str(parts[1]), parts[2], parts[3]
    assume(not source.lower().startswith("::ffff:"))
    written = (source, destination, source_port, destination_port)
    line = v1(*written)
    block = v2(0x21 if ":" in source else 0x11, v2_body(*written) + tlvs)

    assert read_proxy_header(line + after) == ProxyHeader(source, source_port, len(line))
    assert read_proxy_header(block + after) == ProxyHeader(source, source_port, len(block))


beginnings = st.sampled_from(
    [b"", b"PROXY ", b"PROXY TCP4 ", b"PROXY TCP6 ", b"PROXY UNKNOWN", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2", SIGNATURE[:7]]
    + [SIGNATURE + struct.pack("!BBH", command, family, 12) for command in (0x20, 0x21) for family in (0x11, 0x31)]
)
rest = st.binary(max_size=120) | st.text("0123456789abcdef:. \r\n", max_size=120).map(str.encode)


@given(beginnings, rest)
@example(b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2", b"\r\n\r\n")
def test_whatever_the_bytes_one_verdict_is_reached_once_and_stays(beginning: bytes, rest: bytes) -> None:
    outcomes = list(verdicts(beginning + rest))
    decided = [outcome for outcome in outcomes if outcome is not None]

    assert len(set(decided)) <= 1
    assert outcomes == [None] * (len(outcomes) - len(decided)) + decided
