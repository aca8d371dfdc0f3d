"""Report-only mode: a target that is not allowed gets the same commands as an allowed one, and is reported."""

from collections.abc import Callable
from ipaddress import ip_network

import pytest
from msgspec import structs

from licensegate.allowlist.policy import Mode
from licensegate.allowlist.rule import Rule
from licensegate.proxy.protocol.commands import Command, Dial, Establish, Refuse
from licensegate.proxy.protocol.conversation import Conversation
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.protocol.tunnel_checks import ChecksByClient
from licensegate.proxy.protocol.tunnel_counter import TunnelCounter
from licensegate.proxy.settings import NetworkChecks, TunnelChecks
from licensegate.records.alert import Alert
from licensegate.records.outcome import Outcome
from licensegate.records.record import ServerNameCheck
from support.conversation_harness import (
    CLIENT,
    HOST,
    SATELLITE,
    STRANGER,
    alert_code,
    connect_head,
    hello,
    make_snapshot,
    start_conversation,
    status_line,
)

NAME = "new.example"
HEAD, HELLO, ANOTHER = connect_head(b"new.example:443"), hello(NAME), hello("evil.example")
FINISHED = b"\x14\x03\x03\0\x01\x01"

ALLOWED = make_snapshot(SATELLITE, Rule(NAME))
REPORTING = {
    "the mode": make_snapshot(SATELLITE, mode=Mode.REPORT),
    "the mode, beside a rule": make_snapshot(SATELLITE, Rule(NAME, report=True), mode=Mode.REPORT),
    "a rule": make_snapshot(SATELLITE, Rule(NAME, report=True)),
    "a rule for all below a domain": make_snapshot(
        SATELLITE, Rule("*.example.net", report=True), Rule(NAME, report=True)
    ),
}
everything_that_reports = pytest.mark.parametrize("snapshot", REPORTING.values(), ids=REPORTING.keys())

Event = Callable[[Conversation], Command]


def says(data: bytes) -> Event:
    return lambda it: it.received(data)


def is_connected(it: Conversation) -> Command:
    return it.connected()


def fails(it: Conversation) -> Command:
    return it.dial_failed(Outcome.DESTINATION_IP_PROHIBITED, "10.0.0.1")


def is_late(it: Conversation) -> Command:
    return it.deadline_passed()


def leaves(it: Conversation) -> Command:
    return it.client_ended()


def is_stopped(it: Conversation) -> Command:
    return it.stopped()


WAYS: dict[str, list[Event]] = {
    "a tunnel": [says(HEAD), is_connected, says(HELLO), is_stopped],
    "a head and a hello in pieces": [says(HEAD[:9]), says(HEAD[9:]), is_connected, says(HELLO[:9]), says(HELLO[9:])],
    "a hello that did not wait": [says(HEAD + HELLO + FINISHED), is_connected],
    "a hello while dialling": [says(HEAD), says(HELLO), is_connected],
    "a hello for another name": [says(HEAD), is_connected, says(ANOTHER), leaves],
    "a hello for another name that did not wait": [says(HEAD + ANOTHER), is_connected],
    "what is no TLS": [says(HEAD), is_connected, says(b"SSH-2.0")],
    "no hello at all": [says(HEAD), is_connected, is_late],
    "a client that leaves while dialling": [says(HEAD), leaves],
    "a client that leaves in its tunnel": [says(HEAD), is_connected, leaves],
    "a dial that fails": [says(HEAD), fails, leaves],
    "a stop while dialling": [says(HEAD), is_stopped],
    "TLS by itself": [says(HELLO + FINISHED), is_connected, is_stopped],
    "TLS by itself that cannot be dialled": [says(HELLO), fails, leaves],
    "TLS to the gate": [says(hello()), lambda it: it.secured("TLSv1.3", ""), says(HEAD), is_connected, says(HELLO)],
}


def plain(command: Command, conversation: Conversation) -> object:
    """A command without the record's id and the rule's `report`, which must differ."""
    if isinstance(command, Dial):
        return Dial(command.target, structs.replace(command.rule, report=False))
    if isinstance(command, Refuse):
        return Refuse(command.answer.replace(conversation.record.id.encode(), b"the id"))
    if isinstance(command, Establish):
        shapes = [shape and shape.records for shape in (command.client_records, command.target_records)]
        return (command.to_client, command.to_upstream, shapes)
    return command


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
@everything_that_reports
def test_a_reported_target_gets_the_commands_of_an_allowed_one(snapshot: Snapshot, way: list[Event]) -> None:
    reported, allowed = start_conversation(snapshot), start_conversation(ALLOWED)

    for event in way:
        assert plain(event(reported), reported) == plain(event(allowed), allowed)

    assert reported.state is allowed.state
    found, expected = structs.asdict(reported.record), structs.asdict(allowed.record)
    differing = {key for key in found if found[key] != expected[key]}
    assert differing == {"id", "time", "allowed", "reported", "rule", "policy"}


