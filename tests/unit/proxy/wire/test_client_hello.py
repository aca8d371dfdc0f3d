"""ClientHellos that are read, bytes that are refused, and both in any split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.allowlist.target import TargetError, parse_authority
from licensegate.proxy.wire.client_hello import ClientHello, HelloError, HelloFault, HelloReader, read_client_hello
from support.client_hellos import (
    ALPN,
    ENCRYPTED_CLIENT_HELLO,
    GREASE,
    INVALID_SERVER_NAMES,
    RECORDED,
    SUPPORTED_VERSIONS,
    RecordedHello,
    alpn,
    any_hello,
    extension,
    hello_message,
    in_records,
    join_records,
    server_name_extension,
    vector,
    versions,
)

LIMIT = 65536
NAME = "tools.cisco.com"
NAMED = server_name_extension(NAME.encode())
LONGEST = ".".join(["a" * 63] * 3 + ["b" * 61])
HELLO = in_records(hello_message(NAMED))

GOOD = [row for row in RECORDED.values() if not row.fault]
SHORT = [row for row in GOOD if len(row.hello) < 3000]


def verdict(received: bytes, limit: int = LIMIT) -> ClientHello | tuple[HelloFault, str] | None:
    try:
        return read_client_hello(received, limit)
    except HelloError as error:
        return error.fault, str(error)


def fault(received: bytes, limit: int = LIMIT) -> HelloFault:
    with pytest.raises(HelloError) as caught:
        read_client_hello(received, limit)
    return caught.value.fault


def recorded(rows: list[RecordedHello]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


# Real clients


def random_of(hello: bytes) -> bytes:
    """The random of a hello in one record: behind record header, message header and version."""
    return hello[11:43]


@recorded(GOOD)
def test_a_recorded_hello_is_read_as_its_client_was_configured(row: RecordedHello) -> None:
    expected = ClientHello(row.server_name, row.alpn, row.max_version, row.ech, len(row.hello), random_of(row.hello))
    assert read_client_hello(row.hello, LIMIT) == expected
    assert read_client_hello(row.hello + b"\x17\x03\x03\x00\x01x", LIMIT) == expected


@recorded(SHORT)
def test_a_real_client_is_not_understood_before_its_last_byte(row: RecordedHello) -> None:
    assert {read_client_hello(row.hello[:end], LIMIT) for end in range(len(row.hello))} == {None}


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 16, 100, 255, 512, 16384])
@recorded(SHORT)
def test_a_real_client_is_understood_in_records_of_any_size(row: RecordedHello, size: int) -> None:
    handshake = join_records(row.hello)
    cut = in_records(handshake, [size] * len(handshake))
    expected = ClientHello(row.server_name, row.alpn, row.max_version, row.ech, len(cut), random_of(row.hello))
    assert read_client_hello(cut, LIMIT) == expected


def test_an_ssl_2_hello_is_recognised_by_its_third_byte() -> None:
    hello = RECORDED["java-11-ssl-2"].hello
    assert [verdict(hello[:2]), fault(hello[:3]), fault(hello)] == [None, HelloFault.SSLV2, HelloFault.SSLV2]


# Built hellos


READ = {
    "nothing but a name": (hello_message(NAMED), NAME, (), "1.2"),
    "no extension at all": (b"\x01" + vector(hello_message()[4:-2], 3), "", (), "1.2"),
    "an empty list of extensions": (hello_message(), "", (), "1.2"),
    "a name in capitals, with its dot": (hello_message(server_name_extension(b"TOOLS.Cisco.Com.")), NAME, (), "1.2"),
    "a name of 253": (hello_message(server_name_extension(LONGEST.encode())), LONGEST, (), "1.2"),
    "a name of 253 and its dot": (hello_message(server_name_extension(LONGEST.encode() + b".")), LONGEST, (), "1.2"),
    "an IPv4 address with a dot": (hello_message(server_name_extension(b"192.0.2.1.")), "192.0.2.1", (), "1.2"),
    "an IPv6 address in full": (hello_message(server_name_extension(b"2001:DB8:0::0:1")), "2001:db8::1", (), "1.2"),
    "an IPv4-mapped address": (hello_message(server_name_extension(b"::FFFF:192.0.2.1")), "192.0.2.1", (), "1.2"),
    "an underscore": (hello_message(server_name_extension(b"_a.b-c.example")), "_a.b-c.example", (), "1.2"),
    "an IPv4 address": (hello_message(server_name_extension(b"192.0.2.1")), "192.0.2.1", (), "1.2"),
    "an IPv6 address": (hello_message(server_name_extension(b"2001:DB8::1")), "2001:db8::1", (), "1.2"),
    "a session id of 32": (hello_message(NAMED, session_id=bytes(32)), NAME, (), "1.2"),
    "GREASE in every place": (
        hello_message(
            extension(GREASE[0], b""),
            NAMED,
            alpn(b"\x0a\x0a", b"h2"),
            versions(GREASE[3], 0x0304, 0x0303),
            extension(GREASE[1], b"\0"),
            cipher_suites=b"\x8a\x8a\x13\x01",
        ),
        NAME,
        (r"\n\n", "h2"),
        "1.3",
    ),
    "a protocol name outside ASCII": (hello_message(alpn(b"\xff\r\n", b"h2")), "", (r"\xff\r\n", "h2"), "1.2"),
    "more and longer protocol names than are shown": (
        hello_message(alpn(*[b"p" * 99] * 99)),
        "",
        ("p" * 32,) * 8,
        "1.2",
    ),
    "versions in rising order": (hello_message(versions(0x0301, 0x0302, 0x0303, 0x0304)), "", (), "1.3"),
    "a list of versions that says less than the old field": (hello_message(versions(0x0302)), "", (), "1.1"),
    "a draft beside 1.2": (hello_message(versions(0x7F1C, 0x0303)), "", (), "1.2"),
    "GREASE and nothing else for versions": (hello_message(versions(*GREASE)), "", (), ""),
    "SSL 3": (hello_message(version=b"\x03\x00"), "", (), "ssl3"),
    "1.3 in the old field, where it means 1.2": (hello_message(version=b"\x03\x04"), "", (), "1.2"),
    "a version from before SSL 3": (hello_message(version=b"\x00\x02"), "", (), ""),
    "a large key share": (hello_message(extension(51, bytes(40_000)), NAMED), NAME, (), "1.2"),
}


@pytest.mark.parametrize(("handshake", "name", "protocols", "version"), READ.values(), ids=READ.keys())
def test_a_hello_is_read(handshake: bytes, name: str, protocols: tuple[str, ...], version: str) -> None:
    hello = in_records(handshake)
    assert read_client_hello(hello, LIMIT) == ClientHello(name, protocols, version, False, len(hello), bytes(32))


def test_an_encrypted_hello_is_noted_and_its_outer_name_read() -> None:
    hello = in_records(
        hello_message(extension(ENCRYPTED_CLIENT_HELLO, b"\0" + bytes(200)), server_name_extension(b"public.example"))
    )
    assert read_client_hello(hello, LIMIT) == ClientHello("public.example", (), "1.2", True, len(hello), bytes(32))


@pytest.mark.parametrize("extensions", INVALID_SERVER_NAMES.values(), ids=INVALID_SERVER_NAMES.keys())
def test_an_invalid_server_name_is_malformed(extensions: bytes) -> None:
    assert fault(in_records(hello_message(extensions))) is HelloFault.MALFORMED


MALFORMED = {
    "a message that is no ClientHello": b"\x16\x03\x01\x00\x04\x02",
    "a record that is empty": b"\x16\x03\x01\x00\x00",
    "a record that is too large": b"\x16\x03\x01\x40\x01",
    "an empty record in between": HELLO[:5] + b"\x16\x03\x01\x00\x00",
    "an alert in between": in_records(hello_message(NAMED), [40])[:45] + b"\x15",
    "application data in between": in_records(hello_message(NAMED), [1])[:6] + b"\x17\x03\x03\x00\x01x",
    "another major version in between": in_records(hello_message(NAMED), [1])[:6] + b"\x16\x02",
    "a byte after the hello in its record": in_records(hello_message(NAMED) + b"\x01")[:9],
    "a body of nothing": in_records(b"\x01\0\0\0"),
    "a body that ends in the random": in_records(b"\x01" + vector(b"\x03\x03" + bytes(20), 3)),
    "a session id of 33": in_records(hello_message(session_id=bytes(33))),
    "no cipher suite": in_records(hello_message(cipher_suites=b"")),
    "half a cipher suite": in_records(hello_message(cipher_suites=b"\x13\x01\x13")),
    "no compression method": in_records(hello_message(compression_methods=b"")),
    "half a length of the extensions": in_records(b"\x01" + vector(hello_message()[4:-1], 3)),
    "a byte after the extensions": in_records(b"\x01" + vector(hello_message()[4:] + b"\0", 3)),
    "extensions that are cut short": in_records(b"\x01" + vector(hello_message(NAMED)[4:-1], 3)),
    "half an extension's header": in_records(hello_message(b"\x00\x17\x00")),
    "an extension longer than all of them": in_records(hello_message(b"\x00\x17\x00\x01")),
    "two ALPN": in_records(hello_message(alpn(b"h2"), alpn(b"h2"))),
    "an ALPN of nothing": in_records(hello_message(alpn())),
    "an empty ALPN": in_records(hello_message(extension(ALPN, b""))),
    "a protocol without a name": in_records(hello_message(alpn(b"h2", b""))),
    "a protocol longer than the ALPN": in_records(hello_message(extension(ALPN, vector(b"\x03h2")))),
    "an ALPN of another length": in_records(hello_message(extension(ALPN, b"\0\x04\x02h2"))),
    "two lists of versions": in_records(hello_message(versions(0x0304), versions(0x0304))),
    "no version": in_records(hello_message(versions())),
    "half a version": in_records(hello_message(extension(SUPPORTED_VERSIONS, vector(b"\x03\x04\x03", 1)))),
    "a list of versions of another length": in_records(
        hello_message(extension(SUPPORTED_VERSIONS, b"\x02\x03\x04\x03\x03"))
    ),
    "an empty extension for versions": in_records(hello_message(extension(SUPPORTED_VERSIONS, b""))),
}


@pytest.mark.parametrize("received", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_hello_that_is_broken_is_malformed(received: bytes) -> None:
    assert fault(received) is HelloFault.MALFORMED


NOT_TLS = {
    "HTTP": b"G",
    "SSH": b"S",
    "an alert": b"\x15",
    "application data": b"\x17\x03\x03\x00\x01x",
    "NUL": b"\0",
    "a handshake of another major version": b"\x16\x02",
    "the high bit and no SSL 2": b"\x80\x01\x02",
}


@pytest.mark.parametrize("received", NOT_TLS.values(), ids=NOT_TLS.keys())
def test_bytes_that_do_not_start_as_tls_are_detected_at_once(received: bytes) -> None:
    assert fault(received) is HelloFault.NOT_TLS


def test_nothing_is_not_yet_a_fault() -> None:
    assert read_client_hello(b"", LIMIT) is None


# Limits


@pytest.mark.parametrize("sizes", [[], [100], [1] * 400], ids=["one record", "two records", "records of one byte"])
def test_a_hello_may_be_exactly_as_large_as_the_limit(sizes: list[int]) -> None:
    hello = in_records(hello_message(NAMED, extension(21, bytes(200))), sizes)
    assert read_client_hello(hello, len(hello)) == ClientHello(NAME, (), "1.2", False, len(hello), bytes(32))
    assert fault(hello, len(hello) - 1) is HelloFault.TOO_LARGE


@pytest.mark.parametrize(
    ("beginning", "limit"),
    [
        pytest.param(b"\x16\x03\x01\x40\x00", 16388, id="the first record is larger"),
        pytest.param(b"\x16\x03\x01\x00\xff\x01\x01\x00\x00", LIMIT, id="the message is larger"),
        pytest.param(
            b"\x16\x03\x01\x40\x00\x01\x00\xff\xf0", LIMIT, id="the message is larger with its records' headers"
        ),
        pytest.param(b"\x16\x03\x01\x00\x01\x01\x16\x03\x01\x00\x05", 15, id="the second record is larger"),
    ],
)
def test_a_message_over_the_limit_is_refused_at_its_length_field(beginning: bytes, limit: int) -> None:
    assert verdict(beginning[:-1], limit) is None
    assert fault(beginning, limit) is HelloFault.TOO_LARGE


# Split input


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """A client's input: a hello, perhaps with a wrong byte, and perhaps with more after it."""
    stream = bytearray(draw(st.one_of(any_hello(), st.sampled_from([row.hello for row in SHORT]))))
    if draw(st.booleans()):
        stream[draw(st.integers(0, len(stream) - 1))] = draw(st.sampled_from([0, 1, 2, 3, 22, 255]))
    return bytes(stream) + draw(st.binary(max_size=8))


