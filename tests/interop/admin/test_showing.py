"""`licensegate status` and its relatives, asking a gate that runs: in a pipe, on terminals, over socket and server."""

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from licensegate.app.cli import main
from support.admin_client import ANY_PORT, admin_port, get_page
from support.authority import Authority
from support.gate import COMMAND, Gate, gate_settings
from support.licensing_exchange import REFUSING_HOST, TARGET
from support.pty import Pty, run_on_terminal, start_on
from support.raw_client import ask
from support.standin import StandIn
from support.upstream import SECONDS, Upstream, closed_port

HOSTILE = b"CONNECT evil.example:443 HTTP/1.1\r\nUser-Agent: \xe2\x80\xaeowned\xc2\x9b\r\n\r\n"
REFUSED = b"CONNECT smartreceiver.cisco.com:443 HTTP/1.1\r\nUser-Agent: Java/17.0.13\r\n\r\n"
COMMANDS = ("status", "clients", "refusals", "tunnels", "rules", "changes")


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Gate]:
    """A gate that has refused two clients and has an open tunnel, with a state directory and an admin server."""
    folder = tmp_path_factory.mktemp("shown")
    with StandIn(authority) as standin:
        places = (f"{TARGET}:127.0.0.1:{standin.port}", f"{REFUSING_HOST}:443:127.0.0.1:{closed_port()}")
        more = '[state]\ndirectory = "."\n[limits]\nhello_seconds = 600\n'
        settings = gate_settings(*places, more=more, admin=ANY_PORT)
        with (
            Gate(folder, settings) as running,
            socket.create_connection(("127.0.0.1", running.port), SECONDS) as open_one,
        ):
            ask(running, HOSTILE)
            ask(running, REFUSED)
            open_one.sendall(f"CONNECT {TARGET} HTTP/1.1\r\n\r\n".encode())
            assert open_one.recv(4096).startswith(b"HTTP/1.1 200 ")
            running.records(2)
            yield running


def environment(language: str = "C.UTF-8", **more: str) -> dict[str, str]:
    dropped = ("LICENSEGATE", "LC_", "LANG", "NO_COLOR", "STATE_DIRECTORY")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**inherited, "LANG": language, "PYTHONIOENCODING": "utf-8", "TERM": "xterm-256color", **more}


