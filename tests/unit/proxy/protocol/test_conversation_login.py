"""Conversations with logins: challenges, the order of checks, and the record."""

import pytest

from licensegate.proxy.auth.scheme import Scheme
from licensegate.proxy.protocol.commands import CheckLogin, Close, Dial, Refuse, Wait
from licensegate.proxy.protocol.conversation import Conversation
from licensegate.proxy.protocol.states import State
from licensegate.proxy.protocol.tunnel_counter import TunnelCounter
from licensegate.records.alert import Alert
from licensegate.records.outcome import Outcome
from licensegate.records.record import LoginResult
from support.clock import Clock
from support.conversation_harness import (
    CLIENT,
    HEAD,
    HOST,
    STRANGER,
    TRUSTED,
    TRUSTED_NETWORK,
    alert_code,
    challenges,
    connect_head,
    head_with_login,
    hello,
    login_snapshot,
    make_authenticator,
    refusal_fields,
    start_conversation,
    start_with_certificate,
    status_line,
)
from support.logins import PASSWORD, USER, basic, digest

DENIED = connect_head(b"evil.example:443")


def told(conversation: Conversation) -> tuple[str, str, LoginResult | None]:
    record = conversation.record
    return record.login, record.user, record.login_result


# Challenges


def test_the_407_has_a_field_per_scheme_and_ends_the_connection() -> None:
    conversation = start_conversation(login_snapshot())

    command = conversation.received(HEAD)

    assert status_line(command).startswith("HTTP/1.1 407 login_required: 10.1.2.3 must log in")
    assert list(challenges(command)) == ["MD5", "SHA-256", "Basic"]
    assert refusal_fields(command, "Connection") == ["close"]
    assert isinstance(command, Refuse)
    body = command.answer.partition(b"\r\n\r\n")[2]
    assert refusal_fields(command, "Content-Length") == [str(len(body))]
    assert len(command.answer) < 1500, "one segment"
    assert conversation.state is State.LINGERING
    assert (conversation.record.outcome, conversation.record.status) == (Outcome.LOGIN_REQUIRED, 407)
    assert told(conversation) == ("", "", LoginResult.MISSING)
    assert conversation.record.target == f"{HOST}:443"


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_the_login_comes_on_the_next_connection(algorithm: str) -> None:
    make_snapshot = login_snapshot()
    asked = challenges(start_conversation(make_snapshot).received(HEAD))[algorithm]
    conversation = start_conversation(make_snapshot)

    command = conversation.received(head_with_login(digest(asked)))

    assert isinstance(command, Dial)
    assert told(conversation) == (f"digest-{algorithm.lower()}", USER, LoginResult.ACCEPTED)


def test_the_client_may_send_while_its_password_is_checked() -> None:
    conversation = start_conversation(login_snapshot())

    command = conversation.received(head_with_login())

    assert isinstance(command, CheckLogin)
    assert conversation.received(hello(HOST)) == Wait()
    assert isinstance(conversation.login_checked(right=command.check.is_right()), Dial)
    assert told(conversation) == ("basic", USER, LoginResult.ACCEPTED)
    assert conversation.early == hello(HOST), "the tunnel's first bytes are kept"


def test_a_password_that_was_right_just_now_is_not_checked_again() -> None:
    make_snapshot = login_snapshot()
    first = start_conversation(make_snapshot)
    first.received(head_with_login())
    first.login_checked(right=True)

    assert isinstance(start_conversation(make_snapshot).received(head_with_login()), Dial)


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_http_1_0_and_a_login_without_a_challenge_are_accepted(version: bytes) -> None:
    head = HEAD.replace(b"HTTP/1.1", b"HTTP/" + version)

    assert list(challenges(start_conversation(login_snapshot()).received(head))) == ["MD5", "SHA-256", "Basic"]
    assert isinstance(start_conversation(login_snapshot()).received(head_with_login(head=head)), CheckLogin)


def test_the_name_of_the_field_may_be_written_as_java_does() -> None:
    head = head_with_login().replace(b"Proxy-Authorization:", b"Proxy-authorization:")

    assert isinstance(start_conversation(login_snapshot()).received(head), CheckLogin)


def test_a_wrong_password_is_answered_like_an_unknown_user() -> None:
    results = {}
    for name, value in {"password": basic(password="x"), "user": basic("nobody")}.items():
        conversation = start_conversation(login_snapshot())
        command = conversation.received(head_with_login(value))
        assert isinstance(command, CheckLogin)
        refused = conversation.login_checked(right=command.check.is_right())
        assert list(challenges(refused)) == ["MD5", "SHA-256", "Basic"]
        results[name] = status_line(refused), told(conversation)[2]

    assert results["password"][0] == results["user"][0]
    assert results["password"][0].startswith("HTTP/1.1 407 login_refused: ")
    assert results["password"][1] is LoginResult.WRONG_PASSWORD
    assert results["user"][1] is LoginResult.UNKNOWN_USER


