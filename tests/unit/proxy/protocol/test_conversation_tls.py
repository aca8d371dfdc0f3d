"""Conversations that begin with TLS to a target or to another name, and with bytes of no protocol."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.proxy.protocol.commands import Close, Dial, Establish, Refuse, Wait
from licensegate.proxy.protocol.states import State
from licensegate.proxy.protocol.tunnel_counter import TunnelCounter
from licensegate.proxy.settings import Limits
from licensegate.records.alert import Alert
from licensegate.records.outcome import Outcome
from licensegate.records.record import ServerNameCheck
from support.client_hellos import RECORDED, RecordedHello, hello_message, in_records, server_name_extension
from support.conversation_harness import (
    CLIENT,
    HOST,
    OWN_NAME,
    STRANGER,
    alert_code,
    hello,
    make_snapshot,
    start_conversation,
)

HELLO = hello(HOST)


# Bare TLS to a target


def test_tls_to_an_allowed_name_is_dialled_on_port_443() -> None:
    conversation = start_conversation()

    command = conversation.received(HELLO)

    assert command == Dial(Target(HOST, 443), Rule(HOST, preset="cisco-licensing"))
    record = conversation.record
    assert (record.protocol, record.server_name, record.target) == ("tls", HOST, f"{HOST}:443")
    assert (record.allowed, record.rule, record.preset) == (True, str(command.rule), "cisco-licensing")
    assert record.server_name_check is ServerNameCheck.MATCH
    assert (record.method, record.http_version) == ("", "")


def test_tls_is_passed_on_untouched_and_without_an_answer() -> None:
    conversation = start_conversation()
    conversation.received(HELLO)
    assert conversation.received(b"\x17\x03\x03\0\x05early") == Wait()

    command = conversation.connected()

    assert isinstance(command, Establish)
    assert (command.to_client, command.to_upstream) == (b"", HELLO + b"\x17\x03\x03\0\x05early")
    assert conversation.record.status == 0
    assert conversation.state is State.RELAYING


def test_record_shapes_start_after_the_hello() -> None:
    conversation = start_conversation()
    conversation.received(HELLO + b"\x14\x03\x03\0\x01\x01")

    command = conversation.connected()

    assert isinstance(command, Establish)
    assert command.client_records is not None
    assert command.target_records is not None
    assert (command.client_records.records, command.target_records.records) == ([(20, 1)], [])


@pytest.mark.parametrize("cut", range(1, len(HELLO)))
def test_a_hello_split_at_any_byte_is_dialled_when_it_is_whole(cut: int) -> None:
    conversation = start_conversation()

    assert conversation.received(HELLO[:cut]) == Wait()
    assert isinstance(conversation.received(HELLO[cut:]), Dial)


NAMED = [row for row in RECORDED.values() if row.server_name and not row.fault]


@pytest.mark.parametrize("row", NAMED, ids=[row.name for row in NAMED])
def test_every_real_client_is_dialled_by_its_server_name(row: RecordedHello) -> None:
    conversation = start_conversation(make_snapshot(Rule(row.server_name)))

    for place in range(0, len(row.hello), 500):
        command = conversation.received(row.hello[place : place + 500])

    assert isinstance(command, Dial)
    assert command.target == Target(row.server_name, 443)
    record = conversation.record
    assert (record.server_name, record.alpn) == (row.server_name, row.alpn)
    assert (record.tls_version, record.ech) == (row.max_version, row.ech)


REFUSED = {
    "a name that no rule has": ("evil.example", Outcome.SERVER_NAME_NOT_ALLOWED, ""),
    "a name that a preset has": ("smartreceiver.cisco.com", Outcome.TARGET_IN_PRESET, "cucm or smart-transport"),
    "a name that is allowed on another port": ("satellite.example", Outcome.TARGET_PORT_NOT_ALLOWED, "8443"),
    "an IPv4 address": ("192.0.2.1", Outcome.TARGET_IS_ADDRESS, ""),
    "an IPv6 address": ("2001:db8::1", Outcome.TARGET_IS_ADDRESS, ""),
    "a name below an allowed one": (f"a.{HOST}", Outcome.SERVER_NAME_NOT_ALLOWED, ""),
    "a name below one of the gate's": (f"a.{OWN_NAME}", Outcome.SERVER_NAME_NOT_ALLOWED, ""),
}


@pytest.mark.parametrize(("name", "outcome", "detail"), REFUSED.values(), ids=REFUSED.keys())
def test_tls_to_any_other_name_gets_unrecognized_name(name: str, outcome: Outcome, detail: str) -> None:
    conversation = start_conversation()

    assert alert_code(conversation.received(hello(name))) == Alert.UNRECOGNIZED_NAME

    record = conversation.record
    assert (record.outcome, record.detail, record.status) == (outcome, detail, 0)
    assert (record.protocol, record.server_name, record.allowed) == ("tls", name, False)
    assert record.target == (f"[{name}]:443" if ":" in name else f"{name}:443")
    assert record.server_name_check is None
    assert record.target in record.sentence()


@pytest.mark.parametrize(
    ("received", "detail"),
    [
        pytest.param(b"\x16\x03\x01\0\x04\x02\0\0\0", "not a ClientHello", id="another message"),
        pytest.param(b"\x16\x03\x01\0\0", "0 bytes", id="an empty record"),
        pytest.param(hello("a..example"), "empty label", id="a name that no host can have"),
        pytest.param(hello("-.example"), "hyphen at the edge", id="a label that no host can have"),
        pytest.param(in_records(hello_message(server_name_extension(b"a b"))), "no host name", id="an invalid name"),
        pytest.param(
            b"\x16\x03\x01\x40\0\x01\x0f\0\0",
            "more than 65536 bytes",
            id="more than is read",
        ),
    ],
)
def test_a_malformed_hello_gets_decode_error(received: bytes, detail: str) -> None:
    conversation = start_conversation()

    assert alert_code(conversation.received(received)) == Alert.DECODE_ERROR

    assert conversation.record.outcome is Outcome.HELLO_MALFORMED
    assert detail in conversation.record.detail


def test_more_than_the_limit_is_refused_when_it_is_announced() -> None:
    conversation = start_conversation(make_snapshot(limits=Limits(hello_bytes=len(HELLO) - 1)))

    assert alert_code(conversation.received(HELLO[:9])) == Alert.DECODE_ERROR


@pytest.mark.parametrize(
    ("others", "draining", "outcome"),
    [
        pytest.param([CLIENT] * 4, False, Outcome.CLIENT_TUNNELS_EXHAUSTED, id="too many of one client"),
        pytest.param([f"10.0.0.{last}" for last in range(8)], False, Outcome.TUNNELS_EXHAUSTED, id="too many of all"),
        pytest.param([], True, Outcome.DRAINING, id="draining"),
    ],
)
@pytest.mark.parametrize("name", [HOST, "evil.example"])
def test_limits_apply_to_tls_as_to_a_connect(others: list[str], draining: bool, outcome: Outcome, name: str) -> None:
    counter = TunnelCounter()
    counter.draining = draining
    for client in others:
        counter.add(client)
    conversation = start_conversation(counter=counter)

    assert alert_code(conversation.received(hello(name))) == Alert.INTERNAL_ERROR

    assert conversation.record.outcome is outcome
    assert conversation.record.allowed is None


@pytest.mark.parametrize("outcome", [it for it in Outcome if it.status >= 500], ids=lambda it: it.label)
def test_a_failed_dial_ends_tls_by_an_alert(outcome: Outcome) -> None:
    conversation = start_conversation()
    conversation.received(HELLO)

    alert = alert_code(conversation.dial_failed(outcome, "the detail"))

    assert alert == Alert.INTERNAL_ERROR
    assert (conversation.record.outcome, conversation.record.status) == (outcome, 0)


# Clients of other networks, and bytes of no protocol

CLOSED = {
    "a hello of SSL 2": (RECORDED["java-11-ssl-2"].hello, Outcome.SSLV2_HELLO, "sslv2"),
    "two empty lines and a blank": (b"\r\n\r\n CONNECT", Outcome.NEITHER_HTTP_NOR_TLS, "unknown"),
    "NUL": (b"\0\0", Outcome.NEITHER_HTTP_NOR_TLS, "unknown"),
    "an alert of TLS": (b"\x15\x03\x03\0\x02\x02\x28", Outcome.NEITHER_HTTP_NOR_TLS, "unknown"),
    "TLS of a version that there is not": (b"\x16\x05\0", Outcome.NEITHER_HTTP_NOR_TLS, "unknown"),
}


@pytest.mark.parametrize(("sent", "outcome", "protocol"), CLOSED.values(), ids=CLOSED.keys())
@pytest.mark.parametrize("split", [False, True], ids=["whole", "byte by byte"])
def test_neither_http_nor_tls_is_closed_without_an_answer(
    sent: bytes, outcome: Outcome, protocol: str, split: bool
) -> None:
    conversation = start_conversation()
    pieces = [sent[place : place + 1] for place in range(len(sent))] if split else [sent]

    commands = []
    while pieces and conversation.state is State.HELLO:
        commands.append(conversation.received(pieces.pop(0)))

    assert commands == [*[Wait()] * (len(commands) - 1), Close()]
    assert (conversation.record.outcome, conversation.record.protocol) == (outcome, protocol)
    assert conversation.record.status == 0


@pytest.mark.parametrize("cut", range(2, len(HELLO) + 1))
def test_a_stranger_by_tls_is_denied_access_before_its_hello_is_read(cut: int) -> None:
    conversation = start_conversation(client=STRANGER)

    assert alert_code(conversation.received(HELLO[:cut])) == Alert.ACCESS_DENIED

    record = conversation.record
    assert (record.outcome, record.status) == (Outcome.CLIENT_NOT_ALLOWED, 0)
    assert (record.server_name, record.target) == ("", "")


def test_a_stranger_is_denied_access_to_the_gates_own_name_too() -> None:
    assert alert_code(start_conversation(client=STRANGER).received(hello(OWN_NAME))) == Alert.ACCESS_DENIED


@pytest.mark.parametrize(("sent", "outcome", "protocol"), CLOSED.values(), ids=CLOSED.keys())
def test_an_outside_client_of_no_protocol_is_recorded_as_outside(sent: bytes, outcome: Outcome, protocol: str) -> None:
    conversation = start_conversation(client=STRANGER)

    assert conversation.received(sent) == Close()

    assert (conversation.record.outcome, conversation.record.protocol) == (Outcome.CLIENT_NOT_ALLOWED, protocol)


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=6))
def test_nothing_that_a_stranger_sends_is_served(pieces: list[bytes]) -> None:
    conversation = start_conversation(client=STRANGER)

    for piece in pieces:
        if conversation.state is State.HELLO:
            assert isinstance(conversation.received(piece), Wait | Refuse | Close)

    assert conversation.state in {State.HELLO, State.LINGERING, State.CLOSED}
    assert conversation.record.outcome in {None, Outcome.CLIENT_NOT_ALLOWED}


# Incomplete hellos


@pytest.mark.parametrize("size", [1, 2, 9, len(HELLO) - 1])
def test_an_incomplete_hello_is_closed_without_an_answer(size: int) -> None:
    left, late, stopped = start_conversation(), start_conversation(), start_conversation()
    for conversation in (left, late, stopped):
        conversation.received(HELLO[:size])

    assert left.client_ended() == late.deadline_passed() == stopped.stopped() == Close()

    assert left.record.outcome is Outcome.CLIENT_LEFT_IN_HELLO
    assert late.record.outcome is Outcome.HELLO_TIMEOUT
    assert stopped.record.outcome is Outcome.CUT_BEFORE_TUNNEL


def test_the_outcome_says_when_a_tls_client_left_or_was_cut() -> None:
    dialling, relaying = start_conversation(), start_conversation()
    for conversation in (dialling, relaying):
        conversation.received(HELLO)
    relaying.connected()

    assert dialling.client_ended() == relaying.stopped() == Close()

    assert dialling.record.outcome is Outcome.CLIENT_LEFT_IN_DIAL
    assert (relaying.record.outcome, relaying.record.status) == (Outcome.CUT_BY_STOP, 0)
