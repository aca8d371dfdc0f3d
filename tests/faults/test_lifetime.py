"""A tunnel that is used for ever ends at `limits.lifetime_seconds`, whatever passes through it."""

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.flood import leaves_nothing_open
from support.gate import ANYTHING, Gate, cisco_at
from support.gate_with_parents import parent_gate_settings
from support.raw_client import Dial, dial, dial_tls, open_tunnel
from support.upstream import Upstream

LIFETIME = 1
LIMITS = f"{ANYTHING}[limits]\nlifetime_seconds = {LIFETIME}\n"
SPLICED_AFTER = 1 << 18

DRIP, FULL = b"d", b"f"


def send_for_ever(connection: socket.socket) -> None:
    """A behaviour: send a byte now and then, or as much as possible, even after the client has ended its side."""
    full = connection.recv(1) == FULL
    while True:
        connection.sendall(bytes(1 << 16) if full else b"x")
        if not full:
            time.sleep(0.1)  # enough bytes would be spliced, too, through a pipe of their own


@contextlib.contextmanager
def gate_with_lifetime(folder: Path, port: int, *, through_parent: bool) -> Iterator[Gate]:
    """A gate with the limit; its parent is a gate without."""
    if not through_parent:
        with Gate(folder, cisco_at(port, more=LIMITS)) as gate:
            yield gate
        return
    parents, own = folder / "parent", folder / "own"
    parents.mkdir()
    own.mkdir()
    with (
        Gate(parents, cisco_at(port, more=ANYTHING)) as parent,
        Gate(own, parent_gate_settings(parent.url, more=LIMITS)) as gate,
    ):
        yield gate


def used_to_its_end(gate: Gate, dial: Dial, wish: bytes, *, half_closed: bool = False) -> int:
    """Use a tunnel until the gate ends it. Returns how many bytes came."""
    with open_tunnel(gate, dial=dial) as tunnel:
        tunnel.sendall(wish)
        if half_closed:
            tunnel.shutdown(socket.SHUT_WR)
        got = 0
        with contextlib.suppress(ConnectionResetError, ssl.SSLEOFError):
            while data := tunnel.recv(1 << 16):
                got += len(data)
    return got


@pytest.mark.parametrize("through_parent", [False, True], ids=["direct", "through a parent"])
def test_a_tunnel_ends_at_its_lifetime_whatever_it_does(tmp_path: Path, through_parent: bool) -> None:
    with (
        Upstream(send_for_ever) as upstream,
        gate_with_lifetime(tmp_path, upstream.port, through_parent=through_parent) as gate,
        ThreadPoolExecutor() as threads,
    ):
        used_to_its_end(gate, dial, DRIP)  # what stays open from the first tunnel on is no leak
        gate.records(1)
        gate.forget_records()
        with leaves_nothing_open(gate, idle_pipes=1):
            full = threads.submit(used_to_its_end, gate, dial, FULL)
            others = [
                threads.submit(used_to_its_end, gate, dial, DRIP),
                threads.submit(used_to_its_end, gate, dial, DRIP, half_closed=True),
                threads.submit(used_to_its_end, gate, dial_tls, DRIP),
            ]
            assert full.result() > SPLICED_AFTER
            assert all(other.result() for other in others)
            records = gate.records(4)
        open_tunnel(gate).close()

    assert [record["outcome"] for record in records] == ["lifetime_over"] * 4
    assert all(record["relay_ms"] >= LIFETIME * 1000 for record in records)
    assert {record["ended_by"] for record in records} == {"gate"}
