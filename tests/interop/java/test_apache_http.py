"""Apache HttpClient 4.5, the other likely client of a Java product, through the gate.

It hands its caller the gate's refusal as if the server had sent it, so the body must say who speaks and what happened.
"""

from pathlib import Path

import pytest

from support.gate import Gate
from support.java import BODY, JavaClient, Program, compile_client
from support.parts import require_file
from support.standin import ANSWER, CALL_HOME_PATH, StandIn

CALL_HOME = f"https://tools.cisco.com{CALL_HOME_PATH}"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    jar = require_file(Path("/usr/share/java/httpclient.jar"), "libhttpclient-java")  # its manifest names the others
    return compile_client("ApacheHttp", tmp_path_factory.mktemp("java"), jar)


def test_a_post_reaches_the_stand_in(client: JavaClient, gate: Gate, standin: StandIn, truststore: Path) -> None:
    [answer] = client.post(gate.port, truststore, CALL_HOME)
    assert (answer.status, answer.body) == (200, ANSWER.decode())
    [received] = standin.received
    assert (received.method, received.path, received.body) == ("POST", CALL_HOME_PATH, BODY)
    [record] = gate.records(1)
    assert record["user_agent"].startswith("Apache-HttpClient/4.5.")
    assert record["user_agent"].endswith(f" (Java/{answer.java})")
    assert record["http_version"] == "1.1"
    assert record["target"] == "tools.cisco.com:443"
    assert record["outcome"] == "closed_by_client"


def test_a_refusal_reaches_the_caller_as_a_response(client: JavaClient, gate: Gate, truststore: Path) -> None:
    [answer] = client.post(gate.port, truststore, "https://www.example.com/")
    assert answer.status == 403
    assert answer.reason.startswith("target_not_allowed")
    assert "www.example.com:443 is not in the allowlist" in answer.body
    [record] = gate.records(1)
    assert record["target"] == "www.example.com:443"
    assert record["outcome"] == "target_not_allowed"