@given(stream=st.one_of(streams(), st.binary(max_size=20)), limit=st.sampled_from([60, 200, 800, LIMIT]))
def test_a_verdict_is_that_of_the_shortest_beginning_which_allows_one(stream: bytes, limit: int) -> None:
    verdicts = [verdict(stream[:end], limit) for end in range(len(stream) + 1)]
    assert set(verdicts) <= {None, verdicts[-1]}
    assert verdicts == sorted(verdicts, key=lambda found: found is not None)


@given(stream=streams(), data=st.data())
def test_a_reader_that_is_shown_more_and_more_says_the_same(stream: bytes, data: st.DataObject) -> None:
    ends = data.draw(st.lists(st.integers(0, len(stream)), max_size=20).map(sorted))
    reader = HelloReader(LIMIT)
    found: ClientHello | tuple[HelloFault, str] | None = None
    for end in [*ends, len(stream)]:
        try:
            found = reader.read(stream[:end])
        except HelloError as error:
            found = error.fault, str(error)
        assert found == verdict(stream[:end])
        if found is not None:
            break


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(lambda rest: HELLO[:9] + rest)))
def test_no_bytes_raise_anything_but_the_declared_error(received: bytes) -> None:
    found = verdict(received)
    assert found is None or isinstance(found, (ClientHello, tuple))


