"""What `licensegate check` finds about logs that go to a server."""

import json
import os
import socket
from pathlib import Path

import pytest

from licensegate.app.cli import main
from support.authority import Authority
from support.upstream import closed_port


def checked(folder: Path, log: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str], list[str]]:
    """The exit status, the faults and the warnings about logs."""
    (folder / "gate.toml").write_text(f"[log]\n{log}\n[[listen]]\naddress = '127.0.0.1:0'\n")
    status = main(["check", "--json", str(folder / "gate.toml")])
    found = json.loads(capsys.readouterr().out)
    return status, found["faults"], [warning for warning in found["warnings"] if warning.startswith("log.")]


def test_a_server_that_cannot_be_reached_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"syslog+tcp://127.0.0.1:{closed_port()}"
    status, faults, warnings = checked(tmp_path, f"access = '{url}'\nservice = 'syslog://{tmp_path}/log'", capsys)
    assert (status, faults) == (0, [])
    later = "; until then lines wait, and then are dropped"
    assert [warning.removesuffix(later) for warning in warnings] == [
        f"log.access: nobody listens at {url}; start the server, or correct log.access",
        f"log.service: syslog://{tmp_path}/log is not there; start the daemon that makes it, or correct log.service",
    ]


def test_a_server_that_answers_gets_no_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"syslog+tcp://127.0.0.1:{server.getsockname()[1]}"
        assert checked(tmp_path, f"access = '{url}'", capsys) == (0, [], [])


def test_unusable_files_for_tls_are_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"access = 'syslog+tls://127.0.0.1:{closed_port()}'"
    (tmp_path / "empty.pem").write_text("no certificate")
    status, (fault,), _ = checked(tmp_path, f"{url}\nsyslog_ca = 'empty.pem'", capsys)
    assert status == 2
    assert fault.startswith(f"log.syslog_ca: {tmp_path}/empty.pem cannot be used: ")

    authority = Authority(tmp_path)
    one, other = authority.issue("one.test"), authority.issue("other.test")
    keys = f"syslog_certificate = '{os.path.basename(one.chain)}'\nsyslog_key = '{os.path.basename(other.key)}'"
    status, (fault,), _ = checked(tmp_path, f"{url}\n{keys}", capsys)
    assert status == 2
    assert fault.startswith(f"log.syslog_certificate: {one.chain} cannot be used with {other.key}: ")
