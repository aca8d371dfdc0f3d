"""Which client a record belongs to."""

from ipaddress import ip_network
from typing import Any

import pytest

from licensegate.ledger.clients import ClientKey, ClientKind, ClientNames, NamedClient
from licensegate.records.record import LoginResult
from support.records import tunnel

TOKYO = NamedClient("CUCM-PUB Tokyo", networks=(ip_network("10.1.2.0/24"), ip_network("2001:db8:1::/64")))
LOGIN: dict[str, Any] = {"login": "digest-md5", "login_result": LoginResult.ACCEPTED}


def key(*named: NamedClient, **fields: Any) -> ClientKey:
    return ClientNames(named).key(tunnel(**fields))


@pytest.mark.parametrize(
    "client", ["10.1.2.3", "2001:db8:1::7", "::ffff:10.1.2.3"], ids=["IPv4", "IPv6", "IPv4 of an IPv6 socket"]
)
def test_a_client_is_named_by_its_address(client: str) -> None:
    assert key(TOKYO, client=client) == ClientKey(ClientKind.NAMED, "CUCM-PUB Tokyo")


def test_a_client_is_named_by_its_login() -> None:
    named = NamedClient("Expressway", users=("exp",))

    assert key(named, user="exp", **LOGIN) == named.key
    assert key(named, user="EXP", **LOGIN) == ClientKey(ClientKind.LOGIN, "EXP")


def test_a_login_that_was_not_accepted_names_nobody() -> None:
    named = NamedClient("Expressway", users=("exp",))

    refused = key(named, user="exp", login="basic", login_result=LoginResult.WRONG_PASSWORD)

    assert refused == ClientKey(ClientKind.ADDRESS, "10.1.2.3")


@pytest.mark.parametrize("name", ["cucm-pub", "CUCM-PUB", "pub.example.net"])
def test_a_client_is_named_by_any_name_in_its_certificate(name: str) -> None:
    named = NamedClient("CUCM", certificates=(name,))

    assert key(named, client_certificate="CN=cucm-pub,O=Example; DNS:other.test,DNS:pub.example.net") == named.key


def test_the_organisation_in_a_certificate_names_nobody() -> None:
    named = NamedClient("CUCM", certificates=("Example",))

    found = key(named, client_certificate="CN=cucm-pub,O=Example")

    assert found == ClientKey(ClientKind.CERTIFICATE, "cucm-pub")


def test_a_client_must_match_every_list_that_is_not_empty() -> None:
    named = NamedClient("CUCM", networks=TOKYO.networks, users=("pub",))

    assert key(named, client="10.1.2.3", user="pub", **LOGIN) == named.key
    assert key(named, client="10.1.2.3") == ClientKey(ClientKind.ADDRESS, "10.1.2.3")
    assert key(named, client="10.9.9.9", user="pub", **LOGIN) == ClientKey(ClientKind.LOGIN, "pub")


def test_an_entry_without_lists_matches_nobody() -> None:
    assert key(NamedClient("A ship"), client="10.1.2.3") == ClientKey(ClientKind.ADDRESS, "10.1.2.3")


def test_the_first_of_several_matching_entries_counts() -> None:
    by_user = NamedClient("CUCM", users=("pub",))

    assert key(TOKYO, by_user, client="10.1.2.3", user="pub", **LOGIN) == TOKYO.key


def test_a_login_by_certificate_is_known_by_the_certificate() -> None:
    found = key(
        login="certificate", login_result=LoginResult.ACCEPTED, user="pub", client_certificate="CN=pub; DNS:p.test"
    )

    assert found == ClientKey(ClientKind.CERTIFICATE, "pub")


def test_a_remembered_client_is_the_same() -> None:
    names = ClientNames([TOKYO])

    assert names.key(tunnel(client="10.1.2.3")) == names.key(tunnel(client="10.1.2.3"))
    assert names.key(tunnel(client="10.1.3.3")) == ClientKey(ClientKind.ADDRESS, "10.1.3.3")
