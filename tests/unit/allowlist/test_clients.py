"""Which clients a rule applies to: networks, users and certificate names."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.allowlist.clients import NOBODY, Identity, client_address, network_of
from licensegate.allowlist.policy import Mode, Policy, Reason
from licensegate.allowlist.preset import load_presets
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target

HQ = ip_network("10.2.0.0/16")
INSIDE, OUTSIDE = "10.2.0.7", "10.3.0.7"
SATELLITE = Identity(user="satellite")
OTHER = Identity(user="other")
CERTIFIED = Identity(certificate=("cucm-pub", "CUCM-pub.example.net"))
API = Target("api.cisco.com", 443)


def policy(*rules: Rule, mode: Mode = Mode.ENFORCE) -> Policy:
    return Policy(["cisco-licensing"], rules, load_presets(), mode)


def for_some(**whom: tuple[object, ...]) -> Rule:
    return Rule("api.cisco.com", **whom)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("fe80::1%eth0", "fe80::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("unix", None),
        ("", None),
    ],
)
def test_a_clients_address_is_that_of_the_client_and_not_of_our_socket(text: str, address: str | None) -> None:
    assert client_address(text) == (ip_address(address) if address else None)


def test_the_first_network_that_holds_a_client_counts() -> None:
    wide, narrow = ip_network("10.0.0.0/8"), ip_network("10.2.0.0/16")

    assert network_of(INSIDE, (wide, narrow)) == wide
    assert network_of("192.0.2.1", (wide, narrow)) is None
    assert network_of("nonsense", (wide,)) is None


BOTH = {"users": ("satellite",), "networks": (HQ,)}
ALL_THREE = {**BOTH, "certificates": ("cucm-pub.example.net",)}


@pytest.mark.parametrize(
    ("whom", "client", "identity", "reason", "detail"),
    [
        pytest.param({}, OUTSIDE, NOBODY, Reason.RULE, "", id="for everybody"),
        pytest.param({"users": ("satellite",)}, OUTSIDE, SATELLITE, Reason.RULE, "", id="its user"),
        pytest.param({"users": ("a", "satellite")}, OUTSIDE, SATELLITE, Reason.RULE, "", id="one of its users"),
        pytest.param({"users": ("satellite",)}, OUTSIDE, OTHER, Reason.OTHER_CLIENT, "users", id="another user"),
        pytest.param({"users": ("Satellite",)}, OUTSIDE, SATELLITE, Reason.OTHER_CLIENT, "users", id="case of a user"),
        pytest.param({"users": ("satellite",)}, OUTSIDE, NOBODY, Reason.LOGIN_LACKING, "users", id="no login"),
        pytest.param({"users": ("satellite",)}, OUTSIDE, CERTIFIED, Reason.OTHER_CLIENT, "users", id="a certificate"),
        pytest.param({"networks": (HQ,)}, INSIDE, NOBODY, Reason.RULE, "", id="its network"),
        pytest.param({"networks": (HQ,)}, f"::ffff:{INSIDE}", NOBODY, Reason.RULE, "", id="its network, mapped"),
        pytest.param({"networks": (HQ,)}, OUTSIDE, SATELLITE, Reason.OTHER_CLIENT, "networks", id="another network"),
        pytest.param(BOTH, INSIDE, SATELLITE, Reason.RULE, "", id="both"),
        pytest.param(BOTH, INSIDE, NOBODY, Reason.LOGIN_LACKING, "users", id="only the login lacks"),
        pytest.param(BOTH, OUTSIDE, NOBODY, Reason.OTHER_CLIENT, "networks and users", id="neither"),
        pytest.param(BOTH, OUTSIDE, SATELLITE, Reason.OTHER_CLIENT, "networks", id="the user from elsewhere"),
        pytest.param({"certificates": ("CUCM-PUB",)}, OUTSIDE, CERTIFIED, Reason.RULE, "", id="its certificate"),
        pytest.param({"certificates": ("MÜ",)}, OUTSIDE, Identity(certificate=("mü",)), Reason.RULE, "", id="umlauts"),
        pytest.param(
            {"certificates": ("kiosk",)},
            OUTSIDE,
            Identity(certificate=("\N{KELVIN SIGN}iosk",)),
            Reason.OTHER_CLIENT,
            "certificates",
            id="a look-alike that is lower case for k",
        ),
        pytest.param({"certificates": ("cucm",)}, OUTSIDE, CERTIFIED, Reason.OTHER_CLIENT, "certificates", id="part"),
        pytest.param({"certificates": ("cucm-pub",)}, OUTSIDE, NOBODY, Reason.OTHER_CLIENT, "certificates", id="none"),
        pytest.param(ALL_THREE, INSIDE, CERTIFIED, Reason.LOGIN_LACKING, "users", id="all three but the login"),
        pytest.param(ALL_THREE, INSIDE, Identity("satellite", CERTIFIED.certificate), Reason.RULE, "", id="all three"),
    ],
)
def test_a_client_must_match_everything_that_a_rule_names(
    whom: dict[str, tuple[object, ...]], client: str, identity: Identity, reason: Reason, detail: str
) -> None:
    decision = policy(for_some(**whom)).decide(API, client, identity)

    assert (decision.reason, decision.detail) == (reason, detail)
    assert decision.allowed == (reason is Reason.RULE)
    assert (decision.rule is not None) == decision.allowed


def test_an_operators_rule_for_some_takes_the_place_of_a_presets_for_all() -> None:
    assert policy().decide(API, OUTSIDE).allowed
    assert not policy(for_some(networks=(HQ,))).decide(API, OUTSIDE).allowed


def test_a_wider_rule_does_not_override_the_closest_one() -> None:
    wide, close = Rule("*.example.net"), Rule("ssm.example.net", users=("satellite",))

    decision = policy(wide, close).decide(Target("ssm.example.net", 443), OUTSIDE, OTHER)

    assert decision.reason is Reason.OTHER_CLIENT


def test_a_decision_without_a_client_is_the_one_for_the_rules_clients() -> None:
    assert policy(for_some(users=("satellite",))).decide(API).allowed


def test_where_targets_are_only_reported_others_pass_by_the_same_rule() -> None:
    rule = for_some(users=("satellite",))

    decision = policy(rule, mode=Mode.REPORT).decide(API, OUTSIDE, OTHER)

    assert (decision.allowed, decision.reported, decision.reason) == (False, True, Reason.OTHER_CLIENT)
    assert decision.rule == rule


def test_a_reporting_rule_reports_only_its_own_clients() -> None:
    rule = Rule("seen.example.net", report=True, networks=(HQ,))
    target = Target("seen.example.net", 443)

    assert policy(rule).decide(target, INSIDE).reported
    assert policy(rule).decide(target).reported
    assert not policy(rule).decide(target, OUTSIDE).reported


def test_policy_hash_covers_the_clients_of_rules() -> None:
    assert policy(for_some(users=("a",))).hash != policy(for_some(users=("b",))).hash


@given(st.text(max_size=50))
def test_any_text_gives_an_address_or_none(text: str) -> None:
    client_address(text)
    assert network_of(text, (ip_network("0.0.0.0/0"), ip_network("::/0"))) is None or client_address(text) is not None
