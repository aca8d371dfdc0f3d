"""Target names come from the rules in the settings, never from clients."""

import pytest

from licensegate.allowlist.policy import Mode, Policy
from licensegate.allowlist.preset import load_presets
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.app.observers.target_names import NO_TARGET, TargetNames
from support.records import POLICY, TOOLS

OWN = Rule("ssm.example.net", 8443, private=True)
WILD = Rule("*.example.org")
WATCHED = Rule("watched.example", report=True)
ADDRESS = Rule("2001:db8::1")


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        pytest.param(TOOLS, "tools.cisco.com:443", id="a preset's"),
        pytest.param(str(OWN), "ssm.example.net:8443", id="an own rule"),
        pytest.param(str(WILD), "*.example.org:443", id="a wildcard"),
        pytest.param(str(WATCHED), "watched.example:443", id="report-only"),
        pytest.param(str(ADDRESS), "[2001:db8::1]:443", id="an address"),
        pytest.param("", NO_TARGET, id="none"),
        pytest.param("evil.example:443", NO_TARGET, id="not a rule of the settings"),
    ],
)
def test_a_target_is_named_after_its_rule(rule: str, name: str) -> None:
    policy = Policy(["cisco-licensing"], [OWN, WILD, WATCHED, ADDRESS], load_presets(), Mode.REPORT)

    assert TargetNames(lambda: policy).name(rule) == name


def test_after_a_reload_old_and_new_names_are_known() -> None:
    policies = [POLICY]
    targets = TargetNames(lambda: policies[-1])
    assert (targets.name(TOOLS), targets.name(str(OWN))) == ("tools.cisco.com:443", NO_TARGET)

    policies.append(Policy([], [OWN], {}))

    assert targets.name(str(OWN)) == "ssm.example.net:8443"
    assert targets.name(TOOLS) == "tools.cisco.com:443", "a tunnel from before the reload ends"
    assert [target for target, _ in targets.exact()] == [Target("ssm.example.net", 8443)]


def test_exact_leaves_out_wildcards_and_report_only_rules() -> None:
    policy = Policy([], [OWN, WILD, WATCHED, ADDRESS], {})

    assert TargetNames(lambda: policy).exact() == [
        (Target("ssm.example.net", 8443), OWN),
        (Target("2001:db8::1", 443), ADDRESS),
    ]
