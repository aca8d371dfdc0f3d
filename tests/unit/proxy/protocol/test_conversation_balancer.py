"""Conversations behind a balancer: a PROXY header comes first and names the client."""

import struct
from ipaddress import ip_address, ip_network

import pytest

from licensegate.allowlist.client_networks import ClientNetworks
from licensegate.proxy.protocol.commands import Close, Dial, Establish, Send, Wait
from licensegate.proxy.protocol.conversation import Conversation
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.protocol.states import State
from licensegate.proxy.protocol.tunnel_checks import ChecksByClient
from licensegate.proxy.protocol.tunnel_counter import TunnelCounter
from licensegate.proxy.settings import NetworkChecks, TunnelChecks
from licensegate.records.outcome import Outcome
from support.conversation_harness import (
    BALANCER,
    CLIENT,
    HEAD,
    HOST,
    SNAPSHOT,
    STRANGER,
    alert_code,
    hello,
    make_snapshot,
    start_conversation,
    status_line,
)

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL, PROXY = 0x20, 0x21
UNSPEC, TCP4, TCP6 = 0x00, 0x11, 0x21


def v1(source: str, port: int = 50000) -> bytes:
    family = "TCP6" if ":" in source else "TCP4"
    return f"PROXY {family} {source} {source} {port} 443\r\n".encode()


def v2(source: str, port: int = 50000, *, command: int = PROXY, more: bytes = b"") -> bytes:
    packed = ip_address(source).packed
    body = packed * 2 + struct.pack("!HH", port, 443) + more
    return SIGNATURE + struct.pack("!BBH", command, TCP6 if ":" in source else TCP4, len(body)) + body


UNKNOWN = b"PROXY UNKNOWN\r\n"
NOBODYS = SIGNATURE + struct.pack("!BBH", PROXY, UNSPEC, 0)
CHECK = SIGNATURE + struct.pack("!BBH", LOCAL, UNSPEC, 0)
TLVS = b"\x02\x00\x04host" + b"\x20\x00\x05\x00\x00\x00\x00\x00"


def behind(
    balancer: str = BALANCER, *, snapshot: Snapshot = SNAPSHOT, counter: TunnelCounter | None = None
) -> Conversation:
    return start_conversation(snapshot, client=balancer, counter=counter, behind_balancer=True)


def only_from(network: str) -> Snapshot:
    """A snapshot that admits only clients of this network."""
    usual = make_snapshot()
    return Snapshot(ClientNetworks([ip_network(network)]), usual.policy, usual.limits, usual.checks, usual.identity)


HEADERS = {
    "version 1": (v1(CLIENT), CLIENT),
    "version 1, IPv6": (v1("fd00::7"), "fd00::7"),
    "version 2": (v2(CLIENT), CLIENT),
    "version 2, IPv6": (v2("fd00::7"), "fd00::7"),
    "version 2, IPv4 inside IPv6": (v2(f"::ffff:{CLIENT}"), CLIENT),
    "version 2 with more than addresses": (v2(CLIENT, more=TLVS), CLIENT),
}
every_header = pytest.mark.parametrize(("header", "client"), HEADERS.values(), ids=HEADERS.keys())


# The client's address


@every_header
def test_the_source_address_in_the_header_is_the_client(header: bytes, client: str) -> None:
    conversation = behind()

    command = conversation.received(header + HEAD)

    assert isinstance(command, Dial)
    record = conversation.record
    assert (record.client, record.client_port, record.balancer) == (client, 50000, BALANCER)
    assert record.client_read == len(header) + len(HEAD)
    assert record.protocol == "http"


@pytest.mark.parametrize("cut", range(1, len(v2(CLIENT, more=TLVS) + HEAD)))
def test_header_and_head_may_be_split_at_any_byte(cut: int) -> None:
    conversation = behind()
    sent = v2(CLIENT, more=TLVS) + HEAD

    assert conversation.received(sent[:cut]) == Wait()
    assert isinstance(conversation.received(sent[cut:]), Dial)
    assert conversation.record.client == CLIENT


