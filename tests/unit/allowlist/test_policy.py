"""Which rule allows a target, and what a refusal says."""

import itertools
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.allowlist.policy import Decision, DuplicateRule, Mode, Policy, PolicyError, Reason, UnknownPreset
from licensegate.allowlist.preset import load_presets
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target, parse_authority

KNOWN = load_presets()
DEFAULT = Policy(["cisco-licensing"], [], KNOWN)

OPERATORS = [
    Rule("ssm.example.net", 8443, private=True),
    Rule("ssm.example.net", 443, private=True),
    Rule("*.example.com"),
    Rule("*.lab.example.com", private=True),
    Rule("*.lab.example.com", 8443),
    Rule("exact.lab.example.com"),
    Rule("192.0.2.1"),
    Rule("2001:db8::1", 8443),
]
OWN = Policy(["cisco-licensing"], OPERATORS, KNOWN)


REPORTING = [
    Rule("seen.example.net", report=True, private=True),
    Rule("*.example.org", report=True),
    Rule("ssm.example.org"),
    Rule("tools.cisco.com", report=True),
    Rule("smartreceiver.cisco.com", report=True),
]
WATCHED = Policy(["cisco-licensing"], REPORTING, KNOWN)


def ask(policy: Policy, authority: str) -> Decision:
    return policy.decide(parse_authority(authority.encode()))


@pytest.mark.parametrize("host", ["tools.cisco.com", "api.cisco.com", "cloudsso.cisco.com"])
def test_default_preset_allows_ciscos_three_hosts(host: str) -> None:
    rule = Rule(host, 443, preset="cisco-licensing")
    assert ask(DEFAULT, f"{host}:443") == Decision(True, Reason.RULE, rule)


@pytest.mark.parametrize(
    ("authority", "reason", "detail"),
    [
        ("smartreceiver.cisco.com:443", Reason.IN_PRESET, "cucm or smart-transport"),
        ("swapi.cisco.com:443", Reason.IN_PRESET, "satellite-sync or smart-account-api"),
        ("smartreceiver.cisco.com:80", Reason.NO_RULE, ""),
        ("tools.cisco.com:80", Reason.OTHER_PORT, "443"),
        ("tools.cisco.com:8443", Reason.OTHER_PORT, "443"),
        ("72.163.4.38:443", Reason.ADDRESS, ""),
        ("[2001:db8::1]:443", Reason.ADDRESS, ""),
        ("127.0.0.1:443", Reason.ADDRESS, ""),
        ("cisco.com:443", Reason.NO_RULE, ""),
        ("eviltools.cisco.com:443", Reason.NO_RULE, ""),
        ("evil.tools.cisco.com:443", Reason.NO_RULE, ""),
        ("tools.cisco.com.evil.example:443", Reason.NO_RULE, ""),
        ("tools-cisco.com:443", Reason.NO_RULE, ""),
        ("toolsxcisco.com:443", Reason.NO_RULE, ""),
    ],
)
def test_default_preset_refuses_the_rest_and_says_why(authority: str, reason: Reason, detail: str) -> None:
    assert ask(DEFAULT, authority) == Decision(False, reason, None, detail)


@pytest.mark.parametrize(
    ("authority", "rule"),
    [
        ("ssm.example.net:443", Rule("ssm.example.net", 443, private=True)),
        ("ssm.example.net:8443", Rule("ssm.example.net", 8443, private=True)),
        ("a.example.com:443", Rule("*.example.com")),
        ("a.b.c.example.com:443", Rule("*.example.com")),
        ("lab.example.com:443", Rule("*.example.com")),
        ("a.lab.example.com:443", Rule("*.lab.example.com", private=True)),
        ("a.b.lab.example.com:443", Rule("*.lab.example.com", private=True)),
        ("a.lab.example.com:8443", Rule("*.lab.example.com", 8443)),
        ("exact.lab.example.com:443", Rule("exact.lab.example.com")),
        ("below.exact.lab.example.com:443", Rule("*.lab.example.com", private=True)),
        ("192.0.2.1:443", Rule("192.0.2.1")),
        ("[::ffff:192.0.2.1]:443", Rule("192.0.2.1")),
        ("[2001:db8:0::1]:8443", Rule("2001:db8::1", 8443)),
    ],
)
def test_most_specific_rule_allows_a_target(authority: str, rule: Rule) -> None:
    assert ask(OWN, authority) == Decision(True, Reason.RULE, rule)


