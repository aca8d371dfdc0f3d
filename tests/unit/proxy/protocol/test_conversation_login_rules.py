"""Conversations where a rule applies only to some users, networks or certificates."""

import pytest
from msgspec import structs

from licensegate.allowlist.policy import Mode
from licensegate.allowlist.rule import Rule
from licensegate.proxy.auth.scheme import Scheme
from licensegate.proxy.protocol.commands import Dial
from licensegate.records.alert import Alert
from licensegate.records.outcome import Outcome
from support.conversation_harness import (
    HEAD,
    TRUSTED,
    TRUSTED_NETWORK,
    alert_code,
    challenges,
    connect_head,
    head_with_login,
    hello,
    make_authenticator,
    make_snapshot,
    start_conversation,
    start_with_certificate,
    status_line,
)
from support.logins import USER

SATELLITE = "satellite.example:443"
FOR_USER = Rule("satellite.example", users=(USER,))
SATELLITE_HEAD = connect_head(SATELLITE.encode())


def open_to_all(*rules: Rule, mode: Mode = Mode.ENFORCE, trusted: bool = False) -> object:
    """A login is required only for rules that name users."""
    authenticator = make_authenticator(TRUSTED_NETWORK, required=trusted)
    return make_snapshot(*rules, mode=mode, authenticator=authenticator)


def test_a_rule_for_users_asks_the_client_for_a_login() -> None:
    conversation = start_conversation(open_to_all(FOR_USER))  # type: ignore[arg-type]

    command = conversation.received(SATELLITE_HEAD)

    assert status_line(command).startswith("HTTP/1.1 407 login_required: ")
    assert list(challenges(command)) == ["MD5", "SHA-256", "Basic"]
    assert conversation.record.allowed is False
    assert isinstance(start_conversation(open_to_all(FOR_USER)).received(HEAD), Dial), "other targets need no login"  # type: ignore[arg-type]


def test_a_user_of_the_rule_passes() -> None:
    conversation = start_conversation(open_to_all(FOR_USER))  # type: ignore[arg-type]
    conversation.received(head_with_login(head=SATELLITE_HEAD))

    command = conversation.login_checked(right=True)

    assert isinstance(command, Dial)
    assert conversation.record.rule == SATELLITE


def test_a_rule_for_users_asks_a_trusted_client_too() -> None:
    conversation = start_conversation(open_to_all(FOR_USER, trusted=True), client=TRUSTED)  # type: ignore[arg-type]

    assert "407 login_required" in status_line(conversation.received(SATELLITE_HEAD))


@pytest.mark.parametrize(
    ("rule", "detail"),
    [
        pytest.param(Rule("satellite.example", users=("somebody",)), "users", id="another user's"),
        pytest.param(Rule("satellite.example", networks=(TRUSTED_NETWORK,)), "networks", id="another network's"),
        pytest.param(
            Rule("satellite.example", users=(USER,), networks=(TRUSTED_NETWORK,)), "networks", id="the network lacks"
        ),
        pytest.param(Rule("satellite.example", certificates=("x",)), "certificates", id="for a certificate"),
    ],
)
def test_a_logged_in_user_that_the_rule_excludes_gets_no_407(rule: Rule, detail: str) -> None:
    conversation = start_conversation(open_to_all(rule))  # type: ignore[arg-type]
    conversation.received(head_with_login(head=SATELLITE_HEAD))

    command = conversation.login_checked(right=True)

    assert status_line(command).startswith("HTTP/1.1 403 target_not_for_client: ")
    assert conversation.record.detail == detail


@pytest.mark.parametrize(
    "rule",
    [Rule("satellite.example", networks=(TRUSTED_NETWORK,)), Rule("satellite.example", certificates=("x",))],
    ids=["networks", "certificates"],
)
def test_no_challenge_is_sent_when_a_login_could_not_help(rule: Rule) -> None:
    conversation = start_conversation(open_to_all(rule))  # type: ignore[arg-type]

    assert "403 target_not_for_client" in status_line(conversation.received(SATELLITE_HEAD))


def test_without_logins_a_rule_for_users_refuses_everybody() -> None:
    conversation = start_conversation(make_snapshot(FOR_USER))

    assert "403 target_not_for_client" in status_line(conversation.received(SATELLITE_HEAD))


def test_a_listener_without_password_schemes_asks_for_no_login() -> None:
    snapshot = open_to_all(FOR_USER)

    command = start_conversation(snapshot, schemes=frozenset({Scheme.CERTIFICATE})).received(SATELLITE_HEAD)  # type: ignore[arg-type]

    assert "403 target_not_for_client" in status_line(command)


def test_tls_without_connect_cannot_log_in_to_a_users_target() -> None:
    conversation = start_conversation(open_to_all(FOR_USER))  # type: ignore[arg-type]

    assert alert_code(conversation.received(hello("satellite.example"))) == Alert.ACCESS_DENIED
    assert conversation.record.outcome is Outcome.LOGIN_IMPOSSIBLE


def test_a_certificate_named_in_a_rule_passes() -> None:
    rule = Rule("satellite.example", certificates=("CUCM-pub.example.net",))
    snapshot = open_to_all(rule)

    assert isinstance(start_with_certificate(snapshot).received(SATELLITE_HEAD), Dial)
    assert "403" in status_line(start_with_certificate(snapshot, ("other",)).received(SATELLITE_HEAD))


def test_a_certificate_is_a_login_unless_the_rule_wants_both() -> None:
    both = structs.replace(FOR_USER, certificates=("cucm-pub",))

    assert "403" in status_line(start_with_certificate(open_to_all(FOR_USER)).received(SATELLITE_HEAD))
    assert "407" in status_line(start_with_certificate(open_to_all(both)).received(SATELLITE_HEAD))
    conversation = start_with_certificate(open_to_all(both))
    conversation.received(head_with_login(head=SATELLITE_HEAD))
    assert isinstance(conversation.login_checked(right=True), Dial)


def test_report_mode_asks_for_no_login_because_of_a_rule() -> None:
    conversation = start_conversation(open_to_all(FOR_USER, mode=Mode.REPORT))  # type: ignore[arg-type]

    assert isinstance(conversation.received(SATELLITE_HEAD), Dial)
    assert conversation.record.reported == "target_not_for_client"
