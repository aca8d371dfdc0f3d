"""Apache HttpClient 4.5, the other likely client of a Java product, through the gate.

It hands its caller the gate's refusal as if the server had sent it, so the body must say what happened.
"""

from pathlib import Path

import pytest

from support.exchange import REFUSALS, URL, assert_explains, assert_served
from support.gate import Gate
from support.java import JavaClient, Program, compile_client
from support.parts import require_file
from support.standin import StandIn


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    jar = require_file(Path("/usr/share/java/httpclient.jar"), "libhttpclient-java")  # its manifest names the others
    return compile_client("ApacheHttp", tmp_path_factory.mktemp("java"), jar)


def test_a_post_reaches_the_stand_in(client: JavaClient, gate: Gate, standin: StandIn, truststore: Path) -> None:
    (answer,) = client.post(gate, truststore, URL)

    assert answer.status == 200, answer.error
    assert '"stand_in": true' in answer.body
    assert_served(gate, standin, agent="Apache-HttpClient/4.5.")
    (record,) = gate.records()
    assert record["user_agent"].endswith(f" (Java/{answer.java})")
    assert record["http_version"] == "1.1"


def test_a_refusal_is_passed_off_as_the_servers_own_answer(client: JavaClient, gate: Gate, truststore: Path) -> None:
    answers = client.post(gate, truststore, *(refusal.url for refusal in REFUSALS))

    for answer, refusal in zip(answers, REFUSALS, strict=True):
        assert_explains(f"{answer.status} {answer.reason}", refusal)
        assert refusal.outcome in answer.body
    records = gate.records(len(REFUSALS))
    assert [record["outcome"] for record in records] == [refusal.outcome for refusal in REFUSALS]
