"""The rules suggested for refused targets, and that they allow them once applied."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target, parse_authority
from licensegate.app.commands.refused_targets import RefusedTarget
from licensegate.app.commands.suggest_rules import suggest
from licensegate.app.settings import load
from support.requirements import require_command

WHEN = datetime(2026, 9, 1, 8, tzinfo=UTC)
ASKED = "asked for 2 times by 1 client, first 2026-09-01T08:00:00Z, last 2026-09-01T08:00:00Z"
PRESETS = "LICENSEGATE__ALLOWLIST__PRESETS"
RULES = "LICENSEGATE__ALLOWLIST__RULE"


def seen(*authorities: str, is_private: bool = False) -> list[RefusedTarget]:
    targets = [parse_authority(authority.encode()) for authority in authorities]
    return [RefusedTarget(target, WHEN, WHEN, 2, {"10.1.2.3"}, is_private) for target in targets]


def suggested(folder: Path, text: str | None, *authorities: str, environ: dict[str, str] | None = None) -> str:
    """The suggestion for a settings file with this text, or without one. Leaves out the file's folder."""
    file = None if text is None else folder / "gate.toml"
    if file is not None and text is not None:
        file.write_bytes(text.encode())
    said = suggest(load(file, environ or {}), file, environ or {}, seen(*authorities))
    return said.replace(str(folder), "")


def test_diff_without_a_file_makes_a_new_one(tmp_path: Path) -> None:
    assert suggested(tmp_path, None, "smartreceiver.cisco.com:443", "ssm.example.net:8443") == (
        "--- /dev/null\n"
        "+++ licensegate.toml\n"
        "@@ -0,0 +1,8 @@\n"
        "+[allowlist]\n"
        f"+# smart-transport allows smartreceiver.cisco.com:443, {ASKED}\n"
        '+presets = ["cisco-licensing", "smart-transport"]\n'
        "+\n"
        f"+# ssm.example.net:8443, {ASKED}\n"
        "+[[allowlist.rule]]\n"
        '+host = "ssm.example.net"\n'
        "+port = 8443\n"
    )


def test_diff_changes_only_the_lines_it_must(tmp_path: Path) -> None:
    text = '[allowlist]\npresets = ["cucm"]\n\n[[allowlist.rule]]\nhost = "a.example"'

    assert suggested(tmp_path, text, "b.example:443") == (
        "--- /gate.toml\n"
        "+++ /gate.toml\n"
        "@@ -2,4 +2,8 @@\n"
        ' presets = ["cucm"]\n'
        " \n"
        " [[allowlist.rule]]\n"
        '-host = "a.example"\n'
        "\\ No newline at end of file\n"
        '+host = "a.example"\n'
        "+\n"
        f"+# b.example:443, {ASKED}\n"
        "+[[allowlist.rule]]\n"
        '+host = "b.example"\n'
    )


@pytest.mark.parametrize(
    ("in_force", "authorities", "presets"),
    [
        pytest.param("cisco-licensing", ["smartreceiver.cisco.com:443"], ["smart-transport"], id="the smallest"),
        pytest.param(
            "", ["smartreceiver.cisco.com:443", "tools.cisco.com:443"], ["cucm"], id="one for both, and nothing besides"
        ),
        pytest.param(
            "cisco-licensing",
            ["swapi.cisco.com:443", "id.cisco.com:443", "apx.cisco.com:443"],
            ["satellite-sync"],
            id="all of it was seen",
        ),
        pytest.param(
            "cisco-licensing",
            ["smartreceiver.cisco.com:443", "apix.cisco.com:443"],
            ["smart-transport", "smart-account-api"],
            id="two presets",
        ),
    ],
)
def test_presets_with_the_fewest_other_targets_are_chosen(
    tmp_path: Path, in_force: str, authorities: list[str], presets: list[str]
) -> None:
    said = suggested(tmp_path, f"[allowlist]\npresets = [{f'{in_force!r}' if in_force else ''}]\n", *authorities)

    (line,) = [line for line in said.splitlines() if line.startswith("+presets")]
    assert [name for name in line.split('"')[1::2] if name != "cisco-licensing"] == presets
    assert "[[allowlist.rule]]" not in said


def test_other_targets_of_a_preset_are_listed(tmp_path: Path) -> None:
    said = suggested(tmp_path, None, "swapi.cisco.com:443")

    assert "+# satellite-sync also allows id.cisco.com:443, apx.cisco.com:443\n" in said


def test_a_presets_host_on_another_port_is_a_rule(tmp_path: Path) -> None:
    said = suggested(tmp_path, None, "tools.cisco.com:80")

    assert said.endswith('+[[allowlist.rule]]\n+host = "tools.cisco.com"\n+port = 80\n')
    assert "presets" not in said


def test_ip_address_is_only_a_comment(tmp_path: Path) -> None:
    assert suggested(tmp_path, None, "72.163.4.38:443", "[2001:db8::1]:443") == (
        f"# [2001:db8::1]:443, {ASKED}: addresses are not suggested; have the product use the host's name\n"
        f"# 72.163.4.38:443, {ASKED}: addresses are not suggested; have the product use the host's name\n"
    )


