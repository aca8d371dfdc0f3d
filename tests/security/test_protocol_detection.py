"""First bytes of protocols that the gate does not serve, and bare TLS for targets that are not allowed."""

from typing import Any

import pytest

from support.attacks import NOT_HTTP, OTHER_FIRST_LINES, assert_nothing_dialled
from support.client_hellos import INVALID_SERVER_NAMES, hello_message, in_records, server_name_extension
from support.gate import Gate
from support.raw_client import CONNECT, dial, read_to_break
from support.standin import StandIn

UNRECOGNIZED_NAME, DECODE_ERROR = 112, 50


def send_without_http(gate: Gate, sent: bytes) -> tuple[bytes, dict[str, Any]]:
    """Send bytes that get no HTTP answer. Returns the gate's bytes and the record."""
    before = len(gate.records())
    with dial(gate) as client:
        client.sendall(sent)
        received = read_to_break(client)
    return received, gate.records(before + 1)[-1]


NOT_SERVED = {name: (sent, "neither_http_nor_tls") for name, sent in (NOT_HTTP | OTHER_FIRST_LINES).items()} | {
    "SSL 2": (b"\x80\x2e\x01\x00\x02" + bytes(43), "sslv2_hello"),
    "a PROXY header of version 1": (b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n" + CONNECT, "proxy_header_not_allowed"),
    "a PROXY header of version 2": (
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\1\x7f\0\0\1\0\1\0\2" + CONNECT,
        "proxy_header_not_allowed",
    ),
    "a PROXY header without an address": (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0" + CONNECT, "proxy_header_not_allowed"),
}


@pytest.mark.parametrize(("sent", "outcome"), NOT_SERVED.values(), ids=NOT_SERVED.keys())
def test_an_unserved_protocol_is_closed_without_an_answer(
    gate: Gate, standin: StandIn, sent: bytes, outcome: str
) -> None:
    received, record = send_without_http(gate, sent)
    assert received == b""
    assert record["outcome"] == outcome
    assert_nothing_dialled(record, standin)


def hello(name: bytes) -> bytes:
    return in_records(hello_message(server_name_extension(name)))


HELLOS = {
    "another host": (hello(b"evil.example"), "server_name_not_allowed", UNRECOGNIZED_NAME),
    "a suffix of another name": (hello(b"eviltools.cisco.com"), "server_name_not_allowed", UNRECOGNIZED_NAME),
    "a prefix of another name": (hello(b"tools.cisco.com.evil.example"), "server_name_not_allowed", UNRECOGNIZED_NAME),
    "a look-alike in punycode": (hello(b"xn--tls-jbca.cisco.com"), "server_name_not_allowed", UNRECOGNIZED_NAME),
    "a host of a preset that is not enabled": (
        hello(b"smartreceiver.cisco.com"),
        "target_in_preset",
        UNRECOGNIZED_NAME,
    ),
    "an IPv4 address": (hello(b"72.163.4.38"), "target_is_address", UNRECOGNIZED_NAME),
    "IPv4 in hexadecimal": (hello(b"0x7f.1"), "hello_malformed", DECODE_ERROR),
    "a port behind the name": (hello(b"tools.cisco.com:22"), "hello_malformed", DECODE_ERROR),
    "an empty label": (hello(b"tools..cisco.com"), "hello_malformed", DECODE_ERROR),
    "another message first": (b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", "hello_malformed", DECODE_ERROR),
    "a record over 16 KB": (b"\x16\x03\x01\xff\xff\x01", "hello_malformed", DECODE_ERROR),
    "a message over the limit": (b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\x03", "hello_malformed", DECODE_ERROR),
} | {
    f"an invalid name: {name}": (in_records(hello_message(data)), "hello_malformed", DECODE_ERROR)
    for name, data in INVALID_SERVER_NAMES.items()
}


@pytest.mark.parametrize(("sent", "outcome", "alert"), HELLOS.values(), ids=HELLOS.keys())
def test_bare_tls_for_a_target_not_allowed_is_refused_by_an_alert(
    gate: Gate, standin: StandIn, sent: bytes, outcome: str, alert: int
) -> None:
    received, record = send_without_http(gate, sent)
    assert received == bytes((21, 3, 3, 0, 2, 2, alert))
    assert (record["outcome"], record["protocol"]) == (outcome, "tls")
    assert_nothing_dialled(record, standin)
