"""How a rule is printed, and which targets it covers."""

import pytest

from licensegate.allowlist.rule import Rule


@pytest.mark.parametrize(
    ("rule", "written"),
    [
        (Rule("ssm.example.net"), "ssm.example.net:443"),
        (Rule("ssm.example.net", 8443, private=True), "ssm.example.net:8443"),
        (Rule("*.example.net"), "*.example.net:443"),
        (Rule("2001:db8::1"), "[2001:db8::1]:443"),
        (Rule("tools.cisco.com", preset="cisco-licensing"), "tools.cisco.com:443 (preset cisco-licensing)"),
    ],
)
def test_text_of_a_rule_is_its_target_and_origin(rule: Rule, written: str) -> None:
    assert str(rule) == written


@pytest.mark.parametrize(("host", "domain"), [("*.example.net", "example.net"), ("example.net", ""), ("::1", "")])
def test_only_a_wildcard_has_a_domain(host: str, domain: str) -> None:
    assert Rule(host).domain == domain
