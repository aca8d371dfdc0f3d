"""Clients that send too slowly to finish are timed out."""

import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.gate import Gate, gate_settings
from support.raw_client import dial, read_answer, read_to_break
from support.tls_memory import MemoryTlsClient, client_context


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """A gate that waits half a second for a head."""
    with Gate(tmp_path, gate_settings(more="[limits]\nhead_seconds = 0.5")) as running:
        yield running


def test_a_hello_sent_byte_by_byte_for_ever_times_out(gate: Gate) -> None:
    with dial(gate) as client:
        client.sendall(b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc")
        while not select.select([client], [], [], 0.05)[0]:
            client.sendall(b"\0")
        assert read_to_break(client) == b""
    (record,) = gate.records(1)

    assert record["outcome"] == "hello_timeout"


def test_a_handshake_that_is_never_finished_times_out(gate: Gate) -> None:
    with dial(gate) as client:
        tls = MemoryTlsClient(client_context(None), "127.0.0.1")
        tls.handshake()
        client.sendall(tls.take_ciphertext())
        assert client.recv(65536)
        assert read_to_break(client) == b""
    (record,) = gate.records(1)

    assert (record["outcome"], record["detail"]) == ("handshake_failed", "it took too long")


def test_a_head_sent_byte_by_byte_for_ever_times_out(gate: Gate) -> None:
    with dial(gate) as client:
        client.sendall(b"CONNECT tools.cisco.com:443 HTTP/1.1\r\nX-Slow: ")
        while not select.select([client], [], [], 0.05)[0]:
            client.sendall(b"x")
        answer = read_answer(client)
    (record,) = gate.records(1)

    assert (answer.status, answer.outcome) == (408, "head_timeout")
    assert record["outcome"] == "head_timeout"
