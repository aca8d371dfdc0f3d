"""`check --json` and `test-rule --json`: the results that other programs read."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from licensegate.app.cli import main
from support.gate import COMMAND
from support.programs import run
from support.pty import run_on_terminal

SETTINGS = """
[clients]
networks = ["10.0.0.0/8"]
[[allowlist.rule]]
host = "ssm.example.net"
private = true
users = ["satellite"]
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "gate.toml"
    path.write_text(SETTINGS)
    return path


def printed(capsys: pytest.CaptureFixture[str], status: int, *arguments: str | Path) -> dict[str, Any]:
    """The result that a command prints, with nothing on standard error."""
    assert main([*map(str, arguments)]) == status
    output = capsys.readouterr()
    assert output.err == ""
    (line,) = output.out.splitlines()
    result = json.loads(line)
    assert isinstance(result, dict)
    return result


def test_check_says_what_would_be_in_force(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = printed(capsys, 0, "check", "--json", settings)

    assert (result["schema"], result["usable"], result["faults"]) == (1, True, [])
    assert result["settings"] == str(settings)
    assert result["in_force"]["clients.networks"] == ["10.0.0.0/8"]
    rules = {rule["target"]: rule for rule in result["targets"]}
    assert rules["tools.cisco.com:443"]["preset"] == "cisco-licensing"
    assert rules["ssm.example.net:443"] == {
        "target": "ssm.example.net:443",
        "preset": "",
        "why": "",
        "verified": True,
        "report": False,
        "private": True,
        "users": ["satellite"],
        "networks": [],
        "certificates": [],
    }


def test_check_says_what_is_wrong_with_unusable_settings(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings.write_text("[limits]\ntunnels = 0\n")

    result = printed(capsys, 2, "check", "--json", settings)

    assert (result["usable"], result["in_force"]) == (False, {})
    assert result["faults"] == [f"{settings}: limits.tunnels: 0 is not a whole number from 1 to 1000000"]


def test_check_says_how_the_tests_of_the_allowlist_went(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tests = settings.with_name("tests.toml")
    tests.write_text('[[test]]\nclient = "10.1.2.3"\ntarget = "evil.example"\nexpect = "allow"\n')

    result = printed(capsys, 1, "check", "--json", "--tests", tests, settings)

    (case,) = result["tests"]
    assert case["test"] == "a client: 10.1.2.3 to evil.example"
    assert case["fault"].startswith("expected allow, but the gate says: refused: target_not_allowed")
    assert "no test asks for tools.cisco.com:443 (preset cisco-licensing)" in result["warnings"]


def test_check_prints_no_password(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "gate.toml"
    path.write_text('[ledger]\nurl = "postgresql://gate:hush@db.example.net/licensegate"\n')

    printed_text = json.dumps(printed(capsys, 0, "check", "--json", path))

    assert "db.example.net" in printed_text
    assert "hush" not in printed_text


def test_the_name_of_a_file_that_is_no_text_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"gate-\xff.toml")
    path.touch()

    done = run(COMMAND, "check", "--json", path)

    assert "gate-\\udcff.toml" in done.stdout
    assert json.loads(done.stdout)["settings"].endswith("gate-\udcff.toml")


@pytest.mark.parametrize(
    ("target", "status", "expected"),
    [
        pytest.param(
            "tools.cisco.com:443",
            0,
            {"allowed": True, "network": "10.0.0.0/8", "preset": "cisco-licensing", "outcome": "", "status": 0},
            id="allowed",
        ),
        pytest.param(
            "smartreceiver.cisco.com:443",
            1,
            {"allowed": False, "outcome": "target_in_preset", "status": 403, "rule": ""},
            id="refused",
        ),
    ],
)
def test_test_rule_says_what_was_decided(
    settings: Path, capsys: pytest.CaptureFixture[str], target: str, status: int, expected: dict[str, Any]
) -> None:
    result = printed(capsys, status, "test-rule", "--json", "--config", settings, "10.1.2.3", target)

    assert (result["schema"], result["client"], result["target"]) == (1, "10.1.2.3", target)
    assert {key: result[key] for key in expected} == expected
    assert bool(result["sentence"]) is bool(result["remedy"]) is not result["allowed"]
    assert bool(result["not_looked_at"]) is result["allowed"]


def test_json_on_a_terminal_has_no_character_that_acts_on_it(tmp_path: Path) -> None:
    path = tmp_path / "gate\u202e\x9b\U000e0001.toml"
    path.touch()

    status, text = run_on_terminal(COMMAND, "check", "--json", path, columns=2000)

    assert status == 0
    (line,) = text.splitlines()
    assert line.isprintable()
    assert json.loads(line)["settings"] == str(path)
