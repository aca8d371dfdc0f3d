"""Clients that may not use the gate, and clients that only mean to keep it busy."""

import select
from pathlib import Path

import pytest

from support.exchange import HOST, TARGET
from support.gate import Gate, lab
from support.hellos import in_records, message, server_name
from support.raw_client import CONNECT, ask, dial, read_answer, read_to_break
from support.standin import StandIn
from support.tls import MemoryClient, trusting

ACCESS_DENIED = 49

REQUESTS = {
    "an allowed target": CONNECT,
    "a denied target": b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n",
    "another method": b"GET / HTTP/1.1\r\n\r\n",
    "a malformed head": b"CONNECT tools.cisco.com:443\n\n",
    "one byte": b"C",
}
HELLOS = {
    "an allowed target": in_records(message(server_name(HOST.encode()))),
    "a denied target": in_records(message(server_name(b"evil.example"))),
    "the gate itself": in_records(message()),
    "no more than a beginning": b"\x16\x03\x01",
}
OTHERS = {
    "SOCKS": b"\x05\x01\x00",
    "SSL 2": b"\x80\x2e\x01\x00\x02" + bytes(43),
    "a balancer's header that names a client": b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + CONNECT,
}


def for_others(standin: StandIn) -> str:
    """Settings by which clients on this host are strangers."""
    return lab(f"{TARGET}:127.0.0.1:{standin.port}", more='[clients]\nnetworks = ["10.0.0.0/8"]')


@pytest.mark.parametrize("request_bytes", REQUESTS.values(), ids=REQUESTS.keys())
def test_a_client_of_another_network_learns_only_which_setting_keeps_it_out(
    tmp_path: Path, standin: StandIn, request_bytes: bytes
) -> None:
    with Gate(tmp_path, for_others(standin)) as gate:
        answer = ask(gate, request_bytes)
        (record,) = gate.records(1)

    assert (answer.status, answer.reason.partition(":")[0]) == (403, "client_not_allowed")
    assert "clients.networks" in answer.body.decode()
    assert record["outcome"] == "client_not_allowed"
    assert "target" not in record
    assert standin.connections == 0


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        pytest.param(sent, bytes((21, 3, 3, 0, 2, 2, ACCESS_DENIED)), id=f"TLS for {name}")
        for name, sent in HELLOS.items()
    ]
    + [pytest.param(sent, b"", id=name) for name, sent in OTHERS.items()],
)
def test_a_client_of_another_network_that_speaks_no_http_gets_no_further_than_its_first_bytes(
    tmp_path: Path, standin: StandIn, sent: bytes, heard: bytes
) -> None:
    with Gate(tmp_path, for_others(standin)) as gate:
        with dial(gate) as client:
            client.sendall(sent)
            assert read_to_break(client) == heard
        (record,) = gate.records(1)

    assert record["outcome"] == "client_not_allowed"
    assert record["client"] == "127.0.0.1"
    assert not record.keys() & {"target", "server_name", "gate_tls", "balancer"}
    assert standin.connections == 0


def test_a_hello_that_comes_byte_by_byte_for_ever_runs_out_of_time(tmp_path: Path) -> None:
    with Gate(tmp_path, lab(more="[limits]\nhead_seconds = 0.5")) as gate:
        with dial(gate) as client:
            client.sendall(b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc")
            while not select.select([client], [], [], 0.05)[0]:
                client.sendall(b"\0")
            assert read_to_break(client) == b""
        (record,) = gate.records(1)

    assert record["outcome"] == "hello_timeout"


def test_a_handshake_that_never_ends_runs_out_of_time(tmp_path: Path) -> None:
    with Gate(tmp_path, lab(more="[limits]\nhead_seconds = 0.5")) as gate:
        with dial(gate) as client:
            tls = MemoryClient(trusting(None), "127.0.0.1")
            tls.handshake()
            client.sendall(tls.take())
            assert client.recv(65536)
            assert read_to_break(client) == b""
        (record,) = gate.records(1)

    assert (record["outcome"], record["detail"]) == ("handshake_failed", "it took too long")


def test_a_head_that_comes_byte_by_byte_for_ever_runs_out_of_time(tmp_path: Path) -> None:
    with Gate(tmp_path, lab(more="[limits]\nhead_seconds = 0.5")) as gate:
        with dial(gate) as client:
            client.sendall(b"CONNECT tools.cisco.com:443 HTTP/1.1\r\nX-Slow: ")
            while not select.select([client], [], [], 0.05)[0]:
                client.sendall(b"x")
            answer = read_answer(client)
        (record,) = gate.records(1)

    assert (answer.status, answer.reason.partition(":")[0]) == (408, "head_timeout")
    assert record["outcome"] == "head_timeout"