@pytest.mark.parametrize(
    ("authority", "reason", "detail"),
    [
        ("example.com:443", Reason.NO_RULE, ""),
        ("evilexample.com:443", Reason.NO_RULE, ""),
        ("a.example.com.evil.example:443", Reason.NO_RULE, ""),
        ("com:443", Reason.NO_RULE, ""),
        ("ssm.example.net:9443", Reason.OTHER_PORT, "443 or 8443"),
        ("a.example.com:8443", Reason.OTHER_PORT, "443"),
        ("a.lab.example.com:22", Reason.OTHER_PORT, "443 or 8443"),
        ("192.0.2.1:22", Reason.OTHER_PORT, "443"),
        ("[2001:db8::1]:443", Reason.OTHER_PORT, "8443"),
        ("192.0.2.2:443", Reason.ADDRESS, ""),
    ],
)
def test_wildcard_and_port_allow_nothing_else(authority: str, reason: Reason, detail: str) -> None:
    assert ask(OWN, authority) == Decision(False, reason, None, detail)


def test_detail_names_a_preset_for_this_port_before_an_allowed_port() -> None:
    policy = Policy([], [Rule("tools.cisco.com", 8443)], KNOWN)
    decision = ask(policy, "tools.cisco.com:443")
    assert decision.reason is Reason.IN_PRESET
    assert decision.detail.split(" or ") == ["catalyst-center", "cisco-licensing", "cucm", "satellite-sync"]


def test_operators_rule_replaces_a_presets() -> None:
    own = Rule("tools.cisco.com", 443, private=True)
    policy = Policy(["cisco-licensing"], [own], KNOWN)
    assert ask(policy, "tools.cisco.com:443").rule == own
    assert [rule for rule in policy.rules if rule.host == "tools.cisco.com"] == [own]


def test_presets_exact_host_goes_before_an_operators_wildcard() -> None:
    policy = Policy(["cisco-licensing"], [Rule("*.cisco.com", private=True)], KNOWN)
    assert ask(policy, "tools.cisco.com:443").rule == Rule("tools.cisco.com", preset="cisco-licensing")
    assert ask(policy, "www.cisco.com:443").rule == Rule("*.cisco.com", private=True)


def test_first_of_two_presets_with_the_same_host_counts() -> None:
    policy = Policy(["cucm", "cisco-licensing", "cucm"], [], KNOWN)
    assert [(rule.host, rule.preset) for rule in policy.rules] == [
        ("tools.cisco.com", "cucm"),
        ("smartreceiver.cisco.com", "cucm"),
        ("api.cisco.com", "cisco-licensing"),
        ("cloudsso.cisco.com", "cisco-licensing"),
    ]


def test_operators_rules_come_first_in_their_order() -> None:
    assert list(OWN.rules[: len(OPERATORS)]) == OPERATORS


def test_without_presets_and_rules_nothing_is_allowed() -> None:
    policy = Policy([], [], KNOWN)
    assert policy.rules == ()
    assert not ask(policy, "tools.cisco.com:443").allowed


def test_decisions_on_exact_targets_are_cached() -> None:
    assert ask(DEFAULT, "tools.cisco.com:443") is ask(DEFAULT, "TOOLS.cisco.com:443")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cisco-licencing", "there is no preset 'cisco-licencing': did you mean 'cisco-licensing'?"),
        ("smarttransport", "there is no preset 'smarttransport': did you mean 'smart-transport'?"),
        ("zzz", f"there is no preset 'zzz': the presets are {', '.join(sorted(KNOWN))}"),
    ],
)
def test_error_for_an_unknown_preset_names_the_nearest(name: str, message: str) -> None:
    with pytest.raises(UnknownPreset, match=f"^{re.escape(message)}$") as caught:
        Policy(["cisco-licensing", name], [], KNOWN)
    assert caught.value.name == name
    assert isinstance(caught.value, PolicyError)


def test_two_rules_for_the_same_host_and_port_are_refused() -> None:
    with pytest.raises(DuplicateRule, match=r"two rules for ssm\.example\.net:443: keep one"):
        Policy([], [Rule("ssm.example.net"), Rule("ssm.example.net", private=True)], KNOWN)


def test_hash_has_twelve_digits_and_ignores_the_order() -> None:
    hashes = {Policy(["cisco-licensing"], rules, KNOWN).hash for rules in itertools.permutations(OPERATORS[:4])}
    assert len(hashes) == 1
    assert re.fullmatch(r"[0-9a-f]{12}", hashes.pop())


def test_hash_ignores_whether_a_rule_comes_from_a_preset() -> None:
    typed = [Rule("tools.cisco.com"), Rule("api.cisco.com"), Rule("cloudsso.cisco.com")]
    assert Policy([], typed, KNOWN).hash == DEFAULT.hash


@pytest.mark.parametrize(
    "rule",
    [
        Rule("ssm.example.net"),
        Rule("ssm.example.net", 8443),
        Rule("ssm.example.net", private=True),
        Rule("ssm.example.net", report=True),
        Rule("ssm.example.net", require_tls=False),
        Rule("ssm.example.net", match_server_name=False),
        Rule("ssm.example.net", require_server_name=True),
        Rule("ssm.example.net", require_server_name=False),
        Rule("a.example"),
    ],
    ids=repr,
)
def test_hash_changes_with_every_part_of_a_rule(rule: Rule) -> None:
    plain = Rule("ssm.example.org")
    hashes = {Policy([], rules, KNOWN).hash for rules in ([], [plain], [rule], [rule, plain])}
    hashes.add(Policy([], [Rule(rule.host, rule.port + 1)], KNOWN).hash)
    assert len(hashes) == 5


