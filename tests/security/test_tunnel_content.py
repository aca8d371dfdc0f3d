"""An allowed tunnel must not carry another protocol, reach another host, or hold the gate with an endless hello."""

import queue
import select
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.client_hellos import INVALID_SERVER_NAMES, hello_message, in_records, server_name_extension
from support.gate import Gate, cisco_at
from support.licensing_exchange import HOST
from support.raw_client import CONNECT, Dial, dial, dial_tls, open_tunnel, plain_and_tls, read_to_break
from support.standin import ANSWER, StandIn
from support.tls_memory import MemoryTlsClient, client_context
from support.upstream import SECONDS, Upstream

UNRECOGNIZED_NAME, DECODE_ERROR = 112, 50
BANNER = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n220 smtp.example ESMTP\r\n"
"""The first line of servers that speak first."""


class SpeaksFirst(Upstream):
    """A server that speaks first. `heard` gets what each connection sent, once it has ended."""

    def __init__(self) -> None:
        super().__init__(self._speak)
        self.heard: queue.Queue[bytes] = queue.Queue()

    def _speak(self, connection: socket.socket) -> None:
        connection.sendall(BANNER)
        self.heard.put(read_to_break(connection))


@pytest.fixture(scope="module")
def server() -> Iterator[SpeaksFirst]:
    with SpeaksFirst() as made:
        yield made


@pytest.fixture(scope="module")
def misused(tmp_path_factory: pytest.TempPathFactory, server: SpeaksFirst) -> Iterator[Gate]:
    """A gate whose tools.cisco.com is a server that speaks first."""
    with Gate(tmp_path_factory.mktemp("misused"), cisco_at(server.port)) as running:
        yield running


def misuse(gate: Gate, server: SpeaksFirst, sent: bytes, dial: Dial, *, early: bool = False) -> dict[str, Any]:
    """Send bytes in a tunnel and assert that the server received none; returns the record plus `heard`, the answer."""
    before = len(gate.records())
    with open_tunnel(gate, CONNECT + sent if early else CONNECT, dial=dial) as client:
        if not early:
            client.sendall(sent)
        heard = read_to_break(client)
    assert server.heard.get(timeout=SECONDS) == b""
    record = gate.records(before + 1)[-1]
    assert not record.keys() & {"upstream_read", "upstream_written", "relay_ms"}
    return {**record, "heard": heard}


def hello(name: bytes) -> bytes:
    return in_records(hello_message(server_name_extension(name)))


PROTOCOLS = {
    "SSH": b"SSH-2.0-OpenSSH_9.2p1\r\n",
    "HTTP": b"GET / HTTP/1.1\r\nHost: tools.cisco.com\r\n\r\n",
    "a second CONNECT": b"CONNECT evil.example:22 HTTP/1.1\r\n\r\n",
    "SMTP": b"EHLO client.example\r\nSTARTTLS\r\n",
    "SOCKS 5": b"\x05\x01\x00",
    "a PROXY header": b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + hello(HOST.encode()),
    "OpenVPN": b"\x00\x0e\x38" + bytes(14),
    "a TLS record of data": b"\x17\x03\x03\x00\x05hello",
    "TLS behind a blank": b" " + hello(HOST.encode()),
    "SSL 2": b"\x80\x2e\x01\x00\x02" + bytes(43),
}


@plain_and_tls
@pytest.mark.parametrize("early", [False, True], ids=["after the 200", "with the head"])
@pytest.mark.parametrize("sent", PROTOCOLS.values(), ids=PROTOCOLS.keys())
def test_a_tunnel_without_tls_is_closed_and_no_byte_crosses(
    misused: Gate, server: SpeaksFirst, sent: bytes, early: bool, dial: Dial
) -> None:
    record = misuse(misused, server, sent, dial, early=early)
    assert (record["outcome"], record["server_name_check"]) == ("inner_not_tls", "not_tls")
    assert record["heard"] == b""


