"""From the connected target to the relay: the 200, and the checks of the first bytes in the tunnel."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.allowlist.rule import Rule
from licensegate.proxy.protocol.commands import Close, Command, Dial, Establish, Refuse, Send, Wait
from licensegate.proxy.protocol.conversation import Conversation
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.protocol.states import State
from licensegate.proxy.protocol.tunnel_checks import ChecksByClient
from licensegate.proxy.settings import Limits, NetworkChecks, TunnelChecks
from licensegate.proxy.wire import client_hello
from licensegate.proxy.wire.responses import ESTABLISHED
from licensegate.proxy.wire.tls_records import Alert
from licensegate.records.outcome import Outcome
from licensegate.records.record import ServerNameCheck
from support.client_hellos import (
    RECORDED,
    RecordedHello,
    hello_message,
    in_records,
    join_records,
    server_name_extension,
)
from support.conversation_harness import (
    HEAD,
    HOST,
    SNAPSHOT,
    UNCHECKED_SNAPSHOT,
    alert_code,
    connect_head,
    hello,
    make_snapshot,
    start_conversation,
)

HELLO = hello(HOST)
FINISHED = b"\x14\x03\x03\0\x01\x01" + b"\x17\x03\x03\0\x35" + bytes(0x35)
"""A client's next records in TLS 1.3: change_cipher_spec and Finished."""


def dialled(snapshot: Snapshot = SNAPSHOT, *, behind_head: bytes = b"", target: str = HOST) -> Conversation:
    """A conversation whose target is being dialled and whose client already sent these bytes."""
    conversation = start_conversation(snapshot)
    assert isinstance(conversation.received(connect_head(f"{target}:443".encode()) + behind_head), Dial)
    return conversation


def asked(received: bytes, snapshot: Snapshot = SNAPSHOT, *, target: str = HOST) -> tuple[Conversation, Command]:
    """A conversation whose client sent these bytes after the 200, and the last command."""
    conversation = dialled(snapshot, target=target)
    assert conversation.connected() == Send(ESTABLISHED)
    return conversation, conversation.received(received)


def told(conversation: Conversation) -> tuple[Outcome | None, ServerNameCheck | None, str, int]:
    record = conversation.record
    return record.outcome, record.server_name_check, record.detail, record.status


# A hello that may pass


def test_the_client_is_answered_first_and_its_hello_begins_the_tunnel() -> None:
    conversation = dialled()

    assert conversation.connected() == Send(ESTABLISHED)
    assert conversation.state is State.INNER_HELLO
    command = conversation.received(HELLO)

    assert isinstance(command, Establish)
    assert (command.to_client, command.to_upstream) == (b"", HELLO)
    record = conversation.record
    assert told(conversation) == (None, ServerNameCheck.MATCH, "", 200)
    assert (record.protocol, record.server_name, record.tls_version) == ("http", HOST, "1.2")
    assert record.client_read == len(connect_head(f"{HOST}:443".encode()) + HELLO)
    assert not conversation._received, "kept for as long as the tunnel is open"
    assert conversation._hello_reader is None, "and so is this"


@pytest.mark.parametrize("cut", range(1, len(HELLO)))
def test_a_hello_split_at_any_byte_passes_only_when_it_is_whole(cut: int) -> None:
    conversation, command = asked(HELLO[:cut])
    assert command == Wait()

    command = conversation.received(HELLO[cut:])

    assert isinstance(command, Establish)
    assert command.to_upstream == HELLO


