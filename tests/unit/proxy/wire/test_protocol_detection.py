"""A client's protocol, detected by as few first bytes as possible, in any split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.proxy.wire.protocol_detection import ClientProtocol, detect_protocol
from support.client_hellos import RECORDED, RecordedHello

PROXY_V2 = b"\r\n\r\n\0\r\nQUIT\n"

TOLD: dict[str, tuple[bytes, ClientProtocol]] = {
    "CONNECT": (b"C", ClientProtocol.HTTP),
    "any other token": (b"!", ClientProtocol.HTTP),
    "a method that begins as PROXY does": (b"PO", ClientProtocol.HTTP),
    "a method that is PROXY": (b"PROXY /", ClientProtocol.HTTP),
    "a PROXY header of a family that there is not": (b"PROXY TCP5", ClientProtocol.HTTP),
    "a handshake record": (b"\x16\x03", ClientProtocol.TLS),
    "a handshake record of a version that there is not": (b"\x16\x04", ClientProtocol.UNKNOWN),
    "another TLS record": (b"\x17", ClientProtocol.UNKNOWN),
    "a hello of SSL 2": (b"\x80\x2e\x01", ClientProtocol.SSLV2),
    "a hello of SSL 2 in the long form of its length": (b"\xc0\x00\x01", ClientProtocol.SSLV2),
    "another message of SSL 2": (b"\x80\x2e\x04", ClientProtocol.UNKNOWN),
    "PROXY version 1, IPv4": (b"PROXY TCP4", ClientProtocol.PROXY),
    "PROXY version 1, IPv6": (b"PROXY TCP6", ClientProtocol.PROXY),
    "PROXY version 1, unknown": (b"PROXY UNKNOWN", ClientProtocol.PROXY),
    "PROXY version 2": (PROXY_V2, ClientProtocol.PROXY),
    "an empty line and CONNECT": (b"\r\nC", ClientProtocol.HTTP),
    "an empty line of a bare LF and CONNECT": (b"\nC", ClientProtocol.HTTP),
    "two empty lines and CONNECT": (b"\r\n\r\nC", ClientProtocol.HTTP),
    "two empty lines of bare LFs and CONNECT": (b"\n\nC", ClientProtocol.HTTP),
    "two mixed empty lines and CONNECT": (b"\r\n\nC", ClientProtocol.HTTP),
    "three empty lines": (b"\r\n\r\n\r\n", ClientProtocol.HTTP),
    "three empty lines of bare LFs": (b"\n\n\n", ClientProtocol.HTTP),
    "an empty line and TLS": (b"\r\n\x16", ClientProtocol.UNKNOWN),
    "an empty line and SSL 2": (b"\n\x80", ClientProtocol.UNKNOWN),
    "an empty line and a blank": (b"\n ", ClientProtocol.UNKNOWN),
    "two empty lines and a blank": (b"\r\n\r\n ", ClientProtocol.UNKNOWN),
    "a flawed signature of PROXY version 2": (b"\r\n\r\n\0\r\nX", ClientProtocol.UNKNOWN),
    "PROXY version 1 behind an empty line": (b"\r\nP", ClientProtocol.HTTP),
    "a bare CR": (b"\rC", ClientProtocol.UNKNOWN),
    "a bare CR behind an empty line": (b"\r\n\rC", ClientProtocol.UNKNOWN),
    "a blank": (b" ", ClientProtocol.UNKNOWN),
    "NUL": (b"\0", ClientProtocol.UNKNOWN),
    "a byte that no token has": (b"(", ClientProtocol.UNKNOWN),
}
"""The fewest bytes that show the protocol."""


@pytest.mark.parametrize(("received", "speaks"), TOLD.values(), ids=TOLD.keys())
def test_protocol_is_detected_at_the_first_byte_that_decides(received: bytes, speaks: ClientProtocol) -> None:
    assert {detect_protocol(received[:size]) for size in range(len(received))} == {ClientProtocol.UNDECIDED}
    assert detect_protocol(received) is speaks


@given(st.sampled_from(list(TOLD.values())), st.binary(max_size=40))
def test_later_bytes_do_not_change_the_detected_protocol(told: tuple[bytes, ClientProtocol], more: bytes) -> None:
    received, speaks = told

    assert detect_protocol(received + more) is speaks


@pytest.mark.parametrize("row", RECORDED.values(), ids=RECORDED.keys())
def test_a_real_client_of_tls_is_known_as_one(row: RecordedHello) -> None:
    assert detect_protocol(row.hello) is (ClientProtocol.SSLV2 if row.fault == "sslv2" else ClientProtocol.TLS)


@given(st.one_of(st.binary(max_size=20), st.sampled_from(list(TOLD.values())).map(lambda told: told[0] + b"more")))
def test_the_verdict_is_that_of_the_shortest_beginning_which_allows_one(received: bytes) -> None:
    verdicts = [detect_protocol(received[:size]) for size in range(len(received) + 1)]

    decided = [verdict for verdict in verdicts if verdict is not ClientProtocol.UNDECIDED]
    assert verdicts[: len(verdicts) - len(decided)] == [ClientProtocol.UNDECIDED] * (len(verdicts) - len(decided))
    assert len(set(decided)) <= 1
    assert decided or len(received) < len(b"PROXY UNKNOWN"), "so much is always enough"
