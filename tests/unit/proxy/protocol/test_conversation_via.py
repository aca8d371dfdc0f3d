"""Requests that came through other proxies, and bytes that an upstream sends with its connection."""

import pytest

from licensegate.proxy.protocol.commands import Dial, Establish, Refuse
from licensegate.proxy.protocol.states import State
from licensegate.proxy.wire.via import OUR_NAME
from licensegate.records.outcome import Outcome
from support.conversation_harness import CLIENT, HOST, STRANGER, UNCHECKED_SNAPSHOT, hello, start_conversation

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
SERVER_HELLO = bytes([22, 3, 3, 0, 4]) + b"abcd"


def connect(via: str, host: str = HOST) -> bytes:
    return f"CONNECT {host}:443 HTTP/1.1\r\nVia: {via}\r\n\r\n".encode()


def test_a_request_through_other_proxies_is_served_and_recorded() -> None:
    conversation = start_conversation()

    assert isinstance(conversation.received(connect("1.1 edge, 1.1 licensegate-000000000000")), Dial)
    assert conversation.record.via == "1.1 edge, 1.1 licensegate-000000000000"


def test_a_login_in_a_via_or_user_agent_is_not_recorded() -> None:
    conversation = start_conversation()
    conversation.received(
        b"CONNECT tools.cisco.com:443 HTTP/1.1\r\n"
        b"Via: 1.1 edge (cucm:secret@edge)\r\n"
        b"User-Agent: x Basic secret\r\n\r\n"
    )

    assert (conversation.record.via, conversation.record.user_agent) == ("1.1 edge ...@edge)", "x ...")


def test_the_query_of_a_url_is_not_recorded() -> None:
    conversation = start_conversation()
    conversation.received(b"GET http://host/path?user=cucm&secret HTTP/1.1\r\n\r\n")

    assert conversation.record.requested == "http://host/path?..."


@pytest.mark.parametrize("host", [HOST, "elsewhere.example"], ids=["an allowed target", "another"])
def test_a_request_that_passed_this_gate_before_is_refused(host: str) -> None:
    conversation = start_conversation()

    command = conversation.received(connect(f"1.1 {OUR_NAME}, 1.1 parent.test (squid/5.7)", host))
    assert isinstance(command, Refuse)
    assert command.answer.startswith(b"HTTP/1.1 502 proxy_loop: ")
    assert b"error=proxy_loop_detected" in command.answer
    assert conversation.record.outcome is Outcome.PROXY_LOOP
    assert conversation.record.target == f"{host}:443"
    assert conversation.record.allowed is None


def test_a_stranger_does_not_learn_of_loops() -> None:
    conversation = start_conversation(client=STRANGER)
    conversation.received(connect(f"1.1 {OUR_NAME}"))

    assert conversation.record.outcome is Outcome.CLIENT_NOT_ALLOWED


def test_without_checks_the_upstreams_first_bytes_follow_the_200() -> None:
    conversation = start_conversation(UNCHECKED_SNAPSHOT)
    conversation.received(connect("1.1 edge"))

    command = conversation.connected(b"220 hello")
    assert isinstance(command, Establish)
    assert command.to_client == ESTABLISHED + b"220 hello"
    assert conversation.record.upstream_read == len(b"220 hello")


def test_the_upstreams_first_bytes_wait_until_the_hello_passes() -> None:
    conversation = start_conversation()
    conversation.received(connect("1.1 edge"))

    answer = conversation.connected(SERVER_HELLO)
    assert SERVER_HELLO not in getattr(answer, "to_client", b"")
    command = conversation.received(hello(HOST))
    assert isinstance(command, Establish)
    assert command.to_client == SERVER_HELLO
    assert command.target_records is not None
    assert command.target_records.records == [(22, 4)]


def test_a_refused_hello_does_not_get_the_upstreams_first_bytes() -> None:
    conversation = start_conversation()
    conversation.received(connect("1.1 edge"))
    conversation.connected(SERVER_HELLO)

    command = conversation.received(hello("elsewhere.example"))
    assert isinstance(command, Refuse)
    assert SERVER_HELLO not in command.answer
    assert conversation.state is State.LINGERING
    assert conversation.record.client == CLIENT


def test_tls_without_connect_gets_the_upstreams_first_bytes() -> None:
    conversation = start_conversation()
    conversation.received(hello(HOST))

    command = conversation.connected(SERVER_HELLO)
    assert isinstance(command, Establish)
    assert command.to_client == SERVER_HELLO