def test_a_login_that_could_not_be_checked_is_answered_503() -> None:
    conversation = start_conversation(login_snapshot())
    conversation.received(head_with_login())

    command = conversation.login_not_checked("too many logins wait to be checked")

    assert status_line(command).startswith("HTTP/1.1 503 login_not_checked: ")
    assert told(conversation) == ("basic", USER, LoginResult.NOT_CHECKED)


def test_a_check_that_takes_too_long_ends_in_an_answer() -> None:
    conversation = start_conversation(login_snapshot())
    conversation.received(head_with_login())

    assert status_line(conversation.deadline_passed()).startswith("HTTP/1.1 503 login_not_checked: ")


def test_a_client_that_leaves_during_the_check_is_recorded() -> None:
    conversation = start_conversation(login_snapshot())
    conversation.received(head_with_login())

    assert conversation.client_ended() == Close()
    assert conversation.record.outcome is Outcome.CLIENT_LEFT_IN_LOGIN


def test_after_too_many_failures_the_answer_is_no_407() -> None:
    make_snapshot = login_snapshot()
    for number in range(4):
        conversation = start_conversation(make_snapshot)
        conversation.received(head_with_login(basic(password=f"guess {number}")))
        conversation.login_checked(right=False)
    conversation = start_conversation(make_snapshot)

    command = conversation.received(head_with_login())

    assert status_line(command).startswith("HTTP/1.1 429 login_limited: ")
    assert refusal_fields(command, "Retry-After") == ["1"]
    assert refusal_fields(command, "Proxy-Authenticate") == []
    assert told(conversation)[2] is LoginResult.LIMITED


# The order of the checks


def test_a_strangers_network_is_judged_first() -> None:
    for head in (HEAD, head_with_login(), head_with_login(basic(password="x"))):
        conversation = start_conversation(login_snapshot(), client=STRANGER)
        assert status_line(conversation.received(head)).startswith("HTTP/1.1 403 client_not_allowed: ")
        assert told(conversation) == ("", "", None)


def test_the_head_and_the_limits_come_before_the_login() -> None:
    draining = TunnelCounter()
    draining.draining = True

    assert "405" in status_line(start_conversation(login_snapshot()).received(b"GET / HTTP/1.1\r\n\r\n"))
    assert "400 target_malformed" in status_line(
        start_conversation(login_snapshot()).received(connect_head(b"no-port"))
    )
    assert "503 draining" in status_line(
        start_conversation(login_snapshot(), counter=draining).received(head_with_login())
    )


@pytest.mark.parametrize("target", [b"evil.example:443", b"tools.cisco.com:80", b"smartreceiver.cisco.com:443"])
def test_the_login_is_judged_before_the_target(target: bytes) -> None:
    allowed, refused = start_conversation(login_snapshot()), start_conversation(login_snapshot())

    of_allowed, of_refused = allowed.received(HEAD), refused.received(connect_head(target))

    assert status_line(of_allowed) == status_line(of_refused)
    assert refused.record.allowed is None
    assert refused.record.policy == ""


def test_a_logged_in_client_gets_no_407_for_its_target() -> None:
    conversation = start_conversation(login_snapshot())
    conversation.received(head_with_login(head=DENIED))

    assert status_line(conversation.login_checked(right=True)).startswith("HTTP/1.1 403 target_not_allowed: ")


# Clients that need not log in


def test_a_trusted_network_passes_and_others_do_not() -> None:
    make_snapshot = login_snapshot(make_authenticator(TRUSTED_NETWORK))

    assert isinstance(start_conversation(make_snapshot, client=TRUSTED).received(HEAD), Dial)
    assert "407" in status_line(start_conversation(make_snapshot, client=CLIENT).received(HEAD))


def test_a_balancers_client_is_judged_by_the_address_in_its_header() -> None:
    make_snapshot = login_snapshot(make_authenticator(TRUSTED_NETWORK))
    conversation = start_conversation(make_snapshot, client="10.0.0.5", behind_balancer=True)

    command = conversation.received(f"PROXY TCP4 {TRUSTED} 10.1.2.4 50000 443\r\n".encode() + HEAD)

    assert isinstance(command, Dial)


@pytest.mark.parametrize("value", [basic(password="x"), "Digest x", "NTLM x"], ids=["wrong", "garbage", "NTLM"])
@pytest.mark.parametrize("client", [CLIENT, TRUSTED], ids=["none required", "trusted"])
def test_a_login_that_was_not_required_is_checked(client: str, value: str) -> None:
    conversation = start_conversation(
        login_snapshot(make_authenticator(TRUSTED_NETWORK, required=client == TRUSTED)), client=client
    )

    command = conversation.received(head_with_login(value))
    if isinstance(command, CheckLogin):
        command = conversation.login_checked(right=command.check.is_right())

    assert status_line(command).startswith("HTTP/1.1 407 login_")