def piped(capsys: pytest.CaptureFixture[str], *arguments: str | Path, statuses: tuple[int, ...] = (0,)) -> str:
    """What a command prints in a pipe."""
    assert main([*map(str, arguments)]) in statuses
    output = capsys.readouterr()
    assert output.err == ""
    return output.out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The only line on standard error of a command that cannot show anything."""
    try:
        status: object = main([*map(str, arguments)])
    except SystemExit as ended:
        status = ended.code
    output = capsys.readouterr()
    assert (status, output.out) == (2, "")
    (line,) = output.err.splitlines()
    return line


@pytest.fixture(autouse=True)
def plain_english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANGUAGE", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")


def url(gate: Gate) -> str:
    return f"http://127.0.0.1:{admin_port(gate)}"


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "made_at"}


@pytest.mark.parametrize(("name", "path"), [("refusals", "/api/refusals"), ("clients", "/api/clients")])
def test_json_is_that_of_the_api_by_socket_and_server(
    gate: Gate, capsys: pytest.CaptureFixture[str], name: str, path: str
) -> None:
    by_socket = json.loads(piped(capsys, name, "--json", "--config", gate.settings))
    by_server = json.loads(piped(capsys, name, "--json", "--url", url(gate)))
    page = get_page(gate, path).json

    assert without_times(by_socket) == without_times(by_server) == without_times(page)


def test_a_pipe_gets_what_happened_and_what_to_change(gate: Gate, capsys: pytest.CaptureFixture[str]) -> None:
    headings, *lines = piped(capsys, "refusals", "--config", gate.settings).splitlines()
    assert headings.split("  ")[0] == "Time"
    rows = [re.split(" {2,}", line) for line in lines]
    (refused,) = [row for row in rows if row[2] == "smartreceiver.cisco.com:443"]
    assert refused[3:6] == ["target_in_preset", "certain", "target_in_preset"]
    assert refused[7] == "Add that preset to allowlist.presets."
    headings, tunnel = piped(capsys, "tunnels", "--config", gate.settings).splitlines()
    assert f"  {TARGET}  " in tunnel
    assert headings.startswith("Client  ")
    assert "127.0.0.1" in piped(capsys, "clients", "--config", gate.settings, "127.0.0")
    assert piped(capsys, "clients", "--config", gate.settings, "no such client").count("\n") == 1


@pytest.mark.parametrize(("columns", "language"), [(40, "C.UTF-8"), (80, "ja_JP.UTF-8"), (200, "C.UTF-8")])
def test_a_terminal_is_drawn_on_in_its_language(gate: Gate, columns: int, language: str) -> None:
    status, text = run_on_terminal(
        COMMAND, "status", "--config", gate.settings, columns=columns, env=environment(language)
    )
    assert status in (0, 1), text
    assert "\x1b[" in text
    assert ("クライアント" in text) is language.startswith("ja")
    assert "\u202e" not in text
    assert "\x9b" not in text


def test_no_color_is_honoured(gate: Gate) -> None:
    command = (COMMAND, "refusals", "--config", gate.settings)
    assert (
        "\x1b[3" in run_on_terminal(*command, env=environment())[1]
        or "\x1b[" in run_on_terminal(*command, env=environment())[1]
    )
    _, text = run_on_terminal(*command, env=environment(NO_COLOR="1"))
    assert not any(f"\x1b[{code}m" in text for code in range(30, 48))


def test_a_terminal_that_cannot_draw_gets_plain_columns(gate: Gate) -> None:
    status, text = run_on_terminal(COMMAND, "tunnels", "--config", gate.settings, env=environment(TERM="dumb"))
    assert (status, text.count("\n")) == (0, 2)
    assert "\x1b" not in text


def test_watching_draws_again_until_ctrl_c(gate: Gate) -> None:
    with Pty(120) as terminal:
        command = (COMMAND, "refusals", "--watch", "0.5", "--config", gate.settings)
        watching = start_on(terminal, command, env=environment())
        terminal.await_text("smartreceiver.cisco.com:443")
        ask(gate, b"CONNECT later.example:443 HTTP/1.1\r\n\r\n")
        terminal.await_text("later.example:443")
        watching.send_signal(signal.SIGINT)
        assert watching.wait(SECONDS) == 0


def test_watching_a_pipe_prints_line_after_line(gate: Gate) -> None:
    command = (COMMAND, "tunnels", "--json", "--watch", "0.5", "--config", gate.settings)
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as watching:
        assert watching.stdout is not None
        schemas = [json.loads(watching.stdout.readline())["schema"] for _ in range(2)]
        watching.send_signal(signal.SIGINT)
        assert (schemas, watching.wait(SECONDS)) == ([1, 1], 0)


def test_status_exits_with_1_if_something_needs_attention(gate: Gate, capsys: pytest.CaptureFixture[str]) -> None:
    overview = json.loads(piped(capsys, "status", "--json", "--url", url(gate), statuses=(1,)))
    assert overview["level"] in ("warning", "critical")
    assert overview["language"] == "en"
    assert piped(capsys, "status", "--url", url(gate), statuses=(1,)).startswith(overview["headline"])


def test_a_gate_without_an_admin_server_is_asked_over_its_socket(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = gate_settings(more='[state]\ndirectory = "."\n')
    with Gate(tmp_path, settings) as gate:
        ask(gate, REFUSED)
        gate.records(1)
        for name in COMMANDS:
            answer = json.loads(piped(capsys, name, "--json", "--config", gate.settings, statuses=(0, 1)))
            assert answer["schema"] == 1
        assert "target_in_preset" in piped(capsys, "refusals", "--config", gate.settings)
    said = refused(capsys, "status", "--config", gate.settings)
    assert f"no gate answers on {tmp_path}/control.sock" in said
    assert said.endswith("there is no admin server to ask, either")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(
            ["--url", "http://127.0.0.1:1"], "no gate answers at http://127.0.0.1:1: Connection", id="no gate"
        ),
        pytest.param(["--url", "ftp://a/"], "is not the URL of a gate", id="no URL"),
        pytest.param(["--config", "/missing.toml"], "/missing.toml: No such file", id="no settings"),
        pytest.param(
            ["--url", "http://127.0.0.1:1", "--token-file", "/missing"], "cannot read /missing", id="no token"
        ),
        pytest.param(["--watch", "0.1"], "is not a number of seconds from 0.5 to 3600", id="too often"),
        pytest.param(["--watch", "often"], "is not a number of seconds", id="no number"),
    ],
)
def test_an_error_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    assert words in refused(capsys, "status", *arguments)


def test_a_wrong_token_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token = tmp_path / "admin.token"
    token.write_text("w" * 32)
    asked = []

    def refuse(connection: socket.socket) -> None:
        asked.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 17\r\n\r\nIt needs a token.")

    with Upstream(refuse) as server:
        far = f"http://127.0.0.1:{server.port}"
        said = refused(capsys, "refusals", "--url", far, "--token-file", token)

    assert said == f"licensegate: {far}/api/refusals: 401 It needs a token.; name its file with --token-file"
    assert b"Authorization: Bearer " + b"w" * 32 in asked[0]