@everything_that_reports
def test_the_record_names_the_refusal_it_would_have_been(snapshot: Snapshot) -> None:
    conversation = start_conversation(snapshot)

    conversation.received(HEAD)

    record = conversation.record
    assert (record.allowed, record.reported) == (False, "target_not_allowed")
    assert (record.rule, record.preset, record.policy) == ("", "", snapshot.policy.hash)
    assert (record.outcome, record.detail) == (None, ""), "nothing was refused"


@pytest.mark.parametrize(
    ("sent", "reported"),
    [
        pytest.param(connect_head(b"smartreceiver.cisco.com:443"), "target_in_preset", id="in a preset"),
        pytest.param(connect_head(b"tools.cisco.com:8443"), "target_port_not_allowed", id="another port"),
        pytest.param(connect_head(b"192.0.2.1:443"), "target_is_address", id="an address"),
        pytest.param(hello("evil.example"), "server_name_not_allowed", id="a name asked for by TLS"),
        pytest.param(hello("smartreceiver.cisco.com"), "target_in_preset", id="a preset's, asked for by TLS"),
    ],
)
def test_report_mode_passes_and_reports_every_refusal_of_the_allowlist(sent: bytes, reported: str) -> None:
    refused, passing = start_conversation(make_snapshot()), start_conversation(make_snapshot(mode=Mode.REPORT))

    assert isinstance(refused.received(sent), Refuse)
    assert isinstance(passing.received(sent), Dial)

    assert refused.record.outcome is not None
    assert refused.record.outcome.label == passing.record.reported == reported
    assert passing.record.target == refused.record.target
    assert (refused.record.allowed, passing.record.allowed) == (False, False)


def test_an_allowed_target_is_not_reported() -> None:
    conversation = start_conversation(REPORTING["the mode"])

    conversation.received(connect_head(HOST.encode() + b":443"))

    assert (conversation.record.allowed, conversation.record.reported) == (True, "")


def test_a_reporting_rule_allows_no_other_target() -> None:
    conversation = start_conversation(REPORTING["a rule"])

    assert "403 target_not_allowed" in status_line(conversation.received(connect_head(b"evil.example:443")))
    assert conversation.record.reported == ""


# Checks that still apply


@everything_that_reports
def test_report_mode_refuses_strangers(snapshot: Snapshot) -> None:
    by_http, by_tls = start_conversation(snapshot, client=STRANGER), start_conversation(snapshot, client=STRANGER)

    assert "403 client_not_allowed" in status_line(by_http.received(HEAD))
    assert alert_code(by_tls.received(HELLO)) == Alert.ACCESS_DENIED

    assert by_http.record.reported == by_tls.record.reported == ""
    assert by_http.record.allowed is None


@everything_that_reports
def test_report_mode_keeps_the_limits(snapshot: Snapshot) -> None:
    counter = TunnelCounter()
    for _ in range(4):
        counter.add(CLIENT)

    assert "429 client_tunnels_exhausted" in status_line(start_conversation(snapshot, counter=counter).received(HEAD))


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        pytest.param(connect_head(b"new.example"), "400 target_malformed", id="no target"),
        pytest.param(connect_head(b"https://new.example/"), "400 target_is_url", id="a URL"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", "405 method_not_allowed", id="another method"),
    ],
)
def test_report_mode_refuses_invalid_targets(sent: bytes, words: str) -> None:
    assert words in status_line(start_conversation(REPORTING["the mode"]).received(sent))


def test_report_mode_does_not_allow_private_addresses() -> None:
    command = start_conversation(REPORTING["the mode"]).received(HEAD)

    assert isinstance(command, Dial)
    assert not command.rule.private


def test_report_mode_keeps_the_checks_of_rule_and_network() -> None:
    def passes(snapshot: Snapshot, received: bytes) -> bool:
        conversation = start_conversation(snapshot)
        conversation.received(HEAD)
        conversation.connected()
        return isinstance(conversation.received(received), Establish)

    lenient_rule = make_snapshot(Rule(NAME, report=True, match_server_name=False))
    strict_network = NetworkChecks((ip_network("10.1.0.0/16"),), require_server_name=True)
    strict = make_snapshot(mode=Mode.REPORT, checks=ChecksByClient(TunnelChecks(), [strict_network]))

    assert passes(lenient_rule, ANOTHER)
    assert not passes(REPORTING["a rule"], ANOTHER)
    assert passes(REPORTING["the mode"], hello())
    assert not passes(strict, hello())


def test_report_mode_refuses_a_bad_hello_and_keeps_the_reported_outcome() -> None:
    conversation = start_conversation(REPORTING["the mode"])
    conversation.received(HEAD)
    conversation.connected()

    assert alert_code(conversation.received(ANOTHER)) == Alert.UNRECOGNIZED_NAME

    record = conversation.record
    assert (record.outcome, record.reported) == (Outcome.SERVER_NAME_MISMATCH, "target_not_allowed")
    assert record.server_name_check is ServerNameCheck.MISMATCH
