"""Clients that may not use the gate, and clients that only mean to keep it busy."""

import select
from pathlib import Path

import pytest

from licensegate.proxy.wire.tls_records import Alert, fatal_alert
from support.exchange import TARGET
from support.gate import Gate, lab
from support.raw import CONNECT, ask, dial, read_answer, read_to_end
from support.standin import StandIn

REQUESTS = {
    "an allowed target": CONNECT,
    "a denied target": b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n",
    "another method": b"GET / HTTP/1.1\r\n\r\n",
    "a malformed head": b"CONNECT tools.cisco.com:443\n\n",
    "one byte": b"C",
}


@pytest.mark.parametrize("request_bytes", REQUESTS.values(), ids=REQUESTS.keys())
def test_a_client_of_another_network_learns_only_which_setting_keeps_it_out(
    tmp_path: Path, standin: StandIn, request_bytes: bytes
) -> None:
    settings = lab(f"{TARGET}:127.0.0.1:{standin.port}", more='[clients]\nnetworks = ["10.0.0.0/8"]')
    with Gate(tmp_path, settings) as gate:
        answer = ask(gate, request_bytes)
        (record,) = gate.records(1)

    assert (answer.status, answer.reason.partition(":")[0]) == (403, "client_not_allowed")
    assert "clients.networks" in answer.body.decode()
    assert record["outcome"] == "client_not_allowed"
    assert "target" not in record
    assert standin.connections == 0


def test_a_client_of_another_network_that_speaks_tls_is_denied_in_tls(tmp_path: Path, standin: StandIn) -> None:
    settings = lab(f"{TARGET}:127.0.0.1:{standin.port}", more='[clients]\nnetworks = ["10.0.0.0/8"]')
    with Gate(tmp_path, settings) as gate:
        with dial(gate) as client:
            client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
            answer = read_to_end(client)
        (record,) = gate.records(1)

    assert answer == fatal_alert(Alert.ACCESS_DENIED)
    assert record["outcome"] == "client_not_allowed"
    assert standin.connections == 0


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
