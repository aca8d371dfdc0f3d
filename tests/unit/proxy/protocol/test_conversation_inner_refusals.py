"""First bytes of a tunnel that may not pass."""

import pytest

from licensegate.proxy.protocol.commands import Close, Establish, Refuse, Send, Wait
from licensegate.proxy.protocol.states import State
from licensegate.proxy.protocol.tunnel_checks import ChecksByClient
from licensegate.proxy.settings import Limits, TunnelChecks
from licensegate.proxy.wire.responses import ESTABLISHED
from licensegate.records.alert import Alert
from licensegate.records.outcome import Outcome
from licensegate.records.record import ServerNameCheck
from support.client_hellos import (
    RECORDED,
    hello_message,
    in_records,
    server_name_extension,
)
from support.conversation_harness import (
    HEAD,
    HOST,
    alert_code,
    hello,
    make_snapshot,
)
from support.inner_hello_harness import HELLO, asked, dialled, told

# Refused bytes, of a client that waited for the 200 and of one that did not

FORBIDDEN: dict[str, tuple[bytes, Outcome, ServerNameCheck, int | None]] = {
    "another name": (
        hello("evil.example"), Outcome.SERVER_NAME_MISMATCH, ServerNameCheck.MISMATCH, Alert.UNRECOGNIZED_NAME
    ),
    "no name where one is required": (
        hello(), Outcome.SERVER_NAME_ABSENT, ServerNameCheck.ABSENT, Alert.UNRECOGNIZED_NAME
    ),
    "another message of TLS": (
        b"\x16\x03\x01\0\x04\x02\0\0\0", Outcome.INNER_HELLO_MALFORMED, ServerNameCheck.MALFORMED, Alert.DECODE_ERROR
    ),
    "two names": (
        in_records(hello_message(server_name_extension(b"tools.cisco.com", b"evil.example"))),
        Outcome.INNER_HELLO_MALFORMED, ServerNameCheck.MALFORMED, Alert.DECODE_ERROR
    ),
    "more than is read": (
        b"\x16\x03\x01\x40\0\x01\x0f\0\0", Outcome.INNER_HELLO_MALFORMED, ServerNameCheck.MALFORMED, Alert.DECODE_ERROR
    ),
    "HTTP": (b"GET / HTTP/1.1\r\n\r\n", Outcome.INNER_NOT_TLS, ServerNameCheck.NOT_TLS, None),
    "HTTP's first byte": (b"P", Outcome.INNER_NOT_TLS, ServerNameCheck.NOT_TLS, None),
    "a CONNECT": (HEAD, Outcome.INNER_NOT_TLS, ServerNameCheck.NOT_TLS, None),
    "SSH": (b"SSH-2.0-OpenSSH_9.6\r\n", Outcome.INNER_NOT_TLS, ServerNameCheck.NOT_TLS, None),
    "SMTP": (b"EHLO mail.example\r\n", Outcome.INNER_NOT_TLS, ServerNameCheck.NOT_TLS, None),
    "SSL 2": (RECORDED["java-11-ssl-2"].hello, Outcome.INNER_NOT_TLS, ServerNameCheck.NOT_TLS, None),
    "a PROXY header": (b"PROXY TCP4 10.1.2.3 10.1.2.3 1 2\r\n", Outcome.INNER_NOT_TLS, ServerNameCheck.NOT_TLS, None),
    "TLS of a version that there is not": (b"\x16\x04\x01", Outcome.INNER_NOT_TLS, ServerNameCheck.NOT_TLS, None),
    "data of TLS": (b"\x17\x03\x03\0\x01x", Outcome.INNER_NOT_TLS, ServerNameCheck.NOT_TLS, None),
}  # fmt: skip

STRICT = make_snapshot(checks=ChecksByClient(TunnelChecks(require_server_name=True)))

every_forbidden = pytest.mark.parametrize(
    ("received", "outcome", "check", "alert"), FORBIDDEN.values(), ids=FORBIDDEN.keys()
)


@every_forbidden
def test_a_refused_hello_gets_an_alert_and_other_bytes_are_closed(
    received: bytes, outcome: Outcome, check: ServerNameCheck, alert: int | None
) -> None:
    conversation, command = asked(received, STRICT)

    if alert is None:
        assert command == Close()
    else:
        assert alert_code(command) == alert
    record = conversation.record
    assert (record.outcome, record.server_name_check, record.status) == (outcome, check, 200)


@every_forbidden
def test_a_client_that_did_not_wait_gets_the_200_before_the_refusal(
    received: bytes, outcome: Outcome, check: ServerNameCheck, alert: int | None
) -> None:
    conversation = dialled(STRICT, behind_head=received)

    command = conversation.connected()

    if alert is None:
        assert command == Refuse(ESTABLISHED)
    else:
        assert alert_code(command, behind=ESTABLISHED) == alert
    record = conversation.record
    assert (record.outcome, record.server_name_check, record.status) == (outcome, check, 200)


@every_forbidden
def test_bytes_that_arrive_singly_are_refused_with_the_last(
    received: bytes, outcome: Outcome, check: ServerNameCheck, alert: int | None
) -> None:
    conversation, command = asked(received[:1], STRICT)

    for place in range(1, len(received)):
        if conversation.state is State.INNER_HELLO:
            assert command == Wait()
            command = conversation.received(received[place : place + 1])

    assert (conversation.record.outcome, conversation.record.server_name_check) == (outcome, check)
    assert isinstance(command, Close if alert is None else Refuse)


def test_the_record_of_a_mismatch_names_both() -> None:
    conversation, _ = asked(hello("evil.example"))

    record = conversation.record
    assert (record.target, record.server_name, record.detail) == (f"{HOST}:443", "evil.example", "evil.example")
    assert record.sentence() == f"10.1.2.3 opened a tunnel to {HOST}:443, but asked for the server evil.example in it."


def test_a_hello_within_the_limit_passes_and_a_larger_one_does_not() -> None:
    enough, too_little = (make_snapshot(limits=Limits(hello_bytes=len(HELLO) - missing)) for missing in (0, 1))

    assert isinstance(asked(HELLO, enough)[1], Establish)
    assert alert_code(asked(HELLO[:9], too_little)[1]) == Alert.DECODE_ERROR


# Clients that send nothing, or not enough


@pytest.mark.parametrize("size", [0, 1, 5, len(HELLO) - 1])
@pytest.mark.parametrize("early", [False, True], ids=["after the 200", "before it"])
def test_an_incomplete_hello_is_recorded_with_its_end(size: int, early: bool) -> None:
    left, late, stopped = conversations = [dialled(behind_head=HELLO[:size] if early else b"") for _ in range(3)]
    for conversation in conversations:
        assert conversation.connected() == Send(ESTABLISHED)
        if size and not early:
            assert conversation.received(HELLO[:size]) == Wait()

    assert left.client_ended() == late.deadline_passed() == stopped.stopped() == Close()

    detail = f"it began one of {len(HELLO)} bytes and {size} came" if size >= 5 else ""
    assert told(left) == (Outcome.CLIENT_LEFT_IN_INNER_HELLO, None, detail, 200)
    assert told(late) == (Outcome.INNER_HELLO_TIMEOUT, ServerNameCheck.TIMEOUT, detail, 200)
    assert told(stopped) == (Outcome.CUT_BY_STOP, None, detail, 200)
    for conversation in conversations:
        assert conversation.record.hello_bytes == size
        assert conversation.record.hello_size == (len(HELLO) if size >= 5 else 0)
