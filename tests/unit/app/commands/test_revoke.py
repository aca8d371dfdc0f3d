"""What `revoke` and `end` take on the command line, what they ask for, and what they say."""

import json
from pathlib import Path
from typing import Any

import pytest

from licensegate.app.cli import main
from licensegate.app.commands import ended_tunnels
from licensegate.app.service.control_protocol import Request, RevocationRequest

TUNNEL = {"id": "5f0c6a7e2200000017", "client": "10.1.2.3", "target": "tools.cisco.com:443", "user": "bob"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Request]:
    """The requests that commands send. A gate ends one tunnel for each, and the one that drains another."""
    requests: list[Request] = []
    monkeypatch.setenv("LICENSEGATE__STATE__DIRECTORY", str(tmp_path))
    (tmp_path / "control-4711.sock").touch()

    def answer(path: Path, request: Request, seconds: float) -> bytes:
        requests.append(request)
        draining = path.name == "control-4711.sock"
        found = {**TUNNEL, "id": "2"} if draining else TUNNEL
        unknown = [one for one in request.ids if one != found["id"]]
        tunnels = [found] if not request.ids or found["id"] in request.ids else []
        made: dict[str, Any] = {"schema": 1, "language": "en", "made_at": "2026-11-30T12:00:00Z"}
        return json.dumps({**made, "tunnels": tunnels, "unknown": unknown}).encode()

    monkeypatch.setattr(ended_tunnels, "ask_for_answer", answer)
    return requests


def test_options_narrow_the_request_together(asked: list[Request]) -> None:
    status = main(
        ["revoke", "--user", "bob", "--user", "eve", "--host", "Tools.Cisco.COM.", "--network", "10.1.2.3", "--dry-run"]
    )

    assert status == 0
    assert asked[0].revocation == RevocationRequest(
        ("tools.cisco.com",), ("bob", "eve"), ("10.1.2.3/32",), dry_run=True
    )


def test_what_both_processes_ended_is_shown_together(asked: list[Request], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["revoke", "--user", "bob"]) == 0

    shown = capsys.readouterr().out
    assert shown.startswith("2 tunnels were ended. New ones are not forbidden: to keep them out, ")
    assert shown.splitlines()[-2:] == [
        "5f0c6a7e2200000017  10.1.2.3  tools.cisco.com:443  bob   -",
        "2                   10.1.2.3  tools.cisco.com:443  bob   -",
    ]


def test_tunnels_that_are_not_allowed_need_no_advice(asked: list[Request], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["revoke", "--not-allowed"]) == 0

    assert capsys.readouterr().out.startswith("2 tunnels were ended.\n")


def test_an_id_that_any_process_knows_is_not_unknown(asked: list[Request], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["end", TUNNEL["id"], "2"]) == 0
    assert main(["end", "3", "--json"]) == 1

    shown = capsys.readouterr()
    assert json.loads(shown.out.splitlines()[-1])["unknown"] == ["3"]
    assert shown.err == "licensegate: no open connection has the id 3; `licensegate tunnels` lists them\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "say which tunnels: by --host, --user, --network, --certificate or --not-allowed"),
        (["--dry-run"], "say which tunnels"),
        (["--user", ""], "the user is empty"),
        (["--host", "tools.cisco.com:443"], "'tools.cisco.com:443' is not a host"),
        (["--host", "*.com"], "a wildcard needs two labels after it"),
        (["--network", "10.1.2.3/8"], 'is an address inside a network; write "10.0.0.0/8", or the address alone'),
    ],
    ids=["nothing", "only --dry-run", "no user", "a port", "a whole domain", "host bits"],
)
def test_a_command_line_that_says_not_which_is_refused(
    asked: list[Request], capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    try:
        status = main(["revoke", *arguments])
    except SystemExit as ended:
        status = int(str(ended.code))

    assert status == 2
    assert complaint in capsys.readouterr().err
    assert asked == []
