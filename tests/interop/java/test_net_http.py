"""java.net.http.HttpClient through the gate.

Its CONNECT carries no User-Agent, and of a refusal it shows its caller the status code alone.
"""

from pathlib import Path

import pytest

from support.gate import Gate
from support.java import BODY, JavaClient, Program, compile_client
from support.standin import ANSWER, CALL_HOME_PATH, StandIn

CALL_HOME = f"https://tools.cisco.com{CALL_HOME_PATH}"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return compile_client("NetHttp", tmp_path_factory.mktemp("java"))


def test_a_post_reaches_the_stand_in(client: JavaClient, gate: Gate, standin: StandIn, truststore: Path) -> None:
    [answer] = client.post(gate.port, truststore, CALL_HOME)
    assert (answer.status, answer.body) == (200, ANSWER.decode())
    [received] = standin.received
    assert (received.method, received.path, received.body) == ("POST", CALL_HOME_PATH, BODY)
    assert received.user_agent == f"Java-http-client/{answer.java}"
    [record] = gate.records(1)
    assert record["user_agent"] is None
    assert record["http_version"] == "1.1"
    assert record["target"] == "tools.cisco.com:443"
    assert record["outcome"] == "closed_by_client"


def test_a_refusal_shows_its_status_code_and_no_name(client: JavaClient, gate: Gate, truststore: Path) -> None:
    [answer] = client.post(gate.port, truststore, "https://www.example.com/")
    assert answer.error == "java.io.IOException: Tunnel failed, got: 403"
    [record] = gate.records(1)
    assert record["target"] == "www.example.com:443"
    assert record["outcome"] == "target_not_allowed"