@every_header
def test_a_header_may_arrive_alone_and_byte_by_byte(header: bytes, client: str) -> None:
    conversation = behind()

    assert {conversation.received(header[place : place + 1]) for place in range(len(header))} == {Wait()}

    assert conversation.state is State.HELLO
    assert conversation.record.client == client


def test_tls_after_a_header_is_served_like_http() -> None:
    by_name, to_the_gate = behind(), behind()

    assert isinstance(by_name.received(v1(CLIENT) + hello(HOST)), Dial)
    assert by_name.record.protocol == "tls"
    assert isinstance(by_name.connected(), Establish)
    to_the_gate.received(v1(CLIENT) + hello())
    assert to_the_gate.record.protocol == "https"


@pytest.mark.parametrize(
    "header",
    [UNKNOWN, NOBODYS, CHECK, v2(STRANGER, command=LOCAL)],
    ids=["version 1", "version 2", "a health check", "a health check with an address"],
)
def test_a_balancer_that_names_no_client_is_the_client(header: bytes) -> None:
    conversation = behind()

    assert isinstance(conversation.received(header + HEAD), Dial)

    assert (conversation.record.client, conversation.record.client_port) == (BALANCER, 40000)
    assert conversation.record.balancer == ""


@pytest.mark.parametrize("header", [UNKNOWN, NOBODYS, CHECK], ids=["version 1", "version 2", "a health check"])
def test_a_balancers_health_check_leaves_no_trace(header: bytes) -> None:
    left, late = behind(), behind()
    left.received(header)
    late.received(header)

    assert left.client_ended() == late.deadline_passed() == Close()

    assert left.record.outcome is late.record.outcome is Outcome.CLOSED_UNUSED


# Decisions, counts and limits by that address


@pytest.mark.parametrize("sent", [HEAD, b"GET / HTTP/1.1\r\n\r\n"], ids=["CONNECT", "GET"])
def test_a_source_outside_the_client_networks_is_refused(sent: bytes) -> None:
    conversation = behind()

    command = conversation.received(v2(STRANGER) + sent)

    assert status_line(command).startswith(f"HTTP/1.1 403 client_not_allowed: {STRANGER} ")
    assert (conversation.record.client, conversation.record.balancer) == (STRANGER, BALANCER)


def test_a_tls_source_outside_the_client_networks_is_refused() -> None:
    assert alert_code(behind().received(v2(STRANGER) + hello(HOST))) == 49


def test_a_source_is_served_though_its_balancer_is_a_stranger() -> None:
    conversation = behind(STRANGER, snapshot=only_from("10.1.0.0/16"))

    assert isinstance(conversation.received(v2(CLIENT) + HEAD), Dial)


def test_a_balancer_outside_the_client_networks_is_refused_as_a_client() -> None:
    conversation = behind(snapshot=only_from("10.1.0.0/16"))

    assert "client_not_allowed" in status_line(conversation.received(CHECK + HEAD))


def test_the_tunnel_counts_for_the_client_not_for_the_balancer() -> None:
    counter = TunnelCounter()
    conversation = behind(counter=counter)

    conversation.received(v1(CLIENT))
    assert counter.by_client == {}
    conversation.received(HEAD)
    assert counter.by_client == {CLIENT: 1}
    conversation.stopped()
    assert (counter.by_client, counter.tunnels) == ({}, 0)


def test_the_limit_per_client_applies_behind_a_balancer() -> None:
    counter = TunnelCounter()
    sources = [CLIENT] * 5 + ["10.1.2.4"]
    conversations = [behind(counter=counter) for _ in sources]

    *served, too_many, another = [
        conversation.received(v2(source) + HEAD) for conversation, source in zip(conversations, sources, strict=True)
    ]

    assert {type(command) for command in (*served, another)} == {Dial}
    assert "429 client_tunnels_exhausted" in status_line(too_many)


