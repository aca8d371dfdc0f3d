"""A ClientHello that comes back to the gate while the tunnel that it was sent through is open."""

import pytest

from licensegate.proxy.protocol.commands import Command, Dial, Establish, Refuse
from licensegate.proxy.protocol.conversation import Conversation
from licensegate.proxy.protocol.hellos_in_flight import HellosInFlight
from licensegate.records.alert import Alert
from licensegate.records.outcome import Outcome
from support.client_hellos import hello_message, in_records, server_name_extension
from support.conversation_harness import HEAD, HOST, UNCHECKED_SNAPSHOT, alert_code, connect_head, start_conversation

HELLO = in_records(hello_message(server_name_extension(HOST.encode()), random=b"1" * 32))
ANOTHER = in_records(hello_message(server_name_extension(HOST.encode()), random=b"2" * 32))
THROUGH_A_PROXY = f"CONNECT {HOST}:443 HTTP/1.1\r\nVia: 1.1 squid.test (squid/5.7)\r\n\r\n".encode()


def asked(hellos: HellosInFlight, head: bytes, hello: bytes = HELLO) -> tuple[Conversation, Command]:
    """A tunnel by CONNECT that got as far as this hello, and what follows."""
    conversation = start_conversation(hellos=hellos)
    assert isinstance(conversation.received(head), Dial)
    conversation.connected()
    return conversation, conversation.received(hello)


def asked_by_tls(hellos: HellosInFlight, hello: bytes = HELLO) -> tuple[Conversation, Command]:
    conversation = start_conversation(hellos=hellos)
    return conversation, conversation.received(hello)


@pytest.fixture
def hellos() -> HellosInFlight:
    return HellosInFlight()


@pytest.mark.parametrize("by_tls", [False, True], ids=["sent by CONNECT", "sent by TLS"])
def test_a_hello_that_comes_back_as_tls_is_refused_before_a_dial(hellos: HellosInFlight, by_tls: bool) -> None:
    _, sent = asked_by_tls(hellos) if by_tls else asked(hellos, HEAD)
    assert isinstance(sent, Dial if by_tls else Establish)

    conversation, back = asked_by_tls(hellos)

    assert alert_code(back) == Alert.INTERNAL_ERROR
    record = conversation.record
    assert (record.outcome, record.target) == (Outcome.HELLO_LOOP, f"{HOST}:443")


def test_a_hello_that_comes_back_through_a_proxy_is_refused(hellos: HellosInFlight) -> None:
    asked(hellos, HEAD)
    conversation, back = asked(hellos, THROUGH_A_PROXY)
    assert isinstance(back, Refuse)
    assert (conversation.record.outcome, conversation.record.status) == (Outcome.HELLO_LOOP, 200)


def test_a_client_that_repeats_its_hello_is_no_loop(hellos: HellosInFlight) -> None:
    asked(hellos, HEAD)
    _, again = asked(hellos, HEAD)
    assert isinstance(again, Establish)


def test_a_hello_with_another_random_is_no_loop(hellos: HellosInFlight) -> None:
    asked_by_tls(hellos)
    _, another = asked_by_tls(hellos, ANOTHER)
    assert isinstance(another, Dial)


def test_a_hello_may_come_again_once_its_tunnel_has_ended(hellos: HellosInFlight) -> None:
    conversation, _ = asked_by_tls(hellos)
    refused, _ = asked_by_tls(hellos)
    refused.client_ended()
    assert len(hellos) == 1, "the refused one takes nothing from the open tunnel"
    conversation.connected()
    conversation.ended(Outcome.CLOSED_BY_CLIENT)
    assert hellos == set()
    _, again = asked_by_tls(hellos)
    assert isinstance(again, Dial)


def test_a_failed_dial_leaves_no_hello_behind(hellos: HellosInFlight) -> None:
    conversation, _ = asked_by_tls(hellos)
    conversation.dial_failed(Outcome.CONNECTION_REFUSED, "")
    conversation.client_ended()
    assert hellos == set()


def test_a_tunnel_that_is_not_checked_keeps_no_hello(hellos: HellosInFlight) -> None:
    conversation = start_conversation(UNCHECKED_SNAPSHOT, hellos=hellos)
    conversation.received(connect_head(f"{HOST}:443".encode()) + HELLO)
    assert isinstance(conversation.connected(), Establish)
    assert hellos == set()
