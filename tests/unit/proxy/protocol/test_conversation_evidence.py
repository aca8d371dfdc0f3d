"""What the record of a failed request says about it, so that the cause can be named."""

import pytest

from licensegate.proxy.auth.scheme import Scheme
from licensegate.proxy.protocol.commands import Refuse, StartTls
from licensegate.proxy.protocol.conversation import Conversation
from licensegate.records.outcome import Outcome
from support.client_hellos import alpn, hello_message, in_records, server_name_extension, versions
from support.conversation_harness import HEAD, OWN_NAME, login_snapshot, start_conversation

GATE_HELLO = in_records(
    hello_message(server_name_extension(OWN_NAME.encode()), alpn(b"http/1.1"), versions(0x0304, 0x0303))
)


def refused(head: bytes) -> Conversation:
    conversation = start_conversation()
    assert isinstance(conversation.received(head), Refuse)
    return conversation


@pytest.mark.parametrize("where", ["both places", "the request line", "the Host"])
def test_a_url_is_named_wherever_it_stands(where: str) -> None:
    url, name = b"https://tools.cisco.com:443/", b"tools.cisco.com:443"
    target, host = (name if where == "the Host" else url), (name if where == "the request line" else url)
    record = refused(b"CONNECT %b HTTP/1.1\r\nUser-Agent: Java/17\r\nHost: %b\r\n\r\n" % (target, host)).record

    assert record.outcome is (Outcome.HOST_MALFORMED if where == "the Host" else Outcome.TARGET_IS_URL)
    assert (record.method, record.user_agent) == ("CONNECT", "Java/17")
    assert record.requested == ("" if where == "the Host" else url.decode())
    assert record.target == (name.decode() if where == "the Host" else "")


def test_a_connect_with_a_body_keeps_its_target() -> None:
    record = refused(HEAD[:-2] + b"Content-Length: 5\r\n\r\n").record

    assert record.outcome is Outcome.BODY_NOT_ALLOWED
    assert (record.method, record.target) == ("CONNECT", "tools.cisco.com:443")


def test_a_login_in_front_of_the_target_is_named_without_it() -> None:
    record = refused(b"CONNECT cucm:YTpi@tools.cisco.com:443 HTTP/1.1\r\n\r\n").record

    assert (record.outcome, record.detail) == (
        Outcome.TARGET_MALFORMED,
        "a login (user:password@) stands before the host",
    )
    assert "YTpi" not in repr(record)


@pytest.mark.parametrize(
    ("schemes", "offered"),
    [
        (frozenset(Scheme), ("digest-md5", "digest-sha-256", "basic")),
        (frozenset({Scheme.DIGEST_MD5}), ("digest-md5",)),
        (frozenset({Scheme.BASIC}), ("basic",)),
        (frozenset({Scheme.CERTIFICATE}), ()),
    ],
    ids=["all", "MD5", "Basic", "certificates only"],
)
def test_a_407_leaves_what_it_offered(schemes: frozenset[Scheme], offered: tuple[str, ...]) -> None:
    conversation = start_conversation(login_snapshot(), schemes=schemes)
    assert isinstance(conversation.received(HEAD), Refuse)

    assert conversation.record.login_offered == offered


def begin_tls() -> Conversation:
    conversation = start_conversation()
    assert isinstance(conversation.received(GATE_HELLO), StartTls)
    return conversation


def hello_noted(conversation: Conversation) -> tuple[str, tuple[str, ...], str]:
    record = conversation.record
    return record.server_name, record.alpn, record.tls_version


NOTED = OWN_NAME, ("http/1.1",), "1.3"


def test_the_hello_of_tls_to_the_gate_is_noted_where_it_fails() -> None:
    rejected, cut, unused, other = (begin_tls() for _ in range(4))
    rejected.handshake_failed("unknown_ca", by_client=True, certificate_rejected=True)
    cut.client_ended()
    unused.secured("TLSv1.3", "")
    unused.client_ended()
    other.secured("TLSv1.3", "")
    assert isinstance(other.received(b"POST /its/service/x HTTP/1.1\r\n\r\n"), Refuse)
    other.client_ended()

    assert [hello_noted(conversation) for conversation in (rejected, cut, unused, other)] == [NOTED] * 4


def test_the_hello_of_tls_to_the_gate_is_not_that_to_the_target() -> None:
    conversation = begin_tls()
    conversation.secured("TLSv1.3", "")
    conversation.received(HEAD)
    conversation.client_ended()

    assert hello_noted(conversation) == ("", (), "")


@pytest.mark.parametrize("size", [3, 5, 9, 50, len(GATE_HELLO) - 1])
def test_half_a_hello_of_tls_to_the_gate_is_measured(size: int) -> None:
    conversation = start_conversation()
    conversation.received(GATE_HELLO[:size])
    conversation.deadline_passed()

    record = conversation.record
    assert record.outcome is Outcome.HELLO_TIMEOUT
    assert (record.hello_bytes, record.hello_size) == (size, len(GATE_HELLO) if size >= 5 else 0)