@given(streams())
def test_text_from_strangers_is_short_and_safe(stream: bytes) -> None:
    match verdict(stream):
        case ClientHello(server_name=name, alpn=protocols):
            words = [name, *protocols]
        case None:
            words = []
        case _, phrase:
            words = [phrase]
    assert all(word.isascii() and (not word or word.isprintable()) and len(word) <= 255 for word in words)


# The rule for a name is that of a CONNECT

NAMES = (
    f"tools.cisco.com TOOLS.Cisco.com. tools.cisco.com.. . .. .a a..b -a.b a-.b _a.b xn--bcher-kva.example {LONGEST} "
    f"{LONGEST}. {LONGEST}.. c{LONGEST} {'a' * 63}.b {'a' * 64}.b 0x7f.1 1.2.3 127.1 192.0.2.1. 2130706433 2001:DB8::1 "
    "::ffff:192.0.2.1 fe80::1%eth0 a:b a:443"
).split()


@given(st.text("aB0-_.:x", min_size=1, max_size=12) | st.sampled_from(NAMES))
def test_a_server_name_and_a_connect_follow_one_rule(spelling: str) -> None:
    asked = f"[{spelling}]:443" if ":" in spelling else f"{spelling}:443"
    try:
        expected = parse_authority(asked.encode()).host
    except TargetError:
        expected = None

    assert read_name(spelling) == expected


