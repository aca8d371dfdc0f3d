"""A gate started by hand: both logs are on the terminal, until the settings ask for JSON."""

import json
import os
import re
import signal
import socket
from pathlib import Path

from support.gate import COMMAND
from support.pty import Pty, start_on
from support.upstream import SECONDS

SETTINGS = """
[[listen]]
address = "127.0.0.1:0"

[admin]
listen = ""

[probe]
handshake = "off"
"""


def refuse(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), SECONDS) as client:
        client.sendall(b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n")
        while client.recv(65536):
            pass


def test_a_gate_on_a_terminal_is_readable_until_json_is_set(tmp_path: Path) -> None:
    settings = tmp_path / "gate.toml"
    settings.write_text(SETTINGS)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LICENSEGATE")}
    with Pty() as terminal:
        gate = start_on(terminal, [COMMAND, "serve", "--config", settings], env=environ | {"NO_COLOR": "1"})
        try:
            ready = re.search(
                r"(?m)^\d\d:\d\d:\d\d ready: listening on 127\.0\.0\.1:(\d+)", terminal.await_text("; hash ")
            )
            assert ready is not None, terminal.text
            refuse(int(ready[1]))
            said = terminal.await_text("[target_not_allowed, 403]\n")
            assert re.search(
                r"(?m)^\d\d:\d\d:\d\d refused  127\.0\.0\.1: evil\.example:443 is not in the allowlist\. "
                r"\[target_not_allowed, 403\]$",
                said,
            )
            assert "\x1b" not in said

            settings.write_text(SETTINGS + '[log]\nformat = "json"\n')
            gate.send_signal(signal.SIGHUP)
            terminal.await_text("reload requested by SIGHUP")
            refuse(int(ready[1]))
            (record,) = re.findall(
                r"(?m)^\{.*\"event\":\"end\".*\}$", terminal.await_text('"outcome":"target_not_allowed"')
            )
            assert json.loads(record)["schema"] == 2
        finally:
            gate.terminate()
            assert gate.wait(SECONDS) == 0
