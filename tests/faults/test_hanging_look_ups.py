"""Names that hang in DNS delay only the client that asked for them."""

import contextlib
import socket
from pathlib import Path

from support.dns_server import DnsServer, Fault, Zone
from support.gate import Gate
from support.network import Network
from support.raw_client import read_answer

CLIENT, OTHER_CLIENT, GATE = "198.51.100.1", "198.51.100.2", "198.51.100.9"
PORT = 3128
HANGING = [f"slow{number}.example.com" for number in range(100)]
ZONE: Zone = {("quick.example.com", "A"): ("127.0.0.2",)} | {(name, "A"): Fault.SILENCE for name in HANGING}
SETTINGS = f"""
[[listen]]
address = "{GATE}:{PORT}"

[clients]
networks = ["198.51.100.0/24"]

[dns]
timeout_seconds = 60

[log]
access = "access.jsonl"

[admin]
listen = ""

[[allowlist.rule]]
host = "*.example.com"
port = 9
private = true
"""


def connect(network: Network, client: str, name: str) -> socket.socket:
    """Request a tunnel from this address, to a port that is closed at every address."""
    connection = network.new_socket()
    connection.bind((client, 0))
    connection.connect((GATE, PORT))
    connection.sendall(f"CONNECT {name}:9 HTTP/1.1\r\n\r\n".encode())
    return connection


def test_hanging_names_of_one_client_leave_another_its_first_look_up(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(
            Network(tmp_path, {}, CLIENT, OTHER_CLIENT, GATE, resolv_conf="nameserver 127.0.0.1\n")
        )
        dns_server = stack.enter_context(DnsServer(network.new_datagram_socket(), ZONE))
        gate = stack.enter_context(Gate(tmp_path, SETTINGS, prefix=network.inside))
        waiting = [stack.enter_context(connect(network, CLIENT, name)) for name in HANGING]
        refused = read_answer(waiting[-1])
        assert (refused.status, refused.outcome) == (502, "dns_failed"), "the client has its share of look-ups"
        with connect(network, OTHER_CLIENT, "quick.example.com") as connection:
            answer = read_answer(connection)
        record = gate.record(answer.record)

    assert (record["outcome"], record["addresses"]) == ("connection_refused", ["127.0.0.2"])
    assert len({name for name, _ in dns_server.asked if name in HANGING}) < len(HANGING)
