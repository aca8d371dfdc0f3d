"""Tunnels go on when the access log cannot be written."""

import os
from pathlib import Path

from support.gate import Gate, cisco_at
from support.raw_client import ask, open_tunnel
from support.standin import StandIn

DENIED = b"CONNECT evil.example:443 HTTP/1.1\r\nUser-Agent: " + b"x" * 200 + b"\r\n\r\n"
ENOUGH = 200
"""Number of records that fill more than the 64 KiB of a pipe."""


def test_tunnels_go_on_when_the_disk_is_full(tmp_path: Path, standin: StandIn) -> None:
    settings = cisco_at(standin.port).replace("access.jsonl", "/dev/full")
    with Gate(tmp_path, settings) as gate:
        assert ask(gate, DENIED).status == 403
        gate.await_line("No space left on device")
        open_tunnel(gate).close()


def test_a_stalled_log_reader_blocks_neither_tunnels_nor_a_stop(tmp_path: Path, standin: StandIn) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR)
    settings = cisco_at(standin.port).replace("access.jsonl", pipe.name)
    try:
        with Gate(tmp_path, settings) as gate:
            for _ in range(ENOUGH):
                assert ask(gate, DENIED).status == 403
            open_tunnel(gate).close()
    finally:
        os.close(reader)

    assert standin.accepted(1) == 1
