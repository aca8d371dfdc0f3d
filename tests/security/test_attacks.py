"""Known attacks on proxies, against a running gate, each with the expected status and outcome.

All are refused at the first head, and nothing is resolved or dialled, in the clear and inside TLS alike.
"""

from typing import Any

import pytest

from support.attacks import ATTACKS, INSIDE_TLS, assert_nothing_dialled
from support.gate import Gate
from support.raw_client import Answer, ask, dial_tls
from support.standin import StandIn


def attacks(table: dict[str, tuple[bytes, tuple[int, str]]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("request_bytes", "expected"), table.values(), ids=table.keys())


@attacks(ATTACKS)
def test_an_attack_is_refused_and_nothing_is_dialled(
    gate: Gate, standin: StandIn, request_bytes: bytes, expected: tuple[int, str]
) -> None:
    assert_refused(gate, standin, ask(gate, request_bytes), expected)


@attacks(INSIDE_TLS)
def test_an_attack_is_refused_inside_tls_to_the_gate_too(
    gate: Gate, standin: StandIn, request_bytes: bytes, expected: tuple[int, str]
) -> None:
    record = assert_refused(gate, standin, ask(gate, request_bytes, dial_tls), expected)
    assert (record["protocol"], record["gate_tls"]) == ("https", "TLSv1.3")


def assert_refused(gate: Gate, standin: StandIn, answer: Answer, expected: tuple[int, str]) -> dict[str, Any]:
    status, outcome = expected
    assert answer.status == status, answer
    assert answer.reason.startswith(outcome)
    assert answer.fields["Connection"] == "close"
    assert len(answer.body) == int(answer.fields["Content-Length"]), "bytes follow the answer"
    record = gate.record(answer.record)
    assert (record["status"], record["outcome"]) == expected
    assert_nothing_dialled(record, standin)
    return record


INJECTIONS = {
    "a quote and a brace": b'x"}{"outcome": "closed_by_client',
    "a tab": b"one\ttwo",
    "Latin-1": b"\xe9\xff",
    "a right-to-left override": "\u202e".encode(),
    "a line separator": "\u2028".encode(),
    "markup": b"<script>alert(1)</script>",
    "ten thousand characters": b"x" * 10_000,
}


@pytest.mark.parametrize("value", INJECTIONS.values(), ids=INJECTIONS.keys())
def test_a_user_agent_cannot_forge_a_log_line(gate: Gate, value: bytes) -> None:
    answer = ask(gate, b"CONNECT evil.example:443 HTTP/1.1\r\nUser-Agent: " + value + b"\r\n\r\n")

    record = gate.record(answer.record)
    assert record["target"] == "evil.example:443"
    assert record.get("user_agent", "").isprintable()
    assert record.get("user_agent", "").isascii()
    assert len(record.get("user_agent", "")) <= 1000
