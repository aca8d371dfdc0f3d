"""An empty line before the first bytes of a tunnel."""

import pytest

from licensegate.allowlist.rule import Rule
from licensegate.proxy.protocol.commands import Close, Establish, Send, Wait
from licensegate.proxy.wire.responses import ESTABLISHED
from licensegate.records.alert import Alert
from licensegate.records.outcome import Outcome
from licensegate.records.record import ServerNameCheck
from support.conversation_harness import (
    HOST,
    alert_code,
    connect_head,
    hello,
    make_snapshot,
)
from support.inner_hello_harness import FINISHED, HELLO, asked, dialled, told

EMPTY_LINES = pytest.mark.parametrize("line", [b"\r\n", b"\n"], ids=["CRLF", "LF"])


@EMPTY_LINES
@pytest.mark.parametrize("cut", range(len(HELLO) + 3))
def test_an_empty_line_before_the_hello_is_not_passed_on(line: bytes, cut: int) -> None:
    sent = line + HELLO + FINISHED
    conversation = dialled(behind_head=sent[:cut])

    command = conversation.connected()
    if isinstance(command, Send):
        command = conversation.received(sent[cut:])
        rest = b""
    else:
        rest = sent[cut:]

    assert isinstance(command, Establish)
    assert command.to_upstream + rest == HELLO + FINISHED
    assert told(conversation) == (None, ServerNameCheck.MATCH, "", 200)
    assert conversation.record.client_read == len(connect_head(f"{HOST}:443".encode()) + sent) - len(rest)


@EMPTY_LINES
def test_an_empty_line_may_come_byte_by_byte_behind_the_200(line: bytes) -> None:
    conversation = dialled()
    assert conversation.connected() == Send(ESTABLISHED)
    sent = line + HELLO

    *before, last = [conversation.received(sent[place : place + 1]) for place in range(len(sent))]

    assert before == [Wait()] * (len(sent) - 1)
    assert isinstance(last, Establish)
    assert last.to_upstream == HELLO


@EMPTY_LINES
def test_a_refusal_behind_an_empty_line_is_an_alert(line: bytes) -> None:
    conversation, command = asked(line + hello("evil.example"))

    assert alert_code(command) == Alert.UNRECOGNIZED_NAME
    assert told(conversation) == (Outcome.SERVER_NAME_MISMATCH, ServerNameCheck.MISMATCH, "evil.example", 200)


@EMPTY_LINES
def test_a_malformed_hello_behind_an_empty_line_gets_an_alert_too(line: bytes) -> None:
    conversation, command = asked(line + b"\x16\x03\x01\0\x04\x02\0\0\0")

    assert alert_code(command) == Alert.DECODE_ERROR
    assert conversation.record.outcome is Outcome.INNER_HELLO_MALFORMED


@pytest.mark.parametrize("lines", [b"\r\n\r\n", b"\n\n", b"\r\n\n", b"\n\r\n"], ids=repr)
@pytest.mark.parametrize("split", [False, True], ids=["whole", "byte by byte"])
def test_a_second_empty_line_is_refused_with_the_reason(lines: bytes, split: bool) -> None:
    conversation = dialled()
    conversation.connected()
    pieces = [lines[place : place + 1] for place in range(len(lines))] if split else [lines + HELLO]

    commands = [conversation.received(piece) for piece in pieces]

    assert commands == [*[Wait()] * (len(pieces) - 1), Close()]
    detail = "it begins with more than one empty line"
    assert told(conversation) == (Outcome.INNER_NOT_TLS, ServerNameCheck.NOT_TLS, detail, 200)


def test_an_empty_line_before_other_bytes_is_passed_on_with_them() -> None:
    sent = b"\r\nEHLO client.example\r\n"
    conversation, command = asked(sent, make_snapshot(Rule(HOST, require_tls=False)))

    assert isinstance(command, Establish)
    assert command.to_upstream == sent
    assert conversation.record.server_name_check is ServerNameCheck.NOT_TLS
