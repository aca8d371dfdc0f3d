"""Conversations with TLS to the gate: the handshake, and HTTP inside it."""

import pytest

from licensegate.allowlist.rule import Rule
from licensegate.proxy.protocol.commands import Close, Dial, Establish, Send, StartTls, Wait
from licensegate.proxy.protocol.conversation import Conversation
from licensegate.proxy.protocol.states import State
from licensegate.proxy.wire.responses import ESTABLISHED
from licensegate.records.alert import Alert
from licensegate.records.outcome import Outcome, Party
from support.client_hellos import hello_message, in_records, server_name_extension
from support.conversation_harness import (
    ANOTHER_OWN_NAME,
    HEAD,
    HOST,
    IDENTITY,
    OWN_NAME,
    alert_code,
    connect_head,
    hello,
    make_snapshot,
    receive_in_tunnel,
    start_conversation,
    status_line,
)

HELLO = hello(HOST)


def shaking_hands(received: bytes = b"") -> Conversation:
    """A conversation whose client has begun TLS to the gate."""
    conversation = start_conversation()
    assert isinstance(conversation.received(received or hello()), StartTls)
    return conversation


def secured() -> Conversation:
    """A conversation whose client completed TLS to the gate."""
    conversation = shaking_hands()
    assert conversation.secured("TLSv1.3", "") == Wait()
    return conversation


@pytest.mark.parametrize("name", [OWN_NAME, ANOTHER_OWN_NAME, "GATE.Example.", ""], ids=lambda name: name or "no name")
def test_tls_to_the_gates_name_or_without_a_name_is_tls_to_the_gate(name: str) -> None:
    conversation = start_conversation()

    command = conversation.received(hello(name) + b"more")

    assert command == StartTls(IDENTITY, hello(name) + b"more")
    assert conversation.state is State.HANDSHAKE
    assert conversation.record.protocol == "https"
    assert (conversation.record.target, conversation.record.allowed) == ("", None)


@pytest.mark.parametrize("cut", range(1, len(hello(OWN_NAME))))
def test_the_handshake_gets_a_whole_hello_however_it_was_split(cut: int) -> None:
    conversation = start_conversation()

    conversation.received(hello(OWN_NAME)[:cut])

    assert conversation.received(hello(OWN_NAME)[cut:]) == StartTls(IDENTITY, hello(OWN_NAME))


def test_a_connect_inside_tls_is_served_like_a_plain_one() -> None:
    conversation = shaking_hands()
    assert conversation.secured("TLSv1.3", "CN=cucm-pub") == Wait()

    command = conversation.received(HEAD)

    assert isinstance(command, Dial)
    record = conversation.record
    assert (record.protocol, record.gate_tls, record.client_certificate) == ("https", "TLSv1.3", "CN=cucm-pub")
    assert (record.method, record.target) == ("CONNECT", f"{HOST}:443")
    assert receive_in_tunnel(conversation) == Send(ESTABLISHED)
    established = conversation.received(HELLO)
    assert isinstance(established, Establish)
    assert (established.to_client, established.to_upstream) == (b"", HELLO)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_the_hello_in_the_tunnel_is_read_by_a_new_reader(size: int) -> None:
    handshake = hello_message(server_name_extension(OWN_NAME.encode()))
    conversation = shaking_hands(in_records(handshake, [size] * len(handshake)))
    conversation.secured("TLSv1.3", "")
    conversation.received(HEAD)

    command = receive_in_tunnel(conversation, HELLO)

    assert isinstance(command, Establish)
    assert conversation.record.server_name == HOST


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        pytest.param(connect_head(b"evil.example:443"), "403 target_not_allowed", id="a target that no rule names"),
        pytest.param(
            b"POST /SmartTransport HTTP/1.1\r\n\r\n", "405 gate_is_no_gateway", id="a message for a satellite"
        ),
        pytest.param(HELLO, "400 head_malformed", id="TLS once more"),
        pytest.param(b"\r\n\r\n", "400 head_malformed", id="two empty lines"),
        pytest.param(b"EHLO client.example\r\n", "400 head_malformed", id="SMTP"),
    ],
)
def test_a_refusal_inside_tls_is_an_http_answer(sent: bytes, words: str) -> None:
    assert status_line(secured().received(sent)).startswith(f"HTTP/1.1 {words}: ")


