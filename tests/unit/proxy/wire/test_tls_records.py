"""Alerts that clients understand, and record shapes of real and made-up streams in any split."""

import contextlib
import itertools
import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.proxy.wire.tls_records import MOST_RECORDS, RecordShape, fatal_alert
from licensegate.records.alert import Alert
from support.authority import Authority

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT = range(20, 25)
NAME = "tools.cisco.com"


def record(kind: int, payload: bytes, version: bytes = b"\x03\x03") -> bytes:
    return bytes((kind,)) + version + len(payload).to_bytes(2, "big") + payload


def shape(*pieces: bytes) -> RecordShape:
    """The record shapes of a stream in these pieces."""
    seen = RecordShape()
    for piece in pieces:
        seen.see(piece)
    return seen


def alert(description: int, level: int = 2) -> bytes:
    return record(ALERT, bytes((level, description)))


# Alerts


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (Alert.HANDSHAKE_FAILURE, "SSLV3_ALERT_HANDSHAKE_FAILURE"),
        (Alert.ACCESS_DENIED, "TLSV1_ALERT_ACCESS_DENIED"),
        (Alert.DECODE_ERROR, "TLSV1_ALERT_DECODE_ERROR"),
        (Alert.PROTOCOL_VERSION, "TLSV1_ALERT_PROTOCOL_VERSION"),
        (Alert.INTERNAL_ERROR, "TLSV1_ALERT_INTERNAL_ERROR"),
        (Alert.UNRECOGNIZED_NAME, "TLSV1_UNRECOGNIZED_NAME"),
    ],
)
def test_a_client_understands_a_fatal_alert_in_answer_to_its_hello(sent: Alert, reason: str) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=NAME)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    incoming.write(fatal_alert(sent))
    with pytest.raises(ssl.SSLError) as caught:
        client.do_handshake()
    assert caught.value.reason == reason


def test_an_alert_of_ours_is_seen_as_one() -> None:
    seen = shape(fatal_alert(Alert.UNRECOGNIZED_NAME))
    assert (seen.records, seen.alert) == ([(ALERT, 2)], Alert.UNRECOGNIZED_NAME)


# Real handshakes