def test_hash_changes_with_the_mode() -> None:
    assert Policy(["cisco-licensing"], [], KNOWN, Mode.REPORT).hash != DEFAULT.hash
    assert Policy(["cisco-licensing"], [], KNOWN, Mode.ENFORCE).hash == DEFAULT.hash


@pytest.mark.parametrize(
    ("authority", "reason", "detail", "rule"),
    [
        ("seen.example.net:443", Reason.NO_RULE, "", REPORTING[0]),
        ("a.example.org:443", Reason.NO_RULE, "", REPORTING[1]),
        ("a.b.example.org:443", Reason.NO_RULE, "", REPORTING[1]),
        ("smartreceiver.cisco.com:443", Reason.IN_PRESET, "cucm or smart-transport", REPORTING[4]),
    ],
)
def test_target_of_a_reporting_rule_alone_is_refused_but_passes(
    authority: str, reason: Reason, detail: str, rule: Rule
) -> None:
    assert ask(WATCHED, authority) == Decision(False, reason, rule, detail, reported=True)


@pytest.mark.parametrize(
    ("authority", "rule"),
    [
        ("ssm.example.org:443", Rule("ssm.example.org")),
        ("tools.cisco.com:443", Rule("tools.cisco.com", preset="cisco-licensing")),
    ],
)
def test_allowing_rule_wins_over_a_reporting_one(authority: str, rule: Rule) -> None:
    assert ask(WATCHED, authority) == Decision(True, Reason.RULE, rule)


@pytest.mark.parametrize("authority", ["seen.example.net:8443", "example.org:443", "a.seen.example.net:443"])
def test_reporting_rule_is_not_named_in_refusals_of_other_targets(authority: str) -> None:
    assert ask(WATCHED, authority) == Decision(False, Reason.NO_RULE)


def test_reporting_and_allowing_rule_for_one_target_are_duplicates() -> None:
    with pytest.raises(DuplicateRule):
        Policy([], [Rule("ssm.example.net"), Rule("ssm.example.net", report=True)], KNOWN)


def test_rules_include_reporting_ones() -> None:
    assert list(WATCHED.rules[: len(REPORTING)]) == REPORTING
    assert Rule("tools.cisco.com", preset="cisco-licensing") in WATCHED.rules


REFUSED = [
    "smartreceiver.cisco.com:443",
    "tools.cisco.com:80",
    "72.163.4.38:443",
    "127.0.0.1:443",
    "cisco.com:443",
    "a.example.com:8443",
    "[2001:db8::1]:443",
]


@pytest.mark.parametrize("authority", REFUSED)
def test_report_mode_passes_the_same_refusal_by_a_rule_for_that_target(authority: str) -> None:
    enforcing = ask(OWN, authority)
    decision = ask(Policy(["cisco-licensing"], OPERATORS, KNOWN, Mode.REPORT), authority)

    assert not enforcing.allowed
    assert not enforcing.reported
    target = parse_authority(authority.encode())
    rule = Rule(target.host, target.port, report=True)
    assert decision == Decision(False, enforcing.reason, rule, enforcing.detail, reported=True)
    assert not rule.private


def test_report_mode_keeps_the_options_of_a_reporting_rule() -> None:
    watched = Policy(["cisco-licensing"], REPORTING, KNOWN, Mode.REPORT)
    assert ask(watched, "seen.example.net:443").rule == REPORTING[0]


@pytest.mark.parametrize("mode", Mode)
def test_allowed_targets_do_not_depend_on_the_mode(mode: Mode) -> None:
    decision = ask(Policy(["cisco-licensing"], OPERATORS, KNOWN, mode), "a.lab.example.com:443")
    assert decision == Decision(True, Reason.RULE, Rule("*.lab.example.com", private=True))


labels = st.text(string.ascii_lowercase, min_size=1, max_size=3)
names = st.lists(labels, min_size=2, max_size=5).map(".".join)


@given(names, names)
def test_wildcard_allows_whole_labels_before_its_domain_only(domain: str, name: str) -> None:
    policy = Policy([], [Rule(f"*.{domain}")], {})
    assert policy.decide(Target(f"{name}.{domain}", 443)).allowed
    assert not policy.decide(Target(domain, 443)).allowed
    assert not policy.decide(Target(f"{name}{domain}", 443)).allowed
    assert policy.decide(Target(name, 443)).allowed == name.endswith(f".{domain}")
