"""How a rule reads in a log, and what it covers by its own word."""

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
def test_a_rule_is_written_as_its_target_and_where_it_came_from(rule, written):
    assert str(rule) == written


@pytest.mark.parametrize(("host", "domain"), [("*.example.net", "example.net"), ("example.net", ""), ("::1", "")])
def test_only_a_wildcard_has_a_domain_below_it(host, domain):
    assert Rule(host).domain == domain