def test_the_checks_are_those_of_the_clients_network_not_the_balancers() -> None:
    lenient = NetworkChecks((ip_network("10.1.0.0/16"),), require_tls=False, match_server_name=False)
    snapshot = make_snapshot(checks=ChecksByClient(TunnelChecks(), [lenient]))
    lenient_client, another = behind(snapshot=snapshot), behind(snapshot=snapshot)

    lenient_client.received(v2(CLIENT) + HEAD)
    another.received(v2("10.2.0.1") + HEAD)

    assert isinstance(lenient_client.connected(), Establish)
    assert isinstance(another.connected(), Send)


# Balancers must send the header, all others must not


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        pytest.param(HEAD, "starts with neither PROXY", id="HTTP"),
        pytest.param(hello(HOST), "starts with neither PROXY", id="TLS"),
        pytest.param(b"\0", "starts with neither PROXY", id="garbage"),
        pytest.param(b"PROXY TCP4 10.1.2.3\r\n", "not two addresses", id="half a line"),
        pytest.param(v1("10.1.2.3").replace(b"TCP4", b"TCP6"), "not both of its family", id="the wrong family"),
        pytest.param(b"PROXY TCP4 " + b"1" * 107, "does not end", id="a line without end"),
        pytest.param(SIGNATURE + b"\x11", "version", id="version 1 in binary"),
    ],
)
def test_a_balancer_without_a_header_is_closed_without_an_answer(sent: bytes, detail: str) -> None:
    whole, split = behind(), behind()

    assert whole.received(sent) == Close()
    for place in range(len(sent)):
        if split.state is State.PROXY_HEADER:
            split.received(sent[place : place + 1])

    for record in (whole.record, split.record):
        assert record.outcome is Outcome.PROXY_HEADER_MISSING
        assert detail in record.detail
        assert (record.status, record.client, record.protocol) == (0, BALANCER, "")


@pytest.mark.parametrize(
    "header", [*(header for header, _ in HEADERS.values()), UNKNOWN, CHECK], ids=[*HEADERS, "unknown", "a health check"]
)
@pytest.mark.parametrize("split", [False, True], ids=["whole", "byte by byte"])
def test_a_header_from_another_client_is_closed_and_not_believed(header: bytes, split: bool) -> None:
    conversation = start_conversation(client="10.1.9.9")
    pieces = [header[place : place + 1] for place in range(len(header))] if split else [header + HEAD]

    commands = []
    while pieces and conversation.state is State.HELLO:
        commands.append(conversation.received(pieces.pop(0)))

    assert commands[-1] == Close()
    assert set(commands[:-1]) <= {Wait()}
    record = conversation.record
    assert record.outcome is Outcome.PROXY_HEADER_NOT_ALLOWED
    assert (record.client, record.balancer, record.protocol) == ("10.1.9.9", "", "proxy")


def test_a_second_header_is_not_allowed() -> None:
    conversation = behind()

    assert conversation.received(v1(CLIENT) + v1(STRANGER) + HEAD) == Close()

    assert conversation.record.outcome is Outcome.PROXY_HEADER_NOT_ALLOWED
    assert conversation.record.client == CLIENT


# Connections that end before a request


@pytest.mark.parametrize(
    ("sent", "by_leaving", "late", "by_a_stop"),
    [
        pytest.param(b"", Outcome.CLOSED_UNUSED, Outcome.CLOSED_UNUSED, Outcome.CLOSED_UNUSED, id="before a byte"),
        pytest.param(
            b"PROXY T",
            Outcome.CLIENT_LEFT_IN_HELLO,
            Outcome.PROXY_HEADER_MISSING,
            Outcome.CUT_BEFORE_TUNNEL,
            id="in its header",
        ),
    ],
)
def test_the_outcome_without_a_header_depends_on_the_bytes_received(
    sent: bytes, by_leaving: Outcome, late: Outcome, by_a_stop: Outcome
) -> None:
    conversations = behind(), behind(), behind()
    for conversation in conversations:
        if sent:
            conversation.received(sent)
    one, another, third = conversations

    assert one.client_ended() == another.deadline_passed() == third.stopped() == Close()

    assert [it.record.outcome for it in conversations] == [by_leaving, late, by_a_stop]
