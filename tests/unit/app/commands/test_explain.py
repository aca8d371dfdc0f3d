"""`licensegate explain`: where it reads from, and its exit statuses."""

import io
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from licensegate.app import cli
from licensegate.app.overview.identities import ClientIdentity
from licensegate.app.overview.refusals import RefusalList, refusal_row
from licensegate.diagnosis.diagnosis import Diagnosis
from licensegate.language.language import ENGLISH
from licensegate.records.contact import Contact
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord
from support.diagnosed import failed, refused
from support.records import NOON


def log_of(folder: Path, *records: TunnelRecord, more: bytes = b"") -> str:
    file = folder / "access.jsonl"
    file.write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in records) + more)
    return str(file)


class _Page(BaseHTTPRequestHandler):
    status = 200
    body = b""
    asked: tuple[str, str] = ("", "")

    def do_GET(self) -> None:
        type(self).asked = self.path, self.headers.get("Authorization", "")
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def page() -> Iterator[tuple[type[_Page], str]]:
    """An admin server whose answer the test sets, and its URL."""

    class Page(_Page):
        pass

    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Page, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_log_with_failures_is_explained_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = log_of(tmp_path, failed(Contact.HELLO_CUT), more=b"x\n")

    assert cli.main(["explain", log]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("10.1.2.3 to tools.cisco.com:443: server_closed_on_hello, certain\n")
    assert said.err == "licensegate: warning: skipped lines that are not records of the gate: 2\n"


def test_a_log_without_failures_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", log_of(tmp_path, failed(Contact.ANSWERED, answered_ms=200.0))]) == 0
    assert "Nothing failed." in capsys.readouterr().out


def test_old_failures_are_left_out_by_since(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "--since", "1h", log_of(tmp_path, failed(Contact.HELLO_CUT))]) == 0
    assert "0 connections" in capsys.readouterr().out


def test_json_has_every_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = log_of(tmp_path, failed(Contact.HELLO_CUT), refused(Outcome.CLIENT_NOT_ALLOWED))

    assert cli.main(["explain", "--json", log]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["connections"] == 2
    assert {failure["finding"] for failure in said["failures"]} == {"server_closed_on_hello", "source_not_allowed"}


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lines = io.TextIOWrapper(io.BytesIO(msgspec.json.encode(failed(Contact.HELLO_CUT)) + b"\n"))
    monkeypatch.setattr("sys.stdin", lines)

    assert cli.main(["explain", "-"]) == 1
    assert "server_closed_on_hello" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/nonexistent/log"], "/nonexistent/log: No such file or directory; name an access log that can be read"),
        (["--url", "http://127.0.0.1:9"], "no gate answers at http://127.0.0.1:9: Connection refused"),
        (["--url", "ftp://gate"], "'ftp://gate' is not the URL of a gate"),
        ([__file__], "no line is a record of a gate of this release; name the file of log.access"),
    ],
)
def test_what_cannot_be_read_ends_with_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["explain", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--since", "soon"], ["--client", "cucm"], ["--since", "0h"]])
def test_an_argument_that_is_none_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        cli.main(["explain", *arguments])

    assert refusal.value.code == 2
    assert "licensegate explain --help" in capsys.readouterr().err


def test_a_running_gate_is_asked_for_its_failures(
    page: tuple[type[_Page], str], capsys: pytest.CaptureFixture[str]
) -> None:
    server, url = page
    diagnosis = Diagnosis()
    records = [refused(Outcome.CLIENT_NOT_ALLOWED, after=5), failed(Contact.HELLO_CUT)]
    diagnosis.observe(records)
    rows = [refusal_row(each, ClientIdentity("", ""), diagnosis, ENGLISH, whole=True) for each in records]
    server.body = msgspec.json.encode(RefusalList(language="en", made_at=NOON, refusals=rows))

    assert cli.main(["explain", "--url", url]) == 1
    said = capsys.readouterr().out
    assert said.index("source_not_allowed") < said.index("server_closed_on_hello")
    assert server.asked[0] == "/api/refusals"


def test_the_token_of_the_settings_opens_the_page(tmp_path: Path, page: tuple[type[_Page], str]) -> None:
    server, url = page
    server.body = b'{"refusals":[]}'
    (tmp_path / "token").write_text("0123456789abcdef\n")
    settings = tmp_path / "gate.toml"
    settings.write_text(f'[admin]\nlisten = "{url.removeprefix("http://")}"\ntoken_file = "{tmp_path}/token"\n')

    assert cli.main(["explain", "--config", str(settings)]) == 0
    assert server.asked == ("/api/refusals", "Bearer 0123456789abcdef")


@pytest.mark.parametrize(("status", "body"), [(401, b"needs the token"), (200, b"[]"), (200, b'{"refusals":[{}]}')])
def test_another_page_ends_with_2(status: int, body: bytes, page: tuple[type[_Page], str]) -> None:
    server, url = page
    server.status, server.body = status, body

    assert cli.main(["explain", "--url", url]) == 2


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(
            {"outcome": Outcome.DESTINATION_IP_PROHIBITED, "preset": "", "addresses": ["a b"]}, id="an address"
        ),
        pytest.param({"time": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)}, id="a time"),
    ],
)
def test_a_record_with_a_damaged_value_is_skipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], broken: dict[str, Any]
) -> None:
    damaged = failed(Contact.HELLO_CUT)
    for key, value in broken.items():
        setattr(damaged, key, value)

    status = cli.main(["explain", log_of(tmp_path, damaged, failed(Contact.HELLO_CUT))])

    said = capsys.readouterr()
    assert (status, said.out.count("server_closed_on_hello")) == (1, 1)
    assert said.err == "licensegate: warning: skipped lines that are not records of the gate: 1\n"
