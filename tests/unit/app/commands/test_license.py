"""`licensegate license`: table, JSON and metrics, and its errors."""

import io
import json
import re
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from licensegate.app.cli import main
from licensegate.app.commands.license_table import NAMES
from licensegate.licensing.limits import all_limits
from support.licence_texts import FOLDER, expected_of, text_of

NOW = "2026-03-10T00:00Z"


def run(*arguments: str) -> int:
    return main(["license", *arguments])


def file_of(name: str) -> str:
    return str(FOLDER / f"{name}.txt")


def test_json_is_the_report_with_meaning_deadlines_and_unread(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json", "--now", NOW, file_of("cucm-all")) == 0

    said = json.loads(capsys.readouterr().out)
    assert {key: said[key] for key in expected_of("cucm-all")} == expected_of("cucm-all")
    assert list(said)[-3:] == ["meaning", "deadlines", "unread"]
    assert (said["meaning"]["level"], said["deadlines"][0]["days_left"]) == ("ok", 23)


def test_json_of_several_files_is_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json", file_of("cucm-all"), file_of("ios-udi")) == 0

    assert [each["product"]["pid"] for each in json.loads(capsys.readouterr().out)] == ["UCM", "RTR1006"]


def test_standard_input_is_read_without_a_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text_of("cucm-all").encode())))
    assert run("--now", NOW) == 0

    table = capsys.readouterr().out
    assert "OK, as of 2026-03-10 00:00 UTC" in table
    assert "2026-06-01 04:46 UTC    83 days left  authorization (printed)" in table
    assert "   41  in compliance         VOX Manager Enhanced License (12.x)" in table


def test_the_table_names_the_proxy_the_failures_and_the_block(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--now", "2026-07-27", file_of("iosxe-status-proxy"), file_of("asa-failing")) == 0

    table = capsys.readouterr().out
    assert "through the proxy gate.blue.example port 3128" in table
    assert "Communication timeout: no answer" in table
    assert "2025-08-02 09:04 UTC at the earliest" in table


def test_metrics_can_be_read_by_prometheus(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--prometheus", "--now", NOW, file_of("cucm-all"), file_of("asa-failing")) == 0

    families = {family.name: family for family in text_string_to_metric_families(capsys.readouterr().out)}
    levels = {sample.labels["pid"]: sample.value for sample in families["licensegate_license_level"].samples}
    assert levels == {"UCM": 0, "FWv": 3}
    deadlines = families["licensegate_license_deadline_timestamp_seconds"].samples
    assert {sample.labels["origin"] for sample in deadlines} == {"printed"}


def test_the_page_names_every_metric(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--prometheus", "--now", NOW, file_of("cucm-all")) == 0

    families = {family.name for family in text_string_to_metric_families(capsys.readouterr().out)}
    page = (FOLDER.parents[2] / "docs" / "licensing.md").read_text(encoding="utf-8")
    assert families == set(re.findall(r"^\| `(licensegate_license_\w+)`", page, re.MULTILINE))


def test_a_named_zone_changes_the_deadlines(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json", "--now", NOW, "--timezone", "Asia/Jerusalem", file_of("cucm-all")) == 0

    assert json.loads(capsys.readouterr().out)["deadlines"][1]["due"] == "2026-06-01T07:16:06Z"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--now", "tomorrow"], "--now tomorrow: write a time such as 2026-11-30T12:00Z"),
        (["--timezone", "Mars/Olympus"], "--timezone Mars/Olympus: this host knows no such zone"),
        (["--timezone", "../etc/passwd"], "--timezone ../etc/passwd: this host knows no such zone"),
        (["--family", "toaster"], "--family toaster: not known; one of CUCM, CUC"),
        (["/nowhere/output.txt"], "/nowhere/output.txt: No such file or directory; name a file that can be read"),
        (["/"], "/: it is a directory, not a regular file"),
    ],
)
def test_an_unusable_argument_is_named(arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    assert error in capsys.readouterr().err


@pytest.mark.parametrize(
    ("listen", "announce", "note"),
    [
        ("127.0.0.1:3128", "gate.blue.example", "its proxy is this gate"),
        ("127.0.0.1:8080", "Gate.blue.example", "but port 3128 is not one of the gate's: 8080"),
        ("127.0.0.1:3128", "", "gate.blue.example, is no address of this gate"),
    ],
)
def test_the_proxy_is_compared_with_the_gate(
    listen: str, announce: str, note: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "gate.toml"
    settings.write_text(f'announce = "{announce}"\n[[listen]]\naddress = "{listen}"\n')

    assert run("--config", str(settings), file_of("iosxe-status-proxy")) == 0
    assert note in capsys.readouterr().out


def test_a_broken_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "fmc.json"
    file.write_text('{"smartLicenseStatus" 7}')

    assert run(str(file)) == 2
    assert f"{file}: it begins like JSON and is not" in capsys.readouterr().err


def test_the_table_is_in_the_language_of_the_locale(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert run("--now", "2026-07-01", file_of("cucm-all")) == 0

    table = capsys.readouterr().out
    assert "\n状態          登録：登録済み, 承認：承認済み\n" in table
    assert "\nレベル        重大（2026-07-01 00:00 UTC時点）\n" in table
    assert "30日超過  承認（出力の日付）" in table


def test_every_time_limit_has_a_name() -> None:
    assert {each.name for each in all_limits()} == NAMES.keys()
