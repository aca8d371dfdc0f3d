"""HttpsURLConnection, the client that CUCM's licensing agent most likely is, through the gate.

Of a refusal it shows its caller the status line and nothing else, so that line must explain it. A request that is cut
off it sends again by itself, on a second tunnel.
"""

import socket
import struct
from pathlib import Path

import pytest

from support.authority import Authority
from support.exchange import MESSAGE, REFUSALS, TARGET, URL, assert_explains, assert_served
from support.gate import Gate, lab
from support.java import STORE_PASSWORD, JavaClient, Program, compile_client
from support.standin import StandIn


class BreaksOffFirst(StandIn):
    """A stand-in that resets its first connection once it has read the request, in place of an answer."""

    def _serve_tls(self, connection: socket.socket) -> None:
        if self.connections > 1:
            super()._serve_tls(connection)
            return
        with self._context.wrap_socket(connection, server_side=True) as secure:
            request = b""
            while MESSAGE not in request:
                request += secure.recv(65536)
            secure.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return compile_client("UrlConnection", tmp_path_factory.mktemp("java"))


def test_a_post_reaches_the_stand_in(client: JavaClient, gate: Gate, standin: StandIn, truststore: Path) -> None:
    (answer,) = client.post(gate, truststore, URL)

    assert answer.status == 200, answer.error
    assert '"stand_in": true' in answer.body
    assert_served(gate, standin, agent=f"Java/{answer.java}")
    assert gate.records()[0]["http_version"] == "1.1"


def test_two_posts_share_one_tunnel(client: JavaClient, gate: Gate, standin: StandIn, truststore: Path) -> None:
    answers = client.post(gate, truststore, URL, URL)

    assert [answer.status for answer in answers] == [200, 200]
    assert len(standin.received) == 2
    gate.stop()
    assert len(gate.records()) == 1


def test_every_refusal_is_explained_in_the_exception(client: JavaClient, gate: Gate, truststore: Path) -> None:
    answers = client.post(gate, truststore, *(refusal.url for refusal in REFUSALS))

    for answer, refusal in zip(answers, REFUSALS, strict=True):
        before, _, status_line = answer.error.partition("HTTP/1.1 ")
        assert before == 'java.io.IOException: Unable to tunnel through proxy. Proxy returns "'
        assert_explains(status_line, refusal)
    records = gate.records(len(REFUSALS))
    assert [record["outcome"] for record in records] == [refusal.outcome for refusal in REFUSALS]


def test_a_request_cut_off_comes_again_on_a_second_tunnel(
    client: JavaClient, authority: Authority, tmp_path: Path, truststore: Path
) -> None:
    with (
        BreaksOffFirst(authority) as standin,
        Gate(tmp_path, lab(f"{TARGET}:127.0.0.1:{standin.port}")) as gate,
    ):
        (answer,) = client.post(gate, truststore, URL)
        gate.stop()

    assert answer.status == 200, answer.error
    assert '"stand_in": true' in answer.body
    records = gate.records()
    assert [record["target"] for record in records] == [TARGET, TARGET]
    assert [record["outcome"] for record in records] == ["reset_by_upstream", "closed_by_client"]


def test_a_certificate_it_does_not_trust_leaves_a_record_of_a_tunnel(
    client: JavaClient, gate: Gate, standin: StandIn, tmp_path: Path
) -> None:
    stale = Authority(tmp_path, "LicenseGate other CA").java_truststore(STORE_PASSWORD)
    (answer,) = client.post(gate, stale, URL)

    assert "unable to find valid certification path to requested target" in answer.error
    assert standin.received == []
    gate.stop()
    (record,) = gate.records()
    assert (record["target"], record["status"]) == (TARGET, 200)
    # The stand-in ends its side on the client's alert, so either may be seen to leave first.
    assert record["outcome"] in {"closed_by_client", "closed_by_upstream", "reset_by_client", "reset_by_upstream"}
    assert record["upstream_read"] > 0