HELLOS = {
    "another host": (hello(b"evil.example"), "server_name_mismatch", UNRECOGNIZED_NAME),
    "another host that is allowed": (hello(b"api.cisco.com"), "server_name_mismatch", UNRECOGNIZED_NAME),
    "a suffix of another name": (hello(b"eviltools.cisco.com"), "server_name_mismatch", UNRECOGNIZED_NAME),
    "a prefix of another name": (hello(b"tools.cisco.com.evil.example"), "server_name_mismatch", UNRECOGNIZED_NAME),
    "a port behind the name": (hello(b"tools.cisco.com:443"), "inner_hello_malformed", DECODE_ERROR),
    "an address": (hello(b"72.163.4.38"), "server_name_mismatch", UNRECOGNIZED_NAME),
    "another host in the second record": (
        in_records(hello_message(server_name_extension(b"evil.example")), [50]),
        "server_name_mismatch",
        UNRECOGNIZED_NAME,
    ),
    "another message first": (b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", "inner_hello_malformed", DECODE_ERROR),
    "a message over the limit": (b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\x03", "inner_hello_malformed", DECODE_ERROR),
} | {
    f"an invalid name: {name}": (in_records(hello_message(data)), "inner_hello_malformed", DECODE_ERROR)
    for name, data in INVALID_SERVER_NAMES.items()
}  # fmt: skip


@plain_and_tls
@pytest.mark.parametrize(("sent", "outcome", "alert"), HELLOS.values(), ids=HELLOS.keys())
def test_tls_for_another_host_gets_an_alert_and_no_byte_crosses(
    misused: Gate, server: SpeaksFirst, sent: bytes, outcome: str, alert: int, dial: Dial
) -> None:
    record = misuse(misused, server, sent, dial)
    assert record["outcome"] == outcome
    assert record["heard"] == bytes((21, 3, 3, 0, 2, 2, alert))


@plain_and_tls
@pytest.mark.parametrize("sent", [b"", b"\x16", hello(HOST.encode())[:-1]], ids=["nothing", "a byte", "most of it"])
def test_a_client_without_a_whole_hello_hears_nothing_and_times_out(tmp_path: Path, sent: bytes, dial: Dial) -> None:
    with SpeaksFirst() as server:
        settings = cisco_at(server.port, more="[limits]\nhello_seconds = 0.5")
        with Gate(tmp_path, settings) as gate:
            record = misuse(gate, server, sent, dial)

    assert (record["outcome"], record["server_name_check"]) == ("inner_hello_timeout", "timeout")
    assert record["heard"] == b""


@plain_and_tls
def test_a_hello_sent_byte_by_byte_for_ever_times_out(tmp_path: Path, dial: Dial) -> None:
    long = in_records(hello_message(server_name_extension(HOST.encode()), b"\x00\x15\x3e\x80" + bytes(16_000)))
    with SpeaksFirst() as server:
        settings = cisco_at(server.port, more="[limits]\nhello_seconds = 0.5")
        with Gate(tmp_path, settings) as gate:
            with open_tunnel(gate, dial=dial) as client:
                sent = 0
                while not select.select([client], [], [], 0.05)[0]:
                    client.sendall(long[sent : sent + 1])
                    sent += 1
                assert read_to_break(client) == b""
            (record,) = gate.records(1)

    assert record["outcome"] == "inner_hello_timeout"
    assert server.heard.get(timeout=SECONDS) == b""


def fetch(connection: socket.socket, step: int) -> bytes:
    """Get a page from tools.cisco.com over TLS, with the ClientHello sent `step` bytes at a time."""
    tls = MemoryTlsClient(client_context(None), HOST)
    tls.handshake()
    first = tls.take_ciphertext()
    for start in range(0, len(first), step):
        connection.sendall(first[start : start + step])
    while not tls.handshake():
        connection.sendall(tls.take_ciphertext())
        tls.feed(connection.recv(65536))
    connection.sendall(
        tls.take_ciphertext() + tls.encrypt(b"GET / HTTP/1.1\r\nHost: tools.cisco.com\r\nConnection: close\r\n\r\n")
    )
    page = b""
    while ciphertext := connection.recv(65536):
        page += tls.decrypt(ciphertext)
    return page


def bare_tls(gate: Gate) -> socket.socket:
    """Bare TLS for the target, sent straight to the gate."""
    return dial(gate)


def in_a_tunnel(gate: Gate) -> socket.socket:
    return open_tunnel(gate)


def in_a_tunnel_inside_tls(gate: Gate) -> socket.socket:
    return open_tunnel(gate, dial=dial_tls)


WAYS = (bare_tls, in_a_tunnel, in_a_tunnel_inside_tls)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("step", [1, 7])
def test_a_hello_in_pieces_reaches_the_server_intact(gate: Gate, standin: StandIn, way: Dial, step: int) -> None:
    before = len(gate.records())
    with way(gate) as connection:
        page = fetch(connection, step)
    assert page.endswith(ANSWER)
    assert standin.received[-1].server_name == HOST
    assert gate.records(before + 1)[-1]["server_name_check"] == "match"


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_hello_in_9000_records_reaches_the_server_intact(misused: Gate, server: SpeaksFirst, way: Dial) -> None:
    cut = in_records(hello_message(server_name_extension(HOST.encode()), b"\x00\x15\x23\x28" + bytes(9000)), [1] * 9100)
    before = len(misused.records())
    with way(misused) as client:
        for start in range(0, len(cut), 6):
            client.sendall(cut[start : start + 6])
        assert client.recv(len(BANNER)) == BANNER
    assert server.heard.get(timeout=SECONDS) == cut
    assert misused.records(before + 1)[-1]["server_name_check"] == "match"
