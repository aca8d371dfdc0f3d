"""ClientHellos recorded from real clients (`tests/data/client_hellos/`), and functions that build others."""

from collections.abc import Iterable
from itertools import chain, repeat
from pathlib import Path

import msgspec
from hypothesis import strategies as st

_FOLDER = Path(__file__).parents[1] / "data/client_hellos"

SERVER_NAME, ALPN, SUPPORTED_VERSIONS, ENCRYPTED_CLIENT_HELLO = 0, 16, 43, 0xFE0D
GREASE = [0x0A0A + 0x1010 * number for number in range(16)]  # RFC 8701
LARGEST_RECORD = 2**14


class RecordedHello(msgspec.Struct, frozen=True):
    """A row of the manifest, whose fields `record.py` explains, and its bytes."""

    name: str
    client: str
    server_name: str = ""
    max_version: str = ""
    alpn: tuple[str, ...] = ()
    ech: bool = False
    fault: str = ""

    @property
    def hello(self) -> bytes:
        return (_FOLDER / f"{self.name}.bin").read_bytes()


RECORDED = {
    row.name: row for row in msgspec.json.decode((_FOLDER / "manifest.json").read_bytes(), type=list[RecordedHello])
}
"""Every recording by name."""


def vector(data: bytes, length_bytes: int = 2) -> bytes:
    """A TLS vector: the data after its length (RFC 8446 section 3.4)."""
    return len(data).to_bytes(length_bytes, "big") + data


def extension(kind: int, data: bytes) -> bytes:
    return kind.to_bytes(2, "big") + vector(data)


def server_name_extension(*names: bytes) -> bytes:
    """A server_name extension with a host_name entry for each name."""
    return extension(SERVER_NAME, vector(b"".join(b"\0" + vector(name) for name in names)))


def versions(*numbers: int) -> bytes:
    return extension(SUPPORTED_VERSIONS, vector(b"".join(number.to_bytes(2, "big") for number in numbers), 1))


def alpn(*names: bytes) -> bytes:
    return extension(ALPN, vector(b"".join(vector(name, 1) for name in names)))


def hello_message(
    *extensions: bytes,
    version: bytes = b"\x03\x03",
    random: bytes = bytes(32),
    session_id: bytes = b"",
    cipher_suites: bytes = b"\x13\x01\xc0\x2f\x00\x2f",
    compression_methods: bytes = b"\0",
) -> bytes:
    """The handshake message of a ClientHello with these extensions and fields."""
    fixed = (version, random, vector(session_id, 1), vector(cipher_suites), vector(compression_methods, 1))
    return b"\x01" + vector(b"".join(fixed) + vector(b"".join(extensions)), 3)


def in_records(handshake: bytes, sizes: Iterable[int] = ()) -> bytes:
    """Split a handshake message into records of these sizes, then into records of the largest size."""
    records = b""
    for size in chain(sizes, repeat(LARGEST_RECORD)):
        records += b"\x16\x03\x01" + vector(handshake[:size])
        handshake = handshake[size:]
        if not handshake:
            return records
    raise AssertionError("the sizes end before the message")


def join_records(records: bytes) -> bytes:
    """The content of records, without their headers."""
    handshake = b""
    while records:
        end = 5 + int.from_bytes(records[3:5], "big")
        handshake += records[5:end]
        records = records[end:]
    return handshake


_NAMED = server_name_extension(b"tools.cisco.com")
INVALID_SERVER_NAMES = {
    "two names": server_name_extension(b"tools.cisco.com", b"evil.example"),
    "the same name twice": server_name_extension(b"tools.cisco.com", b"tools.cisco.com"),
    "two extensions": _NAMED + _NAMED,
    "two extensions, one of them empty": _NAMED + extension(SERVER_NAME, b""),
    "no name": server_name_extension(),
    "an empty name": server_name_extension(b""),
    "an empty extension": extension(SERVER_NAME, b""),
    "a name of another type": extension(SERVER_NAME, vector(b"\x01" + vector(b"tools.cisco.com"))),
    "a name and one of another type": extension(
        SERVER_NAME, vector(b"\0" + vector(b"a.example") + b"\1" + vector(b"b"))
    ),
    "a byte after the list": extension(SERVER_NAME, vector(b"\0" + vector(b"a.example")) + b"\0"),
    "a byte after the name": extension(SERVER_NAME, vector(b"\0" + vector(b"a.example") + b"\0")),
    "a list shorter than its name": extension(SERVER_NAME, b"\0\x05\0" + vector(b"a.example")),
    "a name longer than its list": extension(SERVER_NAME, vector(b"\0\0\x20a.example")),
    "a name of 256": server_name_extension(b"a" * 256),
    "a dot": server_name_extension(b"."),
    "two final dots": server_name_extension(b"tools.cisco.com.."),
    "an empty label": server_name_extension(b"tools..cisco.com"),
    "a label of 64": server_name_extension(b"a" * 64 + b".example"),
    "a name of 254": server_name_extension(b"a." * 126 + b"bb"),
    "a hyphen at an edge": server_name_extension(b"-tools.cisco.com"),
    "a short IPv4 address": server_name_extension(b"127.1"),
    "NUL": server_name_extension(b"tools.cisco.com\0.evil.example"),
    "NUL at the end": server_name_extension(b"tools.cisco.com\0"),
    "a blank": server_name_extension(b"tools.cisco.com "),
    "a line feed": server_name_extension(b"tools.cisco.com\n"),
    "a slash": server_name_extension(b"tools.cisco.com/evil.example"),
    "a user": server_name_extension(b"tools.cisco.com@evil.example"),
    "an asterisk": server_name_extension(b"*.cisco.com"),
    "brackets": server_name_extension(b"[2001:db8::1]"),
    "UTF-8": server_name_extension("tööls.cisco.com".encode()),
    "the full stop of UTF-8": server_name_extension("tools。cisco.com".encode()),
}
"""Invalid server_name extensions."""


@st.composite
def any_hello(draw: st.DrawFn) -> bytes:
    """Any hello, valid or not, in records of any size."""
    pieces = st.one_of(
        st.builds(server_name_extension, st.from_regex(rb"[a-zA-Z0-9.:_-]{0,20}", fullmatch=True)),
        st.builds(server_name_extension, st.binary(max_size=8), st.binary(max_size=8)),
        st.builds(alpn, st.sampled_from([b"h2", b"http/1.1", b"\x1a\x1a", b""])),
        st.lists(st.sampled_from([GREASE[0], 0x0304, 0x0303, 0x0301]), max_size=4).map(lambda found: versions(*found)),
        st.builds(extension, st.sampled_from([*GREASE, 5, 10, 21, 51, 0xFE0D]), st.binary(max_size=40)),
        st.builds(extension, st.sampled_from([0, 16, 43]), st.binary(max_size=12)),
        st.binary(max_size=3),
    )
    handshake = hello_message(
        *draw(st.lists(pieces, max_size=6)),
        version=draw(st.sampled_from([b"\x03\x03", b"\x03\x01", b"\x03\x04", b"\x02\x00"])),
        session_id=draw(st.binary(max_size=33)),
        cipher_suites=draw(st.binary(max_size=7)),
        compression_methods=draw(st.binary(max_size=2)),
    )
    stray = draw(st.binary(max_size=1))
    return in_records(handshake + stray, draw(st.lists(st.integers(1, 90), max_size=30)))