def test_manual_shows_the_real_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manual = (Path(__file__).parents[4] / "docs/report-only.md").read_text(encoding="utf-8")
    shown = manual.partition("```diff\n")[2].partition("```")[0]
    monkeypatch.chdir(tmp_path)
    Path("gate.toml").write_text('[allowlist]\nmode = "report"\n', encoding="utf-8")
    rows = [
        ("smartreceiver.cisco.com:443", (1, 8, 0), (3, 17, 12), 14, 3),
        ("ssm.example.net:8443", (2, 10, 0), (2, 10, 5), 2, 1),
        ("72.163.4.38:443", (1, 8, 0), (1, 9, 0), 3, 1),
    ]
    targets = [
        RefusedTarget(
            parse_authority(authority.encode()),
            datetime(2026, 9, *first, tzinfo=UTC),
            datetime(2026, 9, *last, tzinfo=UTC),
            times,
            {f"10.1.2.{number}" for number in range(clients)},
        )
        for authority, first, last, times, clients in rows
    ]

    assert suggest(load(Path("gate.toml"), {}), Path("gate.toml"), {}, targets) == shown


@pytest.mark.parametrize("authorities", [[], ["tools.cisco.com:443"]], ids=["nothing seen", "allowed by now"])
def test_suggest_says_when_there_is_nothing_to_add(tmp_path: Path, authorities: list[str]) -> None:
    assert suggested(tmp_path, None, *authorities) == "# nothing to add: every target in the log is allowed\n"


def test_target_with_private_addresses_gets_a_hint() -> None:
    said = suggest(load(None, {}), None, {}, seen("ssm.example.net:443", is_private=True))

    assert (
        "+# its addresses are not public: if the server is your own, add private = true\n+[[allowlist.rule]]\n" in said
    )


REPORTING = """\
[[allowlist.rule]]
host = "ssm.example.net"
private = true
report = true

[[allowlist.rule]]
host = "*.example.org"
require_tls = false
report = true

[[allowlist.rule]]
host = "smartreceiver.cisco.com"
report = true
"""


def test_reporting_rule_is_changed_to_allow_its_host(tmp_path: Path) -> None:
    said = suggested(tmp_path, REPORTING, "ssm.example.net:443", "smartreceiver.cisco.com:443")

    assert said.count("-report = true\n") == 2
    assert f"-report = true\n+# ssm.example.net:443, {ASKED}\n" in said
    assert "presets" not in said


def test_host_of_a_reporting_wildcard_gets_a_rule_with_its_terms(tmp_path: Path) -> None:
    said = suggested(tmp_path, REPORTING, "a.example.org:443")

    assert said.endswith('+[[allowlist.rule]]\n+host = "a.example.org"\n+require_tls = false\n')
    assert "-" not in {line[0] for line in said.splitlines()[2:]}


def test_variables_that_override_the_file_are_printed(tmp_path: Path) -> None:
    environ = {PRESETS: "cisco-licensing", RULES: "a.example:443"}
    said = suggested(tmp_path, "", "smartreceiver.cisco.com:443", "b.example:8443", environ=environ)

    assert said == (
        f"# smart-transport allows smartreceiver.cisco.com:443, {ASKED}\n"
        f"# {PRESETS}=cisco-licensing,smart-transport\n"
        f"# b.example:8443, {ASKED}\n"
        f"# {RULES}=a.example:443,b.example:8443\n"
    )
    told = dict(line.removeprefix("# ").split("=") for line in said.splitlines() if "=" in line)
    assert all(load(None, told).policy.decide(each.target).allowed for each in seen("b.example:8443"))


def test_lines_to_paste_are_printed_for_an_unknown_layout(tmp_path: Path) -> None:
    said = suggested(tmp_path, "allowlist = {mode = 'report'}\n", "smartreceiver.cisco.com:443", "b.example:443")

    assert said == (
        "# /gate.toml has a layout that cannot be edited; add these lines to its allowlist\n"
        f"# smart-transport allows smartreceiver.cisco.com:443, {ASKED}\n"
        'presets = ["cisco-licensing", "smart-transport"]\n'
        "\n"
        f"# b.example:443, {ASKED}\n"
        "[[allowlist.rule]]\n"
        'host = "b.example"\n'
    )


EVERYTHING = ["smartreceiver.cisco.com:443", "swapi.cisco.com:443", "a.example.org:443", "ssm.example.net:443"]
LAYOUTS = {
    "empty": "",
    "reporting rules": REPORTING,
    "all in report mode": '[allowlist]\nmode = "report"\npresets = [\n    "cucm"  # gr\u00fc\u00dfe\u2028\n]\n[log]\n',
    "without an end of its last line": '[allowlist]\npresets = ["cucm"]\n[log]\nlevel = "info"',
    "of Windows": '\ufeff[allowlist]\r\npresets = ["cisco-licensing"]\r\n\r\n[log]\r\nlevel = "info"\r\n',
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_patch_applies_the_diff_and_the_targets_are_allowed(tmp_path: Path, text: str) -> None:
    file = tmp_path / "gate of mine.toml"
    file.write_bytes(text.encode())
    said = suggest(load(file, {}), file, {}, seen(*EVERYTHING, "72.163.4.38:443"))

    patch = require_command("patch", "patch")
    subprocess.run([patch, "--binary", "--fuzz=0", file], input=said.encode(), check=True, stdout=subprocess.DEVNULL)

    policy = load(file, {}).policy
    assert all(policy.decide(parse_authority(each.encode())).allowed for each in EVERYTHING)
    assert not policy.decide(Target("72.163.4.38", 443)).allowed
    assert "nothing to add" in suggest(load(file, {}), file, {}, seen(*EVERYTHING))


def test_patch_creates_a_missing_settings_file(tmp_path: Path) -> None:
    patch = require_command("patch", "patch")
    said = suggest(load(None, {}), None, {}, seen("ssm.example.net:443"))
    subprocess.run([patch], input=said.encode(), check=True, stdout=subprocess.DEVNULL, cwd=tmp_path)

    settings = load(tmp_path / "licensegate.toml", {})
    assert settings.policy.decide(Target("ssm.example.net", 443)).rule == Rule("ssm.example.net")