def read_name(spelling: str) -> str | None:
    """The server name of a hello that spells it so, or None if it is refused."""
    try:
        read = read_client_hello(in_records(hello_message(server_name_extension(spelling.encode()))), LIMIT)
    except HelloError:
        return None
    assert read is not None
    return read.server_name


@pytest.mark.parametrize("row", SHORT, ids=[row.name for row in SHORT])
def test_an_incomplete_hello_says_how_long_it_is(row: RecordedHello) -> None:
    reader = HelloReader(LIMIT)
    for size in range(1, len(row.hello)):
        assert reader.read(row.hello[:size]) is None
        assert reader.announced_size(row.hello[:size]) == (len(row.hello) if size >= 5 else 0)


@pytest.mark.parametrize("size", range(1, len(in_records(hello_message(NAMED), [2, 30]))))
def test_a_hello_in_records_says_how_long_it_is_but_for_their_headers(size: int) -> None:
    """How the rest is divided into records is not known before they come."""
    reader, cut = HelloReader(LIMIT), in_records(hello_message(NAMED), [2, 30])
    assert reader.read(cut[:size]) is None
    announced = reader.announced_size(cut[:size])
    assert announced <= len(cut)
    if size >= 14:  # the first four bytes of the message have come
        assert announced >= len(cut) - 5
