"""What an allowed tunnel may be misused for: another protocol, another host, or a hello that comes to no end."""

import queue
import select
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.exchange import HOST, TARGET
from support.gate import Gate, lab
from support.hellos import NO_NAMES, in_records, message, server_name
from support.raw_client import CONNECT, Dial, dial, dial_tls, open_tunnel, read_to_break
from support.standin import ANSWER, StandIn
from support.tls import MemoryClient, trusting
from support.upstream import SECONDS, Upstream

legs = pytest.mark.parametrize("dial", [dial, dial_tls], ids=["plain", "over TLS"])

UNRECOGNIZED_NAME, DECODE_ERROR = 112, 50
BANNER = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n220 smtp.example ESMTP\r\n"
"""What servers say that speak first."""


class Talkative(Upstream):
    """A server that speaks first, and keeps what it hears: one entry for each connection that has ended."""

    def __init__(self) -> None:
        super().__init__(self._speak)
        self.heard: queue.Queue[bytes] = queue.Queue()

    def _speak(self, connection: socket.socket) -> None:
        connection.sendall(BANNER)
        self.heard.put(read_to_break(connection))


@pytest.fixture(scope="module")
def talkative() -> Iterator[Talkative]:
    with Talkative() as server:
        yield server


@pytest.fixture(scope="module")
def misused(tmp_path_factory: pytest.TempPathFactory, talkative: Talkative) -> Iterator[Gate]:
    """A gate whose tools.cisco.com is a server that speaks first."""
    with Gate(tmp_path_factory.mktemp("misused"), lab(f"{TARGET}:127.0.0.1:{talkative.port}")) as running:
        yield running


def misuse(gate: Gate, talkative: Talkative, sent: bytes, dial: Dial, *, early: bool = False) -> dict[str, Any]:
    """Say this in a tunnel, and see that its server has heard nothing; what the client heard is in `heard`."""
    before = len(gate.records())
    with open_tunnel(gate, CONNECT + sent if early else CONNECT, dial=dial) as client:
        if not early:
            client.sendall(sent)
        heard = read_to_break(client)
    assert talkative.heard.get(timeout=SECONDS) == b""
    record = gate.records(before + 1)[-1]
    assert not record.keys() & {"upstream_read", "upstream_written", "relay_ms"}
    return {**record, "heard": heard}


def hello(name: bytes) -> bytes:
    return in_records(message(server_name(name)))


PROTOCOLS = {
    "SSH": b"SSH-2.0-OpenSSH_9.2p1\r\n",
    "HTTP": b"GET / HTTP/1.1\r\nHost: tools.cisco.com\r\n\r\n",
    "a second CONNECT": b"CONNECT evil.example:22 HTTP/1.1\r\n\r\n",
    "SMTP": b"EHLO client.example\r\nSTARTTLS\r\n",
    "SOCKS 5": b"\x05\x01\x00",
    "a balancer's header": b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + hello(HOST.encode()),
    "OpenVPN": b"\x00\x0e\x38" + bytes(14),
    "a TLS record of data": b"\x17\x03\x03\x00\x05hello",
    "TLS behind a blank": b" " + hello(HOST.encode()),
    "SSL 2": b"\x80\x2e\x01\x00\x02" + bytes(43),
}


@legs
@pytest.mark.parametrize("early", [False, True], ids=["after the answer", "with the head"])
@pytest.mark.parametrize("sent", PROTOCOLS.values(), ids=PROTOCOLS.keys())
def test_another_protocol_through_an_allowed_tunnel_is_closed_and_neither_side_hears_the_other(
    misused: Gate, talkative: Talkative, sent: bytes, early: bool, dial: Dial
) -> None:
    record = misuse(misused, talkative, sent, dial, early=early)
    assert (record["outcome"], record["server_name_check"]) == ("inner_not_tls", "not_tls")
    assert record["heard"] == b""


