"""A target that neither takes a connection nor refuses it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.exchange import TARGET
from support.gate import Gate, lab
from support.raw_client import CONNECT, ask, break_off, dial
from support.sockets import BlackHole


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port where connections are neither accepted nor refused."""
    with contextlib.closing(BlackHole("127.0.0.1")) as hole:
        yield hole.port


def test_a_target_that_does_not_answer_is_given_up(tmp_path: Path, deaf_port: int) -> None:
    settings = lab(f"{TARGET}:127.0.0.1:{deaf_port}", more="[limits]\ndial_seconds = 0.5")
    with Gate(tmp_path, settings) as gate:
        answer = ask(gate, CONNECT)
        record = gate.record(answer.record)

    assert (answer.status, answer.reason.partition(":")[0]) == (504, "connection_timeout")
    assert f"127.0.0.1:{deaf_port}" in answer.reason
    assert record["outcome"] == "connection_timeout"
    assert [attempt["address"] for attempt in record["attempts"]] == ["127.0.0.1"]


@pytest.mark.parametrize("politely", [True, False], ids=["ending", "breaking off"])
def test_a_client_that_leaves_while_its_target_is_dialled_is_recorded_as_that(
    tmp_path: Path, deaf_port: int, politely: bool
) -> None:
    settings = lab(f"{TARGET}:127.0.0.1:{deaf_port}", more="[limits]\ndial_seconds = 3")
    with Gate(tmp_path, settings) as gate:
        client = dial(gate)
        client.sendall(CONNECT)
        if politely:
            client.close()
        else:
            break_off(client)
        (record,) = gate.records(1)

    assert record["outcome"] == "client_left_in_dial"
    assert record["target"] == TARGET
