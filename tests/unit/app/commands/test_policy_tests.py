import argparse
from pathlib import Path

import pytest

from licensegate.app.commands import check
from licensegate.app.commands.policy_tests import CaseResult, try_policy, untouched
from licensegate.app.settings import Settings, SettingsError, load

SETTINGS = """
[clients]
networks = ["10.0.0.0/8"]
[[allowlist.rule]]
host = "ssm.example.net"
users = ["svc"]
[[allowlist.rule]]
host = "*.example.org"
networks = ["10.9.0.0/16"]
[[allowlist.rule]]
host = "new.example.com"
report = true
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "gate.toml"
    path.write_text(SETTINGS)
    return load(path, {})


def tried(settings: Settings, folder: Path, *cases: str) -> list[CaseResult]:
    path = folder / "tests.toml"
    path.write_text("".join(f"[[test]]\n{case}\n" for case in cases))
    return try_policy(settings, path)


def case(target: str, expect: str, client: str = "10.1.2.3", more: str = "") -> str:
    return f'client = "{client}"\ntarget = "{target}"\nexpect = "{expect}"\n{more}'


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(case("tools.cisco.com", "allow"), id="a preset's target, port 443 left out"),
        pytest.param(case("evil.example:443", "deny"), id="no rule"),
        pytest.param(case("tools.cisco.com:80", "deny", more='outcome = "target_port_not_allowed"'), id="its outcome"),
        pytest.param(case("ssm.example.net:443", "allow", more='user = "svc"'), id="user"),
        pytest.param(case("ssm.example.net:443", "deny", more='user = "other"'), id="another user"),
        pytest.param(case("x.example.org:443", "allow", client="10.9.1.1"), id="client of the rule"),
        pytest.param(case("x.example.org:443", "deny"), id="another client"),
        pytest.param(case("tools.cisco.com:443", "deny", client="192.0.2.1"), id="no client at all"),
        pytest.param(case("new.example.com:443", "report"), id="only reported"),
    ],
)
def test_the_gate_says_what_is_expected(settings: Settings, tmp_path: Path, written: str) -> None:
    assert [result.fault for result in tried(settings, tmp_path, written)] == [""]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        pytest.param(case("tools.cisco.com", "deny"), "expected deny, but the gate says: allowed", id="allowed"),
        pytest.param(
            case("evil.example", "allow"),
            "expected allow, but the gate says: refused: target_not_allowed (403)",
            id="refused",
        ),
        pytest.param(
            case("evil.example", "deny", more='outcome = "target_in_preset"'),
            "expected deny by target_in_preset, but the gate says: refused: target_not_allowed (403)",
            id="another outcome",
        ),
        pytest.param(case("new.example.com", "allow"), "but the gate says: passes", id="only reported, not allowed"),
        pytest.param(case("new.example.com", "deny"), "but the gate says: passes", id="reported, so it passes"),
    ],
)
def test_a_wrong_expectation_is_told(settings: Settings, tmp_path: Path, written: str, words: str) -> None:
    (result,) = tried(settings, tmp_path, written)
    assert words in result.fault


@pytest.mark.parametrize(
    ("written", "words"),
    [
        pytest.param(case("tools.cisco.com", "permit"), 'test, item 2, expect: "permit" is not one of', id="expect"),
        pytest.param(
            case("tools.cisco.com", "allow", more="usr = 1"), 'unknown key "usr"; did you mean user?', id="key"
        ),
        pytest.param(
            case("tools.cisco.com", "allow", client="cucm"), "item 2: 'cucm' is not an IP address", id="client"
        ),
        pytest.param(case("tools..cisco.com", "deny"), "item 2: ", id="target"),
        pytest.param(case("tools.cisco.com", "allow", more='outcome = "x"'), "only a test with expect", id="outcome"),
        pytest.param('target = "x"\nexpect = "deny"', "item 2: client is missing", id="no client"),
    ],
)
def test_a_test_that_cannot_be_tried_names_its_place(
    settings: Settings, tmp_path: Path, written: str, words: str
) -> None:
    with pytest.raises(SettingsError) as error:
        tried(settings, tmp_path, case("tools.cisco.com", "allow"), written)
    assert str(tmp_path / "tests.toml") in str(error.value)
    assert words in str(error.value)


@pytest.mark.parametrize("text", ["", "test = []", "test = 1", "[test]", "no toml"])
def test_a_file_without_a_test_is_an_error(settings: Settings, tmp_path: Path, text: str) -> None:
    path = tmp_path / "tests.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"tests\.toml"):
        try_policy(settings, path)


def test_rules_that_no_test_asks_for_are_listed(settings: Settings, tmp_path: Path) -> None:
    results = tried(settings, tmp_path, case("tools.cisco.com", "allow"), case("x.example.org", "deny"))
    hosts = [rule.host for rule in untouched(settings.policy.rules, settings, results)]
    assert hosts == ["ssm.example.net", "new.example.com", "api.cisco.com", "cloudsso.cisco.com"]


@pytest.mark.parametrize(("expect", "status"), [("allow", 0), ("deny", 1)])
def test_the_command_exits_by_the_tests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], expect: str, status: int
) -> None:
    (tmp_path / "gate.toml").write_text(f'[[listen]]\naddress = "127.0.0.1:0"\n[admin]\nlisten = ""\n{SETTINGS}')
    (tmp_path / "tests.toml").write_text(f"[[test]]\n{case('tools.cisco.com', expect)}")
    parser = argparse.ArgumentParser()
    check.add_arguments(parser)
    files = [str(tmp_path / "gate.toml"), "--tests", str(tmp_path / "tests.toml")]

    assert check.run(parser.parse_args(files)) == status

    printed = capsys.readouterr()
    assert f"tests         {1 - status} of 1 test as expected" in printed.out
    assert ("failed: a client: 10.1.2.3 to tools.cisco.com: expected deny" in printed.err) == (status == 1)
    assert "warning: no test asks for ssm.example.net:443" in printed.err
