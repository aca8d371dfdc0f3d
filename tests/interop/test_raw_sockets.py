"""Unusual but valid requests, which must be served."""

import socket

import pytest

from support.gate import Gate
from support.licensing_exchange import HOST, TARGET
from support.raw_client import CONNECT, Answer, ask, dial, open_tunnel, read_answer, read_to_end, secured
from support.standin import StandIn
from support.tls_memory import MemoryTlsClient, client_context

SERVED = {
    "curl": f"CONNECT {TARGET} HTTP/1.1\r\nHost: {TARGET}\r\nUser-Agent: x\r\nProxy-Connection: Keep-Alive\r\n\r\n",
    "Java, which leaves the port out of Host": f"CONNECT {TARGET} HTTP/1.1\r\nHost: tools.cisco.com\r\n\r\n",
    "Node, which names the proxy as Host": f"CONNECT {TARGET} HTTP/1.1\r\nHost: 127.0.0.1:3128\r\n\r\n",
    "HTTP/1.0": f"CONNECT {TARGET} HTTP/1.0\r\n\r\n",
    "HTTP/1.1 without Host": f"CONNECT {TARGET} HTTP/1.1\r\n\r\n",
    "lower-case field names": f"CONNECT {TARGET} HTTP/1.1\r\nhost: {TARGET}\r\nuser-agent: x\r\n\r\n",
    "fields without a space": f"CONNECT {TARGET} HTTP/1.1\r\nHost:{TARGET}\r\nAccept:\r\n\r\n",
    "a length of zero": f"CONNECT {TARGET} HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "a bare LF after the request line, as in Java's JSSE sample": f"CONNECT {TARGET} HTTP/1.1\nUser-Agent: x\r\n\r\n",
    "bare LFs only": f"CONNECT {TARGET} HTTP/1.1\nHost: {TARGET}\n\n",
    "an empty line first": f"\r\nCONNECT {TARGET} HTTP/1.1\r\n\r\n",
    "HTTP/1.2": f"CONNECT {TARGET} HTTP/1.2\r\n\r\n",
    "upper-case target": "CONNECT TOOLS.CISCO.COM:443 HTTP/1.1\r\n\r\n",
    "one final dot": "CONNECT tools.cisco.com.:443 HTTP/1.1\r\n\r\n",
    "credentials that were not requested": f"CONNECT {TARGET} HTTP/1.1\r\nProxy-Authorization: Basic eDp4\r\n\r\n",
}


@pytest.mark.parametrize("head", SERVED.values(), ids=SERVED.keys())
def test_an_unusual_head_is_served(gate: Gate, standin: StandIn, head: str) -> None:
    open_tunnel(gate, head.encode()).close()

    (record,) = gate.records(1)
    assert record["target"] == TARGET
    assert standin.accepted(1) == 1


def test_the_200_has_no_field_that_could_end_the_connection(gate: Gate) -> None:
    with dial(gate) as connection:
        connection.sendall(CONNECT)
        fields = read_answer(connection).fields

    assert not {name.lower() for name in fields} & {"content-length", "transfer-encoding", "connection"}


def test_a_head_in_two_segments_is_served(gate: Gate) -> None:
    with dial(gate) as connection:
        connection.sendall(CONNECT[:20])
        connection.sendall(CONNECT[20:])

        assert read_answer(connection).status == 200


def test_a_head_in_single_bytes_is_served(gate: Gate) -> None:
    with dial(gate) as connection:
        for byte in CONNECT:
            connection.send(bytes([byte]))

        assert read_answer(connection).status == 200


def test_a_hello_sent_with_the_head_is_relayed(gate: Gate) -> None:
    client = MemoryTlsClient(client_context(None), HOST)
    client.handshake()
    hello = client.take_ciphertext()
    with dial(gate) as connection:
        connection.sendall(CONNECT + hello)

        assert read_answer(connection).status == 200
        assert connection.recv(1) == b"\x16", "not the stand-in's ServerHello"

    (record,) = gate.records(1)
    assert record["server_name_check"] == "match"
    assert record["upstream_written"] == len(hello)


@pytest.mark.parametrize("line", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
@pytest.mark.parametrize("early", [False, True], ids=["after the 200", "with the head"])
def test_an_empty_line_before_the_hello_does_not_reach_the_target(gate: Gate, line: bytes, early: bool) -> None:
    with dial(gate) as connection:
        connection.sendall(CONNECT + line if early else CONNECT)
        assert read_answer(connection).status == 200
        if not early:
            connection.sendall(line)

        with secured(connection, HOST) as client:
            assert client.version() is not None

    (record,) = gate.records(1)
    assert record["server_name_check"] == "match"
    assert record["client_read"] == len(CONNECT + line) + record["upstream_written"]


def test_a_client_that_leaves_after_one_byte_is_recorded(gate: Gate) -> None:
    with dial(gate) as connection:
        connection.sendall(b"C")

    (record,) = gate.records(1)
    assert record["outcome"] == "client_left_in_head"


def test_a_tcp_health_check_leaves_no_record(gate: Gate) -> None:
    for _ in range(5):
        dial(gate).close()
    with dial(gate) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert read_to_end(connection) == b""
    gate.stop()

    assert gate.records() == []


LATE_BYTES = 1 << 20
REFUSED = b"CONNECT webex.example:443 HTTP/1.1\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        pytest.param(REFUSED + b"\r\n", (403, "target_not_allowed"), id="after the refused head"),
        pytest.param(REFUSED, (431, "head_too_large"), id="within the refused head"),
    ],
)
def test_a_client_that_sends_1_mib_more_still_reads_the_refusal(
    gate: Gate, request_bytes: bytes, expected: tuple[int, str]
) -> None:
    field = b"X-Filler: " + b"x" * 1012 + b"\r\n"
    flood = (request_bytes + field * (LATE_BYTES // len(field)))[:LATE_BYTES]

    answers: list[Answer] = [ask(gate, flood) for _ in range(30)]

    assert {(answer.status, answer.outcome) for answer in answers} == {expected}
    assert all(len(answer.body) == int(answer.fields["Content-Length"]) for answer in answers)
