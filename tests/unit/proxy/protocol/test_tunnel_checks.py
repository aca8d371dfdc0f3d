"""Which checks apply to a tunnel: those of the rule, the network or everywhere."""

from ipaddress import ip_network
from itertools import product

import pytest
from msgspec import structs

from licensegate.allowlist.rule import Rule
from licensegate.proxy.protocol import tunnel_checks as module
from licensegate.proxy.protocol.tunnel_checks import ChecksByClient
from licensegate.proxy.settings import NetworkChecks, TunnelChecks

RULE = Rule("ssm.example.net")
OLD_PHONES = NetworkChecks((ip_network("10.1.0.0/16"), ip_network("fd00::/8")), match_server_name=False)
LAB = NetworkChecks((ip_network("10.0.0.0/8"),), require_tls=False, match_server_name=False, require_server_name=False)


def test_by_default_tls_is_required_and_a_server_name_must_match() -> None:
    assert ChecksByClient(TunnelChecks()).checks_for(RULE, "10.1.2.3") == TunnelChecks(True, True, False)


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        pytest.param("10.1.2.3", TunnelChecks(True, False, False), id="the first network that holds it"),
        pytest.param("::ffff:10.1.2.3", TunnelChecks(True, False, False), id="IPv4 through an IPv6 socket"),
        pytest.param("fd00::1%eth0", TunnelChecks(True, False, False), id="another network of the entry"),
        pytest.param("10.2.2.3", TunnelChecks(False, False, False), id="a later entry"),
        pytest.param("192.0.2.1", TunnelChecks(True, True, False), id="none"),
        pytest.param("", TunnelChecks(True, True, False), id="no address"),
    ],
)
def test_a_clients_network_overrides_the_general_checks(client: str, expected: TunnelChecks) -> None:
    checks = ChecksByClient(TunnelChecks(), [OLD_PHONES, LAB])

    assert checks.checks_for(RULE, client) == expected
    assert checks.checks_for(RULE, client) == expected, "what was remembered differs"


def test_of_two_entries_with_the_same_network_the_first_counts() -> None:
    twin = NetworkChecks(LAB.networks, require_server_name=True)

    assert ChecksByClient(TunnelChecks(), [LAB, twin]).checks_for(RULE, "10.2.2.3") == TunnelChecks(False, False, False)


STATED = [None, False, True]


@pytest.mark.parametrize(("everywhere", "network", "rule"), list(product([False, True], STATED, STATED)))
@pytest.mark.parametrize("name", TunnelChecks.__struct_fields__)
def test_a_rule_overrides_the_network_and_the_general_checks(
    name: str, everywhere: bool, network: bool | None, rule: bool | None
) -> None:
    checks = ChecksByClient(
        TunnelChecks(**{name: everywhere}),
        [NetworkChecks((ip_network("10.0.0.0/8"),), **{name: network})],
    )

    made = checks.checks_for(structs.replace(RULE, **{name: rule}), "10.1.2.3")

    assert getattr(made, name) is next(stated for stated in (rule, network, everywhere) if stated is not None)
    others = [other for other in TunnelChecks.__struct_fields__ if other != name]
    assert [getattr(made, other) for other in others] == [getattr(TunnelChecks(), other) for other in others]


def test_without_a_difference_the_same_object_is_returned() -> None:
    everywhere = TunnelChecks()

    assert ChecksByClient(everywhere).checks_for(RULE, "10.1.2.3") is everywhere
    assert ChecksByClient(everywhere, [OLD_PHONES]).checks_for(RULE, "192.0.2.1") is everywhere


@pytest.mark.parametrize("stated", list(product([False, True], repeat=3)), ids=str)
def test_none_is_true_only_if_nothing_is_checked(stated: tuple[bool, bool, bool]) -> None:
    assert TunnelChecks(*stated).none is not any(stated)


def test_the_cache_of_clients_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED_CLIENTS", 8)
    checks = ChecksByClient(TunnelChecks(), [OLD_PHONES])

    for last in range(100):
        assert not checks.checks_for(RULE, f"10.1.0.{last}").match_server_name
    assert len(checks._of_client) <= 8