def test_two_logins_in_one_request_are_rejected() -> None:
    conversation = start_conversation(login_snapshot())

    assert status_line(conversation.received(head_with_login(basic(), basic()))).startswith(
        "HTTP/1.1 407 login_unusable: "
    )
    assert conversation.record.detail == "there are two of them"


def test_a_login_is_ignored_if_there_are_no_logins() -> None:
    assert isinstance(start_conversation().received(head_with_login("anything")), Dial)


def test_a_listener_may_have_schemes_of_its_own() -> None:
    make_snapshot = login_snapshot()

    asked = start_conversation(make_snapshot, schemes=frozenset({Scheme.BASIC})).received(HEAD)

    assert list(challenges(asked)) == ["Basic"]


# Certificates


def test_a_certificate_is_a_login() -> None:
    conversation = start_with_certificate()

    assert isinstance(conversation.received(HEAD), Dial)
    assert told(conversation) == ("certificate", "cucm-pub", LoginResult.ACCEPTED)


def test_a_tls_client_without_a_certificate_may_send_a_password() -> None:
    assert "407" in status_line(start_with_certificate(names=()).received(HEAD))
    assert isinstance(start_with_certificate(names=()).received(head_with_login()), CheckLogin)


def test_a_gate_that_takes_only_certificates_sends_no_challenge() -> None:
    only = login_snapshot(make_authenticator(schemes=frozenset({Scheme.CERTIFICATE})))

    command = start_conversation(only).received(HEAD)

    assert status_line(command).startswith("HTTP/1.1 403 certificate_required: ")
    assert isinstance(start_with_certificate(only).received(HEAD), Dial)


# TLS by name


def test_tls_without_connect_passes_only_from_trusted_networks() -> None:
    make_snapshot = login_snapshot(make_authenticator(TRUSTED_NETWORK))
    conversation = start_conversation(make_snapshot)

    command = conversation.received(hello(HOST))

    assert alert_code(command) == Alert.ACCESS_DENIED
    assert conversation.record.outcome is Outcome.LOGIN_IMPOSSIBLE
    assert conversation.record.login_result is LoginResult.IMPOSSIBLE
    assert HOST in conversation.record.sentence()
    assert "auth.trusted_networks" in conversation.record.remedy()
    assert isinstance(start_conversation(make_snapshot, client=TRUSTED).received(hello(HOST)), Dial)


def test_tls_without_a_login_does_not_reveal_allowed_names() -> None:
    allowed, refused = (
        start_conversation(login_snapshot()).received(hello(HOST)),
        start_conversation(login_snapshot()).received(hello("evil.example")),
    )

    assert allowed == refused


# Unanswered challenges


@pytest.mark.parametrize(
    ("schemes", "words"),
    [
        pytest.param(frozenset(Scheme), "Digest was offered, so it has no login to send", id="an old CUCM"),
        pytest.param(frozenset({Scheme.BASIC}), "only Basic was offered, which Java does not use", id="Java"),
    ],
)
def test_challenges_that_a_client_never_answers_are_counted(schemes: frozenset[Scheme], words: str) -> None:
    clock = Clock()
    make_snapshot = login_snapshot(make_authenticator(schemes=schemes, clock=clock))
    records = []
    for _ in range(3):
        conversation = start_conversation(make_snapshot)
        conversation.received(HEAD)
        records.append(conversation.record)
        clock.now += 900

    assert [record.outcome for record in records] == [
        Outcome.LOGIN_REQUIRED,
        Outcome.LOGIN_UNANSWERED,
        Outcome.LOGIN_UNANSWERED,
    ]
    assert [record.login_unanswered for record in records] == [0, 1, 2]
    assert words in records[2].detail
    assert "auth.trusted_networks" in records[2].remedy()


def test_no_answer_and_no_record_contains_a_password() -> None:
    sent = [head_with_login(basic(password="hush")), head_with_login("Basic hush"), head_with_login("Digest hush=hush")]
    sent += [HEAD[:-2] + b"Proxy-Authorization : Basic hush\r\n\r\n", HEAD[:-2] + b"X: 1\r\n hush\r\n\r\n"]
    sent += [b"CONNECT cucm:hush@tools.cisco.com:443 HTTP/1.1\r\n\r\n", b"GET http://cucm:hush@x/ HTTP/1.1\r\n\r\n"]
    sent += [b"Proxy-Authorization: Basic hush\r\n\r\n", HEAD.replace(b"Host: ", b"Host: cucm:hush@")]
    for message in sent:
        conversation = start_conversation(login_snapshot())
        command = conversation.received(message)
        said = repr(command) + repr(conversation.record)
        if isinstance(command, CheckLogin):
            said += repr(conversation.login_checked(right=False)) + repr(conversation.record)
        assert "hush" not in said
        assert PASSWORD not in said
        assert basic(password="hush")[6:] not in said