HELLOS = {
    "another host": (hello(b"evil.example"), "server_name_mismatch", UNRECOGNIZED_NAME),
    "another host that is allowed": (hello(b"api.cisco.com"), "server_name_mismatch", UNRECOGNIZED_NAME),
    "a suffix of another name": (hello(b"eviltools.cisco.com"), "server_name_mismatch", UNRECOGNIZED_NAME),
    "a prefix of another name": (hello(b"tools.cisco.com.evil.example"), "server_name_mismatch", UNRECOGNIZED_NAME),
    "a port behind the name": (hello(b"tools.cisco.com:443"), "server_name_mismatch", UNRECOGNIZED_NAME),
    "an address": (hello(b"72.163.4.38"), "server_name_mismatch", UNRECOGNIZED_NAME),
    "another host in the second record": (
        in_records(message(server_name(b"evil.example")), [50]), "server_name_mismatch", UNRECOGNIZED_NAME,
    ),
    "another message first": (b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", "inner_hello_malformed", DECODE_ERROR),
    "a message over the limit": (b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\x03", "inner_hello_malformed", DECODE_ERROR),
} | {
    f"a name that is none: {name}": (in_records(message(data)), "inner_hello_malformed", DECODE_ERROR)
    for name, data in NO_NAMES.items()
}  # fmt: skip


@legs
@pytest.mark.parametrize(("sent", "outcome", "alert"), HELLOS.values(), ids=HELLOS.keys())
def test_tls_for_another_host_is_refused_by_an_alert_and_neither_side_hears_the_other(
    misused: Gate, talkative: Talkative, sent: bytes, outcome: str, alert: int, dial: Dial
) -> None:
    record = misuse(misused, talkative, sent, dial)
    assert record["outcome"] == outcome
    assert record["heard"] == bytes((21, 3, 3, 0, 2, 2, alert))


@legs
@pytest.mark.parametrize("sent", [b"", b"\x16", hello(HOST.encode())[:-1]], ids=["nothing", "a byte", "most of it"])
def test_a_client_that_waits_for_the_server_to_speak_first_hears_nothing_until_its_time_is_over(
    tmp_path: Path, sent: bytes, dial: Dial
) -> None:
    with Talkative() as talkative:
        settings = lab(f"{TARGET}:127.0.0.1:{talkative.port}", more="[limits]\nhello_seconds = 0.5")
        with Gate(tmp_path, settings) as gate:
            record = misuse(gate, talkative, sent, dial)

    assert (record["outcome"], record["server_name_check"]) == ("inner_hello_timeout", "timeout")
    assert record["heard"] == b""


@legs
def test_a_hello_that_comes_byte_by_byte_for_ever_runs_out_of_time(tmp_path: Path, dial: Dial) -> None:
    long = in_records(message(server_name(HOST.encode()), b"\x00\x15\x3e\x80" + bytes(16_000)))
    with Talkative() as talkative:
        settings = lab(f"{TARGET}:127.0.0.1:{talkative.port}", more="[limits]\nhello_seconds = 0.5")
        with Gate(tmp_path, settings) as gate:
            with open_tunnel(gate, dial=dial) as client:
                sent = 0
                while not select.select([client], [], [], 0.05)[0]:
                    client.sendall(long[sent : sent + 1])
                    sent += 1
                assert read_to_break(client) == b""
            (record,) = gate.records(1)

    assert record["outcome"] == "inner_hello_timeout"
    assert talkative.heard.get(timeout=SECONDS) == b""


def fetch(connection: socket.socket, step: int) -> bytes:
    """Ask tools.cisco.com for a page inside TLS of its own, whose ClientHello goes out in steps of so many bytes."""
    tls = MemoryClient(trusting(None), HOST)
    tls.handshake()
    first = tls.take()
    for place in range(0, len(first), step):
        connection.sendall(first[place : place + step])
    while not tls.handshake():
        connection.sendall(tls.take())
        tls.feed(connection.recv(65536))
    connection.sendall(tls.take() + tls.say(b"GET / HTTP/1.1\r\nHost: tools.cisco.com\r\nConnection: close\r\n\r\n"))
    page = b""
    while ciphertext := connection.recv(65536):
        page += tls.hear(ciphertext)
    return page


def straight(gate: Gate) -> socket.socket:
    """No tunnel at all: TLS for the target is spoken to the gate itself."""
    return dial(gate)


def in_a_tunnel(gate: Gate) -> socket.socket:
    return open_tunnel(gate)


def in_a_tunnel_inside_tls(gate: Gate) -> socket.socket:
    return open_tunnel(gate, dial=dial_tls)


WAYS = (straight, in_a_tunnel, in_a_tunnel_inside_tls)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("step", [1, 7])
def test_a_hello_that_comes_in_pieces_passes_whole(gate: Gate, standin: StandIn, way: Dial, step: int) -> None:
    before = len(gate.records())
    with way(gate) as connection:
        page = fetch(connection, step)
    assert page.endswith(ANSWER)
    assert standin.received[-1].server_name == HOST
    assert gate.records(before + 1)[-1]["server_name_check"] == "match"


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_hello_cut_into_nine_thousand_records_passes_whole(misused: Gate, talkative: Talkative, way: Dial) -> None:
    cut = in_records(message(server_name(HOST.encode()), b"\x00\x15\x23\x28" + bytes(9000)), [1] * 9100)
    before = len(misused.records())
    with way(misused) as client:
        for place in range(0, len(cut), 6):
            client.sendall(cut[place : place + 6])
        assert client.recv(len(BANNER)) == BANNER
    assert talkative.heard.get(timeout=SECONDS) == cut
    assert misused.records(before + 1)[-1]["server_name_check"] == "match"