def test_nothing_is_read_until_the_handshake_is_complete() -> None:
    conversation = shaking_hands()

    with pytest.raises(RuntimeError, match="reads nothing"):
        conversation.received(HEAD)


@pytest.mark.parametrize(
    ("rejected", "by_client", "outcome", "party"),
    [
        (False, True, Outcome.HANDSHAKE_FAILED, Party.CLIENT),
        (False, False, Outcome.HANDSHAKE_FAILED, Party.GATE),
        (True, True, Outcome.GATE_CERTIFICATE_REJECTED, Party.CLIENT),
    ],
    ids=["by the client's alert", "by the gate's alert", "for the gate's certificate"],
)
def test_a_failed_handshake_is_recorded_with_reason_and_party(
    rejected: bool, by_client: bool, outcome: Outcome, party: Party
) -> None:
    conversation = shaking_hands()

    failed = conversation.handshake_failed("the client's alert", by_client=by_client, certificate_rejected=rejected)

    assert failed == Close()
    record = conversation.record
    assert record.ended_by is party
    assert (record.outcome, record.detail, record.protocol) == (outcome, "the client's alert", "https")
    assert (record.status, record.gate_tls) == (0, "")
    assert record.tls_version, "its ClientHello is noted"


def test_an_incomplete_handshake_is_recorded_with_its_end() -> None:
    left, late, stopped = shaking_hands(), shaking_hands(), shaking_hands()

    assert left.client_ended() == late.deadline_passed() == stopped.stopped() == Close()

    assert (left.record.outcome, left.record.detail) == (Outcome.HANDSHAKE_FAILED, "the client left")
    assert (late.record.outcome, late.record.detail) == (Outcome.HANDSHAKE_FAILED, "it took too long")
    assert (left.record.ended_by, late.record.ended_by) == (Party.CLIENT, Party.GATE)
    assert stopped.record.outcome is Outcome.CUT_BEFORE_TUNNEL


def test_a_late_head_inside_tls_is_answered_but_silence_is_not() -> None:
    late, silent = secured(), secured()
    late.received(b"CONNECT ")

    assert status_line(late.deadline_passed()).startswith("HTTP/1.1 408 head_timeout: ")
    assert silent.deadline_passed() == Close()
    assert silent.record.outcome is Outcome.CLOSED_UNUSED


def test_a_client_that_closes_after_its_handshake_has_an_outcome() -> None:
    """It does not like the name in the gate's certificate, or it is a balancer's check."""
    closed, rejecting = secured(), secured()

    assert closed.client_ended() == rejecting.client_ended("the client's alert bad_certificate") == Close()

    assert (closed.record.outcome, closed.record.detail) == (Outcome.CLOSED_AFTER_HANDSHAKE, "")
    assert "does not accept the name in the gate's certificate" in closed.record.remedy()
    assert rejecting.record.outcome is Outcome.GATE_CERTIFICATE_REJECTED
    assert rejecting.record.detail == "the client's alert bad_certificate"


def test_tls_that_fails_after_its_handshake_was_ended_by_the_gate() -> None:
    conversation = secured()

    assert conversation.tls_failed("bad record") == Close()

    record = conversation.record
    assert (record.outcome, record.ended_by, record.detail) == (Outcome.TLS_FAILED, Party.GATE, "bad record")


def test_a_gate_without_a_certificate_passes_tls_on_or_refuses_it() -> None:
    snapshot = make_snapshot(Rule(OWN_NAME), identity=None)
    by_name, nameless = start_conversation(snapshot), start_conversation(snapshot)

    assert isinstance(by_name.received(hello(OWN_NAME)), Dial)
    assert alert_code(nameless.received(hello())) == Alert.DECODE_ERROR
    assert nameless.record.outcome is Outcome.HELLO_MALFORMED
