"""A gate that is started with a standard stream closed, as some supervisors do."""

import signal
import socket
import subprocess
from pathlib import Path

import pytest

from support.gate import COMMAND
from support.sockets import spin_until
from support.upstream import closed_port


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"], ids=["input", "output", "error", "all"])
def test_a_gate_with_closed_standard_streams_serves(tmp_path: Path, closed: str) -> None:
    port = closed_port()
    settings = tmp_path / "gate.toml"
    settings.write_text(f'[[listen]]\naddress = "127.0.0.1:{port}"\n[admin]\nlisten = ""\n')
    gate = subprocess.Popen(["sh", "-c", f'exec "$0" serve --config "$1" {closed}', str(COMMAND), str(settings)])
    try:
        spin_until(lambda: gate.poll() is not None or accepts(port))
        gate.send_signal(signal.SIGTERM)
        assert gate.wait() == 0
    finally:
        gate.kill()
        gate.wait()
