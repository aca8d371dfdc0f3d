"""Admission in its order: limits, then the login, then the allowlist."""

from ipaddress import ip_network

import pytest
from msgspec import structs

from licensegate.allowlist.clients import Identity
from licensegate.allowlist.policy import Mode
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.proxy.auth.result import CheckNeeded
from licensegate.proxy.auth.scheme import Scheme
from licensegate.proxy.protocol.admission import Admission, AdmissionResult, Granted, Refused
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.protocol.tunnel_checks import ChecksByClient
from licensegate.proxy.protocol.tunnel_counter import TunnelCounter
from licensegate.proxy.settings import TunnelChecks
from licensegate.proxy.wire.protocol_detection import ClientProtocol
from licensegate.records.outcome import Outcome
from licensegate.records.record import LoginResult, TunnelRecord, open_record
from licensegate.records.secret import Secret
from support.conversation_harness import (
    CLIENT,
    HOST,
    LIMITS,
    NO_CHECKS,
    login_snapshot,
    make_authenticator,
    make_snapshot,
)
from support.logins import USER, basic

ALLOWED, ELSEWHERE = Target(HOST, 443), Target("evil.example", 443)
FOR_ONE = Rule("api.cisco.com", users=(USER,))
RIGHT = (Secret(basic().encode()),)


def wish(
    target: Target,
    snapshot: Snapshot,
    *,
    client_protocol: ClientProtocol = ClientProtocol.HTTP,
    counter: TunnelCounter | None = None,
    **more: Identity,
) -> tuple[Admission, TunnelRecord]:
    """A request before its decision, and its record."""
    record = open_record(CLIENT, 40000, "0.0.0.0:3128")
    return Admission(
        snapshot, counter or TunnelCounter(), record, target, client_protocol=client_protocol, **more
    ), record


def found(
    target: Target, snapshot: Snapshot, *, client_protocol: ClientProtocol = ClientProtocol.HTTP
) -> AdmissionResult:
    admission, _ = wish(target, snapshot, client_protocol=client_protocol)
    return admission.begin()


def test_an_allowed_target_is_granted_with_its_rule_and_checks() -> None:
    rule = Rule(HOST, require_tls=False)
    admission, record = wish(ALLOWED, make_snapshot(rule, checks=ChecksByClient(NO_CHECKS)))

    assert admission.begin() == Granted(ALLOWED, rule, NO_CHECKS)
    assert (record.target, record.allowed, record.rule) == (f"{HOST}:443", True, f"{HOST}:443")


def test_a_full_gate_asks_for_no_login() -> None:
    counter = TunnelCounter()
    for _ in range(LIMITS.tunnels_per_client):
        counter.add(CLIENT)
    admission, record = wish(ELSEWHERE, login_snapshot(), counter=counter)

    assert admission.begin() == Refused(Outcome.CLIENT_TUNNELS_EXHAUSTED)
    assert (record.login_result, record.allowed) == (None, None)


@pytest.mark.parametrize("target", [ALLOWED, ELSEWHERE], ids=["allowed", "refused"])
def test_a_client_without_a_login_learns_nothing_of_the_allowlist(target: Target) -> None:
    admission, record = wish(target, login_snapshot())
    denied = admission.begin()

    assert isinstance(denied, Refused)
    assert denied.outcome is Outcome.LOGIN_REQUIRED
    assert [challenge.split()[0] for challenge in denied.challenges] == ["Digest", "Digest", "Basic"]
    assert (record.allowed, record.rule, record.policy) == (None, "", "")


@pytest.mark.parametrize(("target", "outcome"), [(ALLOWED, None), (ELSEWHERE, Outcome.TARGET_NOT_ALLOWED)])
def test_the_target_is_judged_once_the_password_is_right(target: Target, outcome: Outcome | None) -> None:
    admission, record = wish(target, login_snapshot())

    assert isinstance(admission.begin(RIGHT), CheckNeeded)
    assert record.allowed is None
    judged = admission.login_checked(right=True)
    assert judged.outcome is outcome if isinstance(judged, Refused) else outcome is None
    assert (record.user, record.login_result) == (USER, LoginResult.ACCEPTED)


def test_a_wrong_password_is_refused_before_the_target_is_judged() -> None:
    admission, record = wish(ELSEWHERE, login_snapshot())
    admission.begin(RIGHT)
    denied = admission.login_checked(right=False)

    assert isinstance(denied, Refused)
    assert denied.outcome is Outcome.LOGIN_REFUSED
    assert record.allowed is None


def test_checking_a_login_that_was_not_sent_raises() -> None:
    admission, _ = wish(ALLOWED, make_snapshot())

    with pytest.raises(RuntimeError, match="no login"):
        admission.login_checked(right=True)


def test_tls_without_a_proxy_carries_no_login() -> None:
    trusting = login_snapshot(make_authenticator(ip_network(f"{CLIENT}/32")))

    assert found(ALLOWED, login_snapshot(), client_protocol=ClientProtocol.TLS) == Refused(Outcome.LOGIN_IMPOSSIBLE)
    assert isinstance(found(ALLOWED, trusting, client_protocol=ClientProtocol.TLS), Granted)
    assert found(ELSEWHERE, trusting, client_protocol=ClientProtocol.TLS) == Refused(Outcome.SERVER_NAME_NOT_ALLOWED)


def test_a_rule_for_users_asks_an_optional_login_for_one() -> None:
    target = Target(FOR_ONE.host, 443)
    free = structs.replace(make_snapshot(FOR_ONE), authenticator=make_authenticator(required=False))
    nobody_logs_in = make_snapshot(FOR_ONE)
    only_certificates = structs.replace(
        free, authenticator=make_authenticator(required=False, schemes=frozenset({Scheme.CERTIFICATE}))
    )

    asked = found(target, free)
    assert isinstance(asked, Refused)
    assert asked.outcome is Outcome.LOGIN_REQUIRED
    assert asked.challenges
    for snapshot in (nobody_logs_in, only_certificates):
        denied = found(target, snapshot)
        assert isinstance(denied, Refused)
        assert denied.challenges == ()


def test_a_user_gets_no_challenge_for_another_users_target() -> None:
    target = Target("api.cisco.com", 443)
    admission, _ = wish(
        target,
        structs.replace(make_snapshot(Rule("api.cisco.com", users=("satellite",))), authenticator=make_authenticator()),
    )
    admission.begin(RIGHT)

    denied = admission.login_checked(right=True)

    assert isinstance(denied, Refused)
    assert (denied.outcome.status, denied.challenges) == (403, ())


def test_a_reported_target_passes_and_the_record_names_the_refusal() -> None:
    admission, record = wish(ELSEWHERE, make_snapshot(mode=Mode.REPORT))

    assert isinstance(admission.begin(), Granted)
    assert (record.allowed, record.rule, record.reported) == (False, "", "target_not_allowed")


def test_a_client_certificate_counts_as_its_identity() -> None:
    target, rule = Target("api.cisco.com", 443), Rule("api.cisco.com", certificates=("satellite.example",))
    snapshot = make_snapshot(rule, checks=ChecksByClient(TunnelChecks()))
    shown, _ = wish(target, snapshot, identity=Identity(certificate=("satellite.example",)))

    assert isinstance(shown.begin(), Granted)
    assert isinstance(found(target, snapshot), Refused)
