"""Which tunnels may no longer be: the settings of now, asked about what was granted before."""

from ipaddress import ip_network

import pytest
from msgspec import structs

from licensegate.allowlist.client_networks import ClientNetworks
from licensegate.allowlist.clients import Identity
from licensegate.allowlist.policy import Mode
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.proxy.auth.scheme import Scheme
from licensegate.proxy.protocol.admission import Granted
from licensegate.proxy.protocol.revocation import CAUSES, REASONS, RevocationCause, why_not_allowed
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.settings import Revoke, TunnelChecks
from support.conversation_harness import (
    CERTIFICATE,
    CLIENT,
    HOST,
    TRUSTED,
    TRUSTED_NETWORK,
    make_authenticator,
    make_snapshot,
)
from support.logins import USER

EVERYTHING = frozenset(RevocationCause)
ANOTHER_SITE = ip_network("10.2.0.0/16")

LOGINS = make_snapshot(authenticator=make_authenticator())
OTHER_USERS = make_snapshot(authenticator=make_authenticator(without_user=True))
NO_CERTIFICATES = make_snapshot(authenticator=make_authenticator(schemes=frozenset({Scheme.BASIC})))
VOLUNTARY = make_snapshot(authenticator=make_authenticator(required=False))
ELSEWHERE = structs.replace(make_snapshot(), clients=ClientNetworks((ANOTHER_SITE,)))


def granted(*, user: str = "", certificate: tuple[str, ...] = (), host: str = HOST) -> Granted:
    return Granted(Target(host, 443), Rule(host), TunnelChecks(), Identity(user, certificate))


ALLOWED = {
    "nothing has changed": (make_snapshot(), granted()),
    "a user who is still known": (LOGINS, granted(user=USER)),
    "a certificate that is still a login": (LOGINS, granted(certificate=CERTIFICATE)),
    "logins that are not required any more": (VOLUNTARY, granted()),
    "no logins any more": (make_snapshot(), granted(user=USER)),
    "users of before where nobody can log in by password": (
        make_snapshot(authenticator=make_authenticator(required=False, schemes=frozenset({Scheme.CERTIFICATE}))),
        granted(user="gone"),
    ),
    "a rule for the user": (make_snapshot(Rule("own.example", users=(USER,))), granted(user="", host=HOST)),
    "a wider rule instead of the removed one": (make_snapshot(Rule("*.example")), granted(host="a.example")),
    "report-only mode": (make_snapshot(mode=Mode.REPORT), granted(host="gone.example")),
    "a rule that reports": (make_snapshot(Rule("gone.example", report=True)), granted(host="gone.example")),
    "the user's rule": (
        make_snapshot(Rule("own.example", users=(USER,)), authenticator=make_authenticator()),
        granted(user=USER, host="own.example"),
    ),
}

NOT_ALLOWED = {
    "a removed user": (OTHER_USERS, granted(user=USER), RevocationCause.USER),
    "a removed user with a certificate": (
        OTHER_USERS,
        granted(user=USER, certificate=CERTIFICATE),
        RevocationCause.USER,
    ),
    "a removed user who need not have logged in": (
        make_snapshot(authenticator=make_authenticator(required=False, without_user=True)),
        granted(user=USER),
        RevocationCause.USER,
    ),
    "a login is required now": (LOGINS, granted(), RevocationCause.LOGIN),
    "certificates are no login any more": (
        NO_CERTIFICATES,
        granted(certificate=CERTIFICATE),
        RevocationCause.LOGIN,
    ),
    "its network": (ELSEWHERE, granted(), RevocationCause.NETWORK),
    "its rule": (make_snapshot(), granted(host="gone.example"), RevocationCause.RULE),
    "a closer rule for others": (make_snapshot(Rule(HOST, networks=(ANOTHER_SITE,))), granted(), RevocationCause.RULE),
    "a rule for other users": (
        make_snapshot(Rule(HOST, users=("another",)), authenticator=make_authenticator()),
        granted(user=USER),
        RevocationCause.RULE,
    ),
    "a rule for other certificates": (
        make_snapshot(Rule(HOST, certificates=("another",))),
        granted(certificate=CERTIFICATE),
        RevocationCause.RULE,
    ),
    "a rule for users, without logins": (
        make_snapshot(Rule(HOST, users=(USER,))),
        granted(user=USER),
        RevocationCause.RULE,
    ),
}


@pytest.mark.parametrize(("snapshot", "tunnel"), ALLOWED.values(), ids=ALLOWED.keys())
def test_a_tunnel_that_would_be_granted_again_stays(snapshot: Snapshot, tunnel: Granted) -> None:
    assert why_not_allowed(snapshot, CLIENT, tunnel, EVERYTHING) is None


@pytest.mark.parametrize(("snapshot", "tunnel", "cause"), NOT_ALLOWED.values(), ids=NOT_ALLOWED.keys())
def test_a_tunnel_that_would_be_refused_has_a_cause(
    snapshot: Snapshot, tunnel: Granted, cause: RevocationCause
) -> None:
    assert why_not_allowed(snapshot, CLIENT, tunnel, EVERYTHING) is cause
    assert why_not_allowed(snapshot, CLIENT, tunnel, EVERYTHING - {cause}) is None


def test_a_client_that_needs_no_login_stays() -> None:
    trusting = make_snapshot(authenticator=make_authenticator(TRUSTED_NETWORK))

    assert why_not_allowed(trusting, TRUSTED, granted(), EVERYTHING) is None


def test_a_removed_user_is_found_behind_other_causes() -> None:
    everything = structs.replace(ELSEWHERE, authenticator=OTHER_USERS.authenticator)
    tunnel = granted(user=USER, host="gone.example")

    assert why_not_allowed(everything, CLIENT, tunnel, CAUSES[Revoke.USERS]) is RevocationCause.USER
    assert why_not_allowed(everything, CLIENT, tunnel, CAUSES[Revoke.OFF]) is None


def test_every_cause_is_said_in_words() -> None:
    assert REASONS.keys() == set(RevocationCause)
