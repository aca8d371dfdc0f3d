"""A target that neither accepts a connection nor refuses it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.dns_server import DnsServer
from support.gate import ANYTHING, Gate, cisco_at
from support.licensing_exchange import TARGET
from support.network import Network
from support.raw_client import CONNECT, ask, break_off, dial, read_answer
from support.requirements import require_command
from support.sockets import BlackHole


@pytest.fixture
def unresponsive_port() -> Iterator[int]:
    """A port that neither accepts nor refuses connections."""
    with contextlib.closing(BlackHole("127.0.0.1")) as hole:
        yield hole.port


def test_a_target_that_does_not_answer_is_a_connection_timeout(tmp_path: Path, unresponsive_port: int) -> None:
    settings = cisco_at(unresponsive_port, more="[limits]\ndial_seconds = 0.5")
    with Gate(tmp_path, settings) as gate:
        answer = ask(gate, CONNECT)
        record = gate.record(answer.record)

    assert (answer.status, answer.outcome) == (504, "connection_timeout")
    assert f"127.0.0.1:{unresponsive_port}" in answer.reason
    assert record["outcome"] == "connection_timeout"
    assert [attempt["address"] for attempt in record["attempts"]] == ["127.0.0.1"]


@pytest.mark.parametrize("cleanly", [True, False], ids=["close", "reset"])
def test_a_client_that_leaves_during_the_dial_is_recorded(
    tmp_path: Path, unresponsive_port: int, cleanly: bool
) -> None:
    settings = cisco_at(unresponsive_port, more="[limits]\ndial_seconds = 3")
    with Gate(tmp_path, settings) as gate:
        client = dial(gate)
        client.sendall(CONNECT)
        if cleanly:
            client.close()
        else:
            break_off(client)
        (record,) = gate.records(1)

    assert record["outcome"] == "client_left_in_dial"
    assert record["target"] == TARGET


CLIENT, GATE, DIALS = "198.51.100.1", "198.51.100.9", 60
SILENT = [f"127.0.0.{last}" for last in range(2, 10)]
FEW_DESCRIPTORS = f"""
[[listen]]
address = "{GATE}:3128"
[clients]
networks = ["{CLIENT}"]
[limits]
dial_seconds = 6
[log]
access = "access.jsonl"
lines_per_client = 0
[admin]
listen = ""
[[allowlist.rule]]
host = "hole.example.com"
port = 9
private = true
{ANYTHING}"""


def test_dials_to_many_silent_addresses_take_no_others_descriptors(tmp_path: Path) -> None:
    prlimit = require_command("prlimit", "util-linux")
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Network(tmp_path, {}, CLIENT, GATE, resolv_conf="nameserver 127.0.0.1\n"))
        zone = {("hole.example.com", "A"): tuple(SILENT)}
        stack.enter_context(DnsServer(network.new_datagram_socket(), zone))
        for address in SILENT:
            listener = stack.enter_context(network.new_socket())
            listener.bind((address, 9))
            listener.listen(0)
            for _ in range(4):  # fill its backlog: the kernel drops further connections
                knocking = stack.enter_context(network.new_socket())
                knocking.setblocking(False)
                knocking.connect_ex((address, 9))
        limited = (*network.inside, prlimit, "--nofile=256:256")
        gate = stack.enter_context(Gate(tmp_path, FEW_DESCRIPTORS, prefix=limited))
        waiting = [stack.enter_context(network.new_socket()) for _ in range(DIALS)]
        for client in waiting:
            client.bind((CLIENT, 0))
            client.connect((GATE, 3128))
            client.sendall(b"CONNECT hole.example.com:9 HTTP/1.1\r\n\r\n")
        outcomes = {read_answer(client).outcome for client in waiting}
        errors = {attempt["errno"] for record in gate.records(DIALS) for attempt in record.get("attempts", ())}

    assert outcomes == {"connection_timeout"}
    assert errors == {"ECANCELED"}, "none of them found the descriptors taken"
    assert not [line for line in gate.stderr if "cannot accept" in line]
