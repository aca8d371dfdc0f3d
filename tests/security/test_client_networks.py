"""Clients outside `clients.networks` are refused for any first bytes."""

from pathlib import Path

import pytest

from support.client_hellos import hello_message, in_records, server_name_extension
from support.gate import Gate, cisco_at
from support.licensing_exchange import HOST
from support.raw_client import CONNECT, ask, dial, read_to_break
from support.standin import StandIn

ACCESS_DENIED = 49

REQUESTS = {
    "an allowed target": CONNECT,
    "a denied target": b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n",
    "another method": b"GET / HTTP/1.1\r\n\r\n",
    "a malformed head": b"CONNECT tools.cisco.com:443\n\n",
    "one byte": b"C",
}
HELLOS = {
    "an allowed target": in_records(hello_message(server_name_extension(HOST.encode()))),
    "a denied target": in_records(hello_message(server_name_extension(b"evil.example"))),
    "the gate itself": in_records(hello_message()),
    "only the start of a record": b"\x16\x03\x01",
}
OTHER_PROTOCOLS = {
    "SOCKS": b"\x05\x01\x00",
    "SSL 2": b"\x80\x2e\x01\x00\x02" + bytes(43),
    "a PROXY header": b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + CONNECT,
}


def settings_for_others(standin: StandIn) -> str:
    """Settings that refuse clients on this host."""
    return cisco_at(standin.port, more='[clients]\nnetworks = ["10.0.0.0/8"]')


@pytest.mark.parametrize("request_bytes", REQUESTS.values(), ids=REQUESTS.keys())
def test_a_client_of_another_network_reads_which_setting_refuses_it(
    tmp_path: Path, standin: StandIn, request_bytes: bytes
) -> None:
    with Gate(tmp_path, settings_for_others(standin)) as gate:
        answer = ask(gate, request_bytes)
        (record,) = gate.records(1)

    assert (answer.status, answer.outcome) == (403, "client_not_allowed")
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
    + [pytest.param(sent, b"", id=name) for name, sent in OTHER_PROTOCOLS.items()],
)
def test_a_client_of_another_network_without_http_is_cut_at_once(
    tmp_path: Path, standin: StandIn, sent: bytes, heard: bytes
) -> None:
    with Gate(tmp_path, settings_for_others(standin)) as gate:
        with dial(gate) as client:
            client.sendall(sent)
            assert read_to_break(client) == heard
        (record,) = gate.records(1)

    assert record["outcome"] == "client_not_allowed"
    assert record["client"] == "127.0.0.1"
    assert not record.keys() & {"target", "server_name", "gate_tls", "balancer"}
    assert standin.connections == 0
