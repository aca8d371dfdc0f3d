from ipaddress import ip_network

from licensegate.allowlist.rule import Rule
from licensegate.app.overview.rules import RuleRow, rule_rows


def test_each_rule_has_its_hits_and_whom_it_is_for() -> None:
    own = Rule("ssm.example.net", 8443, users=("svc",), networks=(ip_network("10.1.0.0/16"),))
    rules = [own, Rule("*.example.org", report=True), Rule("tools.cisco.com", preset="cisco-licensing")]

    assert rule_rows(rules, {"tools.cisco.com:443": 3, "*.example.org:443": 1}) == [
        RuleRow(rule="ssm.example.net:8443", preset="", hits=0, users=("svc",), networks=("10.1.0.0/16",)),
        RuleRow(rule="*.example.org:443", preset="", hits=1, report=True),
        RuleRow(rule="tools.cisco.com:443", preset="cisco-licensing", hits=3),
    ]
