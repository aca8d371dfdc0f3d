"""java.net.http.HttpClient through the gate.

Its CONNECT carries no User-Agent, and of a refusal it shows its caller the status code alone.
"""

from pathlib import Path

import pytest

from support.exchange import REFUSALS, URL, assert_served
from support.gate import Gate
from support.java import JavaClient, Program, compile_client
from support.standin import StandIn


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return compile_client("NetHttp", tmp_path_factory.mktemp("java"))


def test_a_post_reaches_the_stand_in(client: JavaClient, gate: Gate, standin: StandIn, truststore: Path) -> None:
    (answer,) = client.post(gate, truststore, URL)

    assert answer.status == 200, answer.error
    assert '"stand_in": true' in answer.body
    assert standin.received[0].user_agent == f"Java-http-client/{answer.java}"
    assert_served(gate, standin, agent="")
    (record,) = gate.records()
    assert not record.get("user_agent")
    assert record["http_version"] == "1.1"


def test_a_refusal_shows_its_status_code_and_no_name(client: JavaClient, gate: Gate, truststore: Path) -> None:
    answers = client.post(gate, truststore, *(refusal.url for refusal in REFUSALS))

    shown = [f"java.io.IOException: Tunnel failed, got: {refusal.status}" for refusal in REFUSALS]
    assert [answer.error for answer in answers] == shown
    records = gate.records(len(REFUSALS))
    assert [record["outcome"] for record in records] == [refusal.outcome for refusal in REFUSALS]
