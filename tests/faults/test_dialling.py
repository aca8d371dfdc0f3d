"""A target that neither accepts a connection nor refuses it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.gate import Gate, cisco_at
from support.licensing_exchange import TARGET
from support.raw_client import CONNECT, ask, break_off, dial
from support.sockets import BlackHole


@pytest.fixture
def unresponsive_port() -> Iterator[int]:
    """A port that neither accepts nor refuses connections."""
    with contextlib.closing(BlackHole("127.0.0.1")) as hole:
        yield hole.port


def test_a_target_that_does_not_answer_is_a_connection_timeout(tmp_path: Path, unresponsive_port: int) -> None:
    settings = cisco_at(unresponsive_port, more="[limits]\ndial_seconds = 0.5")
    with Gate(tmp_path, settings) as gate:
        answer = ask(gate, CONNECT)
        record = gate.record(answer.record)

    assert (answer.status, answer.outcome) == (504, "connection_timeout")
    assert f"127.0.0.1:{unresponsive_port}" in answer.reason
    assert record["outcome"] == "connection_timeout"
    assert [attempt["address"] for attempt in record["attempts"]] == ["127.0.0.1"]


@pytest.mark.parametrize("cleanly", [True, False], ids=["close", "reset"])
def test_a_client_that_leaves_during_the_dial_is_recorded(
    tmp_path: Path, unresponsive_port: int, cleanly: bool
) -> None:
    settings = cisco_at(unresponsive_port, more="[limits]\ndial_seconds = 3")
    with Gate(tmp_path, settings) as gate:
        client = dial(gate)
        client.sendall(CONNECT)
        if cleanly:
            client.close()
        else:
            break_off(client)
        (record,) = gate.records(1)

    assert record["outcome"] == "client_left_in_dial"
    assert record["target"] == TARGET
