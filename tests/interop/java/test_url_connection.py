"""HttpsURLConnection reuses its tunnels, and repeats a request whose connection was reset."""

import socket
import struct
from pathlib import Path

import pytest

from support.authority import Authority
from support.client_program import Client, Post, Trust
from support.gate import Gate, cisco_at
from support.java import STORE_PASSWORD, URL_CONNECTIONS
from support.licensing_exchange import ENDED_WELL, MESSAGE, TARGET, URL, assert_posted
from support.standin import StandIn

every_release = pytest.mark.parametrize("client", URL_CONNECTIONS, ids=str)


class ResetsFirstConnection(StandIn):
    """A stand-in that resets its first connection after reading the request."""

    def _serve_tls(self, connection: socket.socket) -> None:
        if self.connections > 1:
            super()._serve_tls(connection)
            return
        with self._context.wrap_socket(connection, server_side=True) as secure:
            request = b""
            while MESSAGE not in request:
                request += secure.recv(65536)
            secure.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.fixture
def trust(authority: Authority) -> Trust:
    return Trust(authority.root, authority.java_truststore(STORE_PASSWORD))


@every_release
def test_two_posts_share_one_tunnel(client: Client, gate: Gate, standin: StandIn, trust: Trust) -> None:
    shown = client.post((), trust, [Post(URL, gate.url)] * 2)

    assert all(text.startswith("200 OK") for text in shown), shown
    assert_posted([standin], 2)
    gate.stop()
    assert len(gate.records()) == 1


@every_release
def test_a_reset_request_is_repeated_on_a_second_tunnel(
    client: Client, authority: Authority, tmp_path: Path, trust: Trust
) -> None:
    with (
        ResetsFirstConnection(authority) as standin,
        Gate(tmp_path, cisco_at(standin.port)) as gate,
    ):
        (shown,) = client.post((), trust, [Post(URL, gate.url)])
        gate.stop()

    assert shown.startswith("200 OK"), shown
    records = gate.records()
    assert [record["target"] for record in records] == [TARGET, TARGET]
    cut_off, served = [record["outcome"] for record in records]
    assert cut_off == "reset_by_upstream"
    assert served in ENDED_WELL
