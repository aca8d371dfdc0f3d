"""HttpsURLConnection, the client that CUCM's licensing agent most likely is, through the gate.

Of a refusal it shows its caller the status line and nothing else, so the outcome's name must be in that line. A request
that is cut off it sends again by itself, on a second tunnel.
"""

import socket
import struct
from pathlib import Path

import pytest

from support.authority import Authority
from support.gate import Gate, lab
from support.java import BODY, STORE_PASSWORD, JavaClient, Program, compile_client
from support.standin import ANSWER, CALL_HOME_PATH, StandIn
from support.upstream import closed_port

CALL_HOME = f"https://tools.cisco.com{CALL_HOME_PATH}"


class BreaksOffFirst(StandIn):
    """A stand-in that resets its first connection once it has read the request, in place of an answer."""

    def _serve_tls(self, connection: socket.socket) -> None:
        if self.connections > 1:
            super()._serve_tls(connection)
            return
        with self._context.wrap_socket(connection, server_side=True) as secure:
            request = b""
            while BODY not in request:
                request += secure.recv(65536)
            secure.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return compile_client("UrlConnection", tmp_path_factory.mktemp("java"))


def test_a_post_reaches_the_stand_in(client: JavaClient, gate: Gate, standin: StandIn, truststore: Path) -> None:
    [answer] = client.post(gate.port, truststore, CALL_HOME)
    assert (answer.status, answer.body) == (200, ANSWER.decode())
    [received] = standin.received
    assert (received.method, received.path, received.body) == ("POST", CALL_HOME_PATH, BODY)
    [record] = gate.records(1)
    assert record["user_agent"] == f"Java/{answer.java}"
    assert record["http_version"] == "1.1"
    assert record["target"] == "tools.cisco.com:443"
    assert record["outcome"] == "closed_by_client"


def test_two_posts_share_one_tunnel(client: JavaClient, gate: Gate, standin: StandIn, truststore: Path) -> None:
    answers = client.post(gate.port, truststore, CALL_HOME, CALL_HOME)
    assert [answer.status for answer in answers] == [200, 200]
    assert len(standin.received) == 2
    assert standin.connections == len(gate.records(1)) == 1


def test_every_refusal_names_its_outcome_in_the_exception(client: JavaClient, tmp_path: Path, truststore: Path) -> None:
    refusals = {
        "https://www.example.com/": "403 target_not_allowed",
        "https://smartreceiver.cisco.com/licservice/license": "403 target_in_preset",
        "https://tools.cisco.com:8443/": "403 target_port_not_allowed",
        "https://72.163.4.38/": "403 target_is_address",
        CALL_HOME: "502 connection_refused",
    }
    with Gate(tmp_path, lab(f"tools.cisco.com:443:127.0.0.1:{closed_port()}")) as gate:
        answers = client.post(gate.port, truststore, *refusals)
        records = gate.records(len(refusals))
    for answer, refusal in zip(answers, refusals.values(), strict=True):
        shown = f'java.io.IOException: Unable to tunnel through proxy. Proxy returns "HTTP/1.1 {refusal}'
        assert answer.error.startswith(shown)
    assert [f"{record['status']} {record['outcome']}" for record in records] == list(refusals.values())


def test_a_request_cut_off_comes_again_on_a_second_tunnel(
    client: JavaClient, authority: Authority, tmp_path: Path, truststore: Path
) -> None:
    with (
        BreaksOffFirst(authority) as standin,
        Gate(tmp_path, lab(f"tools.cisco.com:443:127.0.0.1:{standin.port}")) as gate,
    ):
        [answer] = client.post(gate.port, truststore, CALL_HOME)
        records = gate.records(2)
    assert (answer.status, answer.body) == (200, ANSWER.decode())
    assert [record["outcome"] for record in records] == ["reset_by_upstream", "closed_by_client"]


def test_a_certificate_it_does_not_trust_leaves_a_record_of_a_tunnel(
    client: JavaClient, gate: Gate, standin: StandIn, tmp_path: Path
) -> None:
    stale = Authority(tmp_path, "LicenseGate other CA").java_truststore(STORE_PASSWORD)
    [answer] = client.post(gate.port, stale, CALL_HOME)
    assert "unable to find valid certification path to requested target" in answer.error
    assert standin.received == []
    [record] = gate.records(1)
    assert record["target"] == "tools.cisco.com:443"
    # The stand-in ends its side on the client's alert, so either may be seen to leave first.
    assert record["outcome"] in {"closed_by_client", "closed_by_upstream", "reset_by_client", "reset_by_upstream"}
