"""Certificates of connected clients, judged again by changed authorities and lists."""

import ssl

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from licensegate.certs.client_authorities import ClientAuthorities
from support.certificates import Issued, issue, revoke

AUTHORITY = issue("client authority", authority=True)
BETWEEN = issue("in between", AUTHORITY, authority=True)
STRANGER = issue("another authority", authority=True)
HERE, GONE, BELOW = (
    issue(name, issuer, names=(), usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    for name, issuer in (("here", AUTHORITY), ("gone", AUTHORITY), ("below", BETWEEN))
)


def der(*chain: Issued) -> tuple[bytes, ...]:
    return tuple(ssl.PEM_cert_to_DER_cert(one.pem.decode()) for one in chain)


LISTS = (revoke(AUTHORITY, GONE), revoke(STRANGER))


def test_a_revoked_certificate_is_rejected_and_another_is_not() -> None:
    authorities = ClientAuthorities((AUTHORITY.pem,), LISTS)

    assert authorities.rejected([der(HERE), der(GONE)]) == {der(GONE)}


def test_a_certificate_of_a_removed_authority_is_rejected() -> None:
    assert ClientAuthorities((STRANGER.pem,)).rejected([der(HERE)]) == {der(HERE)}


@pytest.mark.parametrize("trusted", [AUTHORITY, BETWEEN], ids=["the root", "the intermediate alone"])
def test_an_intermediate_that_the_client_sent_counts(trusted: Issued) -> None:
    assert not ClientAuthorities((trusted.pem,)).rejected([der(BELOW, BETWEEN)])


def test_a_list_that_has_run_out_rejects_every_certificate() -> None:
    authorities = ClientAuthorities((AUTHORITY.pem,), (revoke(AUTHORITY, days=(-9, -1)),))

    assert authorities.rejected([der(HERE)]) == {der(HERE)}


def test_no_chain_is_rejected_without_one() -> None:
    assert ClientAuthorities((AUTHORITY.pem,)).rejected([]) == frozenset()


def test_other_lists_have_another_digest() -> None:
    with_lists, without = ClientAuthorities((AUTHORITY.pem,), LISTS), ClientAuthorities((AUTHORITY.pem,))

    assert with_lists.digest != without.digest
