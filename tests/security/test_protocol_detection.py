"""What a client may say first: what no listener serves, and TLS for a target by which another might slip through."""

from typing import Any

import pytest

from support.attacks import NO_METHODS, assert_nothing_dialled
from support.gate import Gate
from support.hellos import NO_NAMES, in_records, message, server_name
from support.raw_client import CONNECT, dial, read_to_break
from support.standin import StandIn

UNRECOGNIZED_NAME, DECODE_ERROR = 112, 50


def met_in_silence(gate: Gate, sent: bytes) -> tuple[bytes, dict[str, Any]]:
    """What a client heard that is not answered by HTTP, and its record."""
    before = len(gate.records())
    with dial(gate) as client:
        client.sendall(sent)
        heard = read_to_break(client)
    return heard, gate.records(before + 1)[-1]


UNSERVED = {name: (sent, "neither_http_nor_tls") for name, sent in NO_METHODS.items()} | {
    "SSL 2": (b"\x80\x2e\x01\x00\x02" + bytes(43), "sslv2_hello"),
    "a balancer's header, version 1": (b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n" + CONNECT, "proxy_header_not_allowed"),
    "a balancer's header, version 2": (
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\1\x7f\0\0\1\0\1\0\2" + CONNECT,
        "proxy_header_not_allowed",
    ),
    "a balancer's header without an address": (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0" + CONNECT, "proxy_header_not_allowed"),
}


@pytest.mark.parametrize(("sent", "outcome"), UNSERVED.values(), ids=UNSERVED.keys())
def test_what_no_listener_serves_is_closed_without_a_word(
    gate: Gate, standin: StandIn, sent: bytes, outcome: str
) -> None:
    heard, record = met_in_silence(gate, sent)
    assert heard == b""
    assert record["outcome"] == outcome
    assert_nothing_dialled(record, standin)


def named(name: bytes) -> bytes:
    return in_records(message(server_name(name)))


HELLOS = {
    "another host": (named(b"evil.example"), "server_name_not_allowed", UNRECOGNIZED_NAME),
    "a suffix of another name": (named(b"eviltools.cisco.com"), "server_name_not_allowed", UNRECOGNIZED_NAME),
    "a prefix of another name": (named(b"tools.cisco.com.evil.example"), "server_name_not_allowed", UNRECOGNIZED_NAME),
    "a look-alike in punycode": (named(b"xn--tls-jbca.cisco.com"), "server_name_not_allowed", UNRECOGNIZED_NAME),
    "a host that a preset would allow": (named(b"smartreceiver.cisco.com"), "target_in_preset", UNRECOGNIZED_NAME),
    "an IPv4 address": (named(b"72.163.4.38"), "target_is_address", UNRECOGNIZED_NAME),
    "IPv4 in hexadecimal": (named(b"0x7f.1"), "hello_malformed", DECODE_ERROR),
    "a port behind the name": (named(b"tools.cisco.com:22"), "hello_malformed", DECODE_ERROR),
    "an empty label": (named(b"tools..cisco.com"), "hello_malformed", DECODE_ERROR),
    "another message first": (b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", "hello_malformed", DECODE_ERROR),
    "a record over 16 KB": (b"\x16\x03\x01\xff\xff\x01", "hello_malformed", DECODE_ERROR),
    "a message over the limit": (b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\x03", "hello_malformed", DECODE_ERROR),
} | {
    f"a name that is none: {name}": (in_records(message(data)), "hello_malformed", DECODE_ERROR)
    for name, data in NO_NAMES.items()
}


@pytest.mark.parametrize(("sent", "outcome", "alert"), HELLOS.values(), ids=HELLOS.keys())
def test_a_target_that_is_asked_for_by_tls_alone_is_judged_as_strictly(
    gate: Gate, standin: StandIn, sent: bytes, outcome: str, alert: int
) -> None:
    heard, record = met_in_silence(gate, sent)
    assert heard == bytes((21, 3, 3, 0, 2, 2, alert))
    assert (record["outcome"], record["protocol"]) == (outcome, "tls")
    assert_nothing_dialled(record, standin)