def handshake(authority: Authority, version: ssl.TLSVersion, *, trusted: bool) -> tuple[RecordShape, RecordShape]:
    """OpenSSL's records in a handshake with itself: the client's after its hello, and the server's."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf = authority.issue(NAME)
    server_context.load_cert_chain(leaf.chain, leaf.key)
    server_context.maximum_version = version
    client_context = ssl.create_default_context(cafile=authority.root if trusted else None)
    client_hears, client_says, server_hears, server_says = (ssl.MemoryBIO() for _ in range(4))
    client = client_context.wrap_bio(client_hears, client_says, server_hostname=NAME)
    server = server_context.wrap_bio(server_hears, server_says, server_side=True)
    of_client, of_server = RecordShape(), RecordShape()
    go_on(client)
    server_hears.write(client_says.read())
    for _ in range(2):
        go_on(server)
        of_server.see(said := server_says.read())
        client_hears.write(said)
        go_on(client)
        of_client.see(said := client_says.read())
        server_hears.write(said)
    return of_client, of_server


def go_on(side: ssl.SSLObject) -> None:
    with contextlib.suppress(ssl.SSLError):
        side.do_handshake()


@pytest.mark.parametrize(
    ("version", "finished"),
    [
        pytest.param(ssl.TLSVersion.TLSv1_3, [(CHANGE_CIPHER_SPEC, 1), (APPLICATION_DATA, 69)], id="1.3"),
        pytest.param(ssl.TLSVersion.TLSv1_2, [(HANDSHAKE, 37), (CHANGE_CIPHER_SPEC, 1), (HANDSHAKE, 40)], id="1.2"),
    ],
)
def test_a_finished_handshake_differs_from_a_refused_certificate(
    tmp_path: Path, version: ssl.TLSVersion, finished: list[tuple[int, int]]
) -> None:
    authority = Authority(tmp_path)
    of_client, of_server = handshake(authority, version, trusted=True)
    assert (of_client.records, of_client.alert) == (finished, None)
    assert (of_server.records[0][0], of_server.alert) == (HANDSHAKE, None)
    of_client, _ = handshake(authority, version, trusted=False)
    assert (of_client.records, of_client.alert) == ([(ALERT, 2)], Alert.UNKNOWN_CA)


# Made up streams

SHAPES = {
    "nothing": (b"", [], None),
    "a record of each type": (
        b"".join(record(kind, bytes(kind)) for kind in range(20, 25)),
        [(kind, kind) for kind in range(20, 25)],
        None,
    ),
    "an empty record": (record(APPLICATION_DATA, b""), [(APPLICATION_DATA, 0)], None),
    "an empty record and the start of another": (
        record(APPLICATION_DATA, b"") + record(HANDSHAKE, b"xy")[:1],
        [(APPLICATION_DATA, 0)],
        None,
    ),
    "empty records": (record(APPLICATION_DATA, b"") * 3, [(APPLICATION_DATA, 0)] * 3, None),
    "the largest record": (record(APPLICATION_DATA, bytes(18432)), [(APPLICATION_DATA, 18432)], None),
    "a record that has only begun": (record(APPLICATION_DATA, bytes(9))[:6], [(APPLICATION_DATA, 9)], None),
    "a record of TLS 1.0": (record(HANDSHAKE, b"x", b"\x03\x01"), [(HANDSHAKE, 1)], None),
    "half a header": (record(HANDSHAKE, b"x")[:4], [], None),
    "half an alert": (alert(40)[:6], [], None),
    "an alert": (alert(40), [(ALERT, 2)], 40),
    "an alert that no table has": (alert(200), [(ALERT, 2)], 200),
    "a warning that ends nothing": (alert(112, level=1), [(ALERT, 2)], None),
    "a warning and an alert": (alert(112, level=1) + alert(40), [(ALERT, 2)] * 2, 40),
    "an alert and a close_notify": (alert(90, level=1) + alert(0, level=1), [(ALERT, 2)] * 2, 90),
    "a close_notify alone": (alert(0, level=1), [(ALERT, 2)], 0),
    "an encrypted alert": (record(ALERT, bytes(26)), [(ALERT, 26)], None),
    "an alert as the last record noted": (
        record(HANDSHAKE, b"x") * 15 + alert(40),
        [(HANDSHAKE, 1)] * 15 + [(ALERT, 2)],
        40,
    ),
    "an alert after enough records": (record(HANDSHAKE, b"x") * 16 + alert(40), [(HANDSHAKE, 1)] * 16, None),
    "SSH": (b"SSH-2.0-OpenSSH_9.2\r\n", [], None),
    "an unknown type": (record(HANDSHAKE, b"x") + record(25, b"x"), [(HANDSHAKE, 1)], None),
    "another major version": (record(HANDSHAKE, b"x") + b"\x16\x02\x00\x00\x01x", [(HANDSHAKE, 1)], None),
    "a record that is too large": (b"\x17\x03\x03\x48\x01", [], None),
}


@pytest.mark.parametrize(("stream", "records", "description"), SHAPES.values(), ids=SHAPES.keys())
def test_record_shapes_do_not_depend_on_how_the_stream_is_split(
    stream: bytes, records: list[tuple[int, int]], description: int | None
) -> None:
    whole, in_bytes = shape(stream), shape(*(bytes((byte,)) for byte in stream))
    assert (whole.records, whole.alert) == (records, description)
    assert (in_bytes.records, in_bytes.alert) == (records, description)


@pytest.mark.parametrize(
    ("stream", "wanted"),
    [
        pytest.param(record(HANDSHAKE, b"x") * (MOST_RECORDS - 1), True, id="one record too few"),
        pytest.param(record(HANDSHAKE, b"x") * (MOST_RECORDS - 1) + alert(40)[:6], True, id="a last alert's beginning"),
        pytest.param(record(HANDSHAKE, b"x") * (MOST_RECORDS - 1) + b"\x17\x03\x03\x40\0", False, id="a last header"),
        pytest.param(b"S", False, id="a byte that is not TLS"),
        pytest.param(b"\x16", True, id="a byte that may be TLS"),
        pytest.param(b"\x16\x02", False, id="another major version"),
        pytest.param(b"\x17\x03\x03\x48\x01", False, id="a record that is too large"),
        pytest.param(b"", True, id="nothing"),
    ],
)
def test_records_are_read_until_enough_was_seen_or_it_is_not_tls(stream: bytes, wanted: bool) -> None:
    assert RecordShape().see(stream) is wanted


@st.composite
def pieces(draw: st.DrawFn) -> list[bytes]:
    """A stream of records, perhaps with other bytes, in pieces."""
    made = st.builds(record, st.integers(20, 24), st.binary(max_size=30))
    stream = b"".join(draw(st.lists(st.one_of(made, st.builds(alert, st.integers(0, 255)), st.binary(max_size=4)))))
    ends = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    return [stream[start:end] for start, end in itertools.pairwise([0, *ends, len(stream)])]


@given(pieces())
def test_the_shape_depends_on_the_bytes_and_not_on_their_pieces(pieces: list[bytes]) -> None:
    seen, wanted = RecordShape(), True
    for number, piece in enumerate(pieces, 1):
        wanted = seen.see(memoryview(piece)) and wanted
        whole = RecordShape()
        assert whole.see(b"".join(pieces[:number])) is wanted
        assert (seen.records, seen.alert) == (whole.records, whole.alert)


@pytest.mark.parametrize("cut", range(1, 14))
def test_a_record_behind_an_empty_one_is_noted_in_any_split(cut: int) -> None:
    stream = record(APPLICATION_DATA, b"") + record(HANDSHAKE, b"xyz") + record(APPLICATION_DATA, b"z")
    assert shape(stream[:cut], stream[cut:]).records == [(APPLICATION_DATA, 0), (HANDSHAKE, 3), (APPLICATION_DATA, 1)]


def test_no_view_of_the_bytes_that_passed_is_kept() -> None:
    buffer = bytearray(record(HANDSHAKE, bytes(100)) + alert(40)[:6])
    seen = RecordShape()
    with memoryview(buffer) as view:
        assert seen.see(view[:3])
        assert seen.see(view[3:])
    buffer.clear()  # refused while a view of it is left


def test_a_warning_about_the_server_name_ends_nothing() -> None:
    assert shape(alert(Alert.UNRECOGNIZED_NAME, level=1)).alert is None
    assert shape(alert(Alert.UNRECOGNIZED_NAME, level=2)).alert == Alert.UNRECOGNIZED_NAME
