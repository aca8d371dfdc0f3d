"""Connections of the gate that come back to it: each ends in one refusal."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from licensegate.proxy.wire.tls_records import fatal_alert
from licensegate.records.alert import Alert
from support.client_hellos import hello_message, in_records, server_name_extension
from support.gate import Gate, cisco_at
from support.licensing_exchange import HOST
from support.raw_client import CONNECT, dial, open_tunnel, read_to_break
from support.upstream import closed_port

HELLO = in_records(hello_message(server_name_extension(HOST.encode()), random=bytes(range(32))))
DOORS = pytest.mark.parametrize("by_tls", [False, True], ids=["CONNECT", "TLS by its server name"])


@contextlib.contextmanager
def circle(folder: Path, gates: int) -> Iterator[list[Gate]]:
    """Gates that each send tools.cisco.com to the next, and the last one to the first."""
    ports = [closed_port() for _ in range(gates)]
    with contextlib.ExitStack() as stack:
        made = []
        for number, port in enumerate(ports):
            settings = cisco_at(ports[(number + 1) % gates]).replace("127.0.0.1:0", f"127.0.0.1:{port}")
            (folder / f"{number}").mkdir()
            made.append(stack.enter_context(Gate(folder / f"{number}", settings)))
        yield made


@DOORS
@pytest.mark.parametrize("number", [2, 3])
def test_gates_that_lead_to_each_other_end_in_one_refusal(tmp_path: Path, number: int, by_tls: bool) -> None:
    with circle(tmp_path, number) as gates:
        for round_number in (1, 2):  # once it has ended, the same hello may come again
            with dial(gates[0]) if by_tls else open_tunnel(gates[0], CONNECT) as client:
                client.sendall(HELLO)
                assert read_to_break(client) == fatal_alert(Alert.INTERNAL_ERROR)
            first = gates[0].records(2 * round_number)
            others = [gate.records(round_number) for gate in gates[1:]]
            assert [record["outcome"] for record in first].count("hello_loop") == round_number
            assert len(first) == 2 * round_number, "the tunnel and its return"
            assert [len(records) for records in others] == [round_number] * (number - 1)
