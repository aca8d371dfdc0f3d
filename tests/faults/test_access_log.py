"""An access log that cannot be written any more: the tunnels go on."""

import os
from pathlib import Path

from support.exchange import TARGET
from support.gate import Gate, lab
from support.raw_client import ask, open_tunnel
from support.standin import StandIn

DENIED = b"CONNECT evil.example:443 HTTP/1.1\r\nUser-Agent: " + b"x" * 200 + b"\r\n\r\n"
ENOUGH = 200
"""Records: more than the 64 KiB that a pipe holds."""


def test_a_full_disk_stops_no_tunnel(tmp_path: Path, standin: StandIn) -> None:
    settings = lab(f"{TARGET}:127.0.0.1:{standin.port}").replace("access.jsonl", "/dev/full")
    with Gate(tmp_path, settings) as gate:
        assert ask(gate, DENIED).status == 403
        gate.await_line("No space left on device")
        open_tunnel(gate).close()


def test_a_reader_of_the_log_that_stalls_stops_no_tunnel_and_no_stop(tmp_path: Path, standin: StandIn) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR)
    settings = lab(f"{TARGET}:127.0.0.1:{standin.port}").replace("access.jsonl", pipe.name)
    try:
        with Gate(tmp_path, settings) as gate:
            for _ in range(ENOUGH):
                assert ask(gate, DENIED).status == 403
            open_tunnel(gate).close()
    finally:
        os.close(reader)

    assert standin.connections == 1