@pytest.mark.parametrize("cut", range(len(HELLO + FINISHED) + 1))
def test_a_client_that_does_not_wait_for_the_200_is_served(cut: int) -> None:
    """Some bytes come with the head, the rest while the target is dialled."""
    glued, rest = (HELLO + FINISHED)[: cut // 2], (HELLO + FINISHED)[cut // 2 : cut]
    conversation = dialled(behind_head=glued)
    if rest:
        assert conversation.received(rest) == Wait()

    command = conversation.connected()

    if cut < len(HELLO):
        assert command == Send(ESTABLISHED)
        command = conversation.received((HELLO + FINISHED)[cut:])
        expected = (b"", HELLO + FINISHED)
    else:
        expected = (ESTABLISHED, (HELLO + FINISHED)[:cut])
    assert isinstance(command, Establish)
    assert (command.to_client, command.to_upstream) == expected
    assert told(conversation) == (None, ServerNameCheck.MATCH, "", 200)


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


@pytest.mark.parametrize(
    "row",
    [RECORDED["openssl-over-16-kb"], RECORDED["openssl-records-of-512"]],
    ids=["over 16 KB", "in records of 512"],
)
@pytest.mark.parametrize("size", [1400, 8192, 16389, 100_000])
def test_a_hello_over_several_records_passes_in_segments_of_any_size(row: RecordedHello, size: int) -> None:
    conversation, command = asked(row.hello[:size], make_snapshot(Rule(row.server_name)), target=row.server_name)
    for place in range(size, len(row.hello), size):
        assert command == Wait()
        command = conversation.received(row.hello[place : place + size])

    assert isinstance(command, Establish)
    assert command.to_upstream == row.hello
    assert conversation.record.server_name_check is ServerNameCheck.MATCH


REAL = [row for row in RECORDED.values() if row.server_name and not row.fault]


@pytest.mark.parametrize("row", REAL, ids=[row.name for row in REAL])
def test_every_real_client_passes_and_its_hello_is_recorded(row: RecordedHello) -> None:
    conversation, command = asked(row.hello, make_snapshot(Rule(row.server_name)), target=row.server_name)

    assert isinstance(command, Establish)
    record = conversation.record
    assert (record.server_name, record.alpn) == (row.server_name, row.alpn)
    assert (record.tls_version, record.ech) == (row.max_version, row.ech)


def test_an_absent_name_passes_and_is_recorded() -> None:
    conversation, command = asked(hello())

    assert isinstance(command, Establish)
    assert told(conversation) == (None, ServerNameCheck.ABSENT, "", 200)
    assert conversation.record.server_name == ""


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

    assert told(left) == (Outcome.CLIENT_LEFT_IN_INNER_HELLO, None, "", 200)
    assert told(late) == (Outcome.INNER_HELLO_TIMEOUT, ServerNameCheck.TIMEOUT, "", 200)
    assert told(stopped) == (Outcome.CUT_BY_STOP, None, "", 200)


# Without checks, and with other checks

ANYTHING = [b"", b"SSH-2.0-OpenSSH_9.6\r\n", HELLO, HELLO[:9], hello("evil.example"), b"\x16\x04"]


@pytest.mark.parametrize("early", ANYTHING, ids=repr)
def test_without_checks_nothing_is_held_back_or_inspected(early: bytes) -> None:
    conversation = dialled(UNCHECKED_SNAPSHOT, behind_head=early)

    assert conversation.connected() == Establish(ESTABLISHED, early, None, None)

    assert told(conversation) == (None, None, "", 200)
    assert conversation.record.server_name == ""


CASES = {
    "not TLS": b"SSH-2.0-OpenSSH_9.6\r\n",
    "another name": hello("evil.example"),
    "no name": hello(),
    "malformed": b"\x16\x03\x01\0\x04\x02\0\0\0",
    "the name": HELLO,
}


@pytest.mark.parametrize(
    ("checks", "passing"),
    [
        pytest.param(TunnelChecks(), {"no name", "the name"}, id="as by default"),
        pytest.param(TunnelChecks(require_tls=False), {"not TLS", "no name", "the name"}, id="TLS not required"),
        pytest.param(TunnelChecks(match_server_name=False), {"another name", "no name", "the name"}, id="any name"),
        pytest.param(TunnelChecks(require_server_name=True), {"the name"}, id="a name required"),
        pytest.param(
            TunnelChecks(False, False, True), {"not TLS", "another name", "the name"}, id="a name required in TLS only"
        ),
    ],
)
@pytest.mark.parametrize("stated_by", ["everywhere", "a rule", "a network"])
def test_each_check_can_be_set_generally_by_rule_and_by_network(
    checks: TunnelChecks, passing: set[str], stated_by: str
) -> None:
    stated = {name: getattr(checks, name) for name in TunnelChecks.__struct_fields__}
    opposite = TunnelChecks(**{name: not value for name, value in stated.items()})
    match stated_by:
        case "a rule":
            snapshot = make_snapshot(Rule(HOST, **stated), checks=ChecksByClient(opposite))
        case "a network":
            here = NetworkChecks((ip_network("10.1.0.0/16"),), **stated)
            snapshot = make_snapshot(checks=ChecksByClient(opposite, [here]))
        case _:
            snapshot = make_snapshot(checks=ChecksByClient(checks))

    commands = {name: asked(received, snapshot)[1] for name, received in CASES.items()}

    assert {name for name, command in commands.items() if isinstance(command, Establish)} == passing


def test_the_result_of_a_disabled_check_is_recorded() -> None:
    lenient = make_snapshot(
        checks=ChecksByClient(TunnelChecks(require_tls=False, match_server_name=False, require_server_name=True))
    )
    not_tls, another = asked(b"SSH-2.0", lenient)[0], asked(hello("evil.example"), lenient)[0]

    assert told(not_tls)[:2] == (None, ServerNameCheck.NOT_TLS)
    assert told(another)[:2] == (None, ServerNameCheck.MISMATCH)
    assert another.record.server_name == "evil.example"


# Record shapes after the hello


@given(st.integers(0, len(FINISHED)), st.booleans())
def test_only_bytes_after_the_hello_count_as_record_shapes(size: int, early: bool) -> None:
    if early:
        conversation = dialled(behind_head=HELLO + FINISHED[:size])
        command = conversation.connected()
    else:
        conversation, command = asked(HELLO + FINISHED[:size])

    assert isinstance(command, Establish)
    assert command.client_shape is not None
    assert command.upstream_shape is not None
    command.client_shape.see(FINISHED[size:])
    assert command.client_shape.records == [(20, 1), (23, 0x35)]
    assert command.client_shape.alert is None
    assert command.upstream_shape.records == []


def test_an_alert_directly_after_the_hello_is_recorded() -> None:
    _, command = asked(HELLO + b"\x15\x03\x03\0\x02\x02\x30")

    assert isinstance(command, Establish)
    assert command.client_shape is not None
    assert (command.client_shape.records, command.client_shape.alert) == ([(21, 2)], Alert.UNKNOWN_CA)


def test_bytes_that_are_not_tls_have_no_shape() -> None:
    _, command = asked(b"SSH-2.0", make_snapshot(Rule(HOST, require_tls=False)))

    assert command == Establish(b"", b"SSH-2.0", None, None)


# What it costs


@pytest.mark.parametrize("bare", [False, True], ids=["in a tunnel", "bare"])
def test_each_byte_of_a_slow_hello_is_parsed_once(bare: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading 64 KB from the start for each byte would take a quarter of an hour."""
    handshake = join_records(HELLO)
    trickling = in_records(handshake, [1] * len(handshake))
    looks = 0
    look = client_hello._record_end

    def counted(received: bytes, start: int, limit: int) -> int:
        nonlocal looks
        looks += 1
        return look(received, start, limit)

    conversation = start_conversation() if bare else dialled()
    if not bare:
        conversation.connected()
    monkeypatch.setattr(client_hello, "_record_end", counted)

    commands = [conversation.received(trickling[place : place + 1]) for place in range(len(trickling))]

    assert isinstance(commands[-1], Dial if bare else Establish)
    assert looks <= len(trickling) + len(handshake), "once for each byte, and once more for each record"
