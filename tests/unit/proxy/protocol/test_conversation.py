"""Conversations with an HTTP client: bytes in, commands and a record out."""

import pytest

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.language.language import Language
from licensegate.proxy.protocol.commands import Close, Dial, Establish, Refuse, Wait
from licensegate.proxy.protocol.conversation import Conversation
from licensegate.proxy.protocol.states import State
from licensegate.proxy.protocol.tunnel_counter import TunnelCounter
from licensegate.proxy.wire.responses import ESTABLISHED
from licensegate.records.finding import Certainty, Finding
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord
from support.conversation_harness import (
    CLIENT,
    HEAD,
    SATELLITE,
    SNAPSHOT,
    STRANGER,
    UNCHECKED_SNAPSHOT,
    connect_head,
    start_conversation,
    status_line,
)

SMART = connect_head(b"smartreceiver.cisco.com:443")


def after(sent: bytes) -> Conversation:
    """A conversation whose client has sent `sent`."""
    conversation = start_conversation(UNCHECKED_SNAPSHOT)
    if sent:
        conversation.received(sent)
    return conversation


def relaying() -> Conversation:
    conversation = after(HEAD)
    conversation.connected()
    return conversation


# What follows from a head


@pytest.mark.parametrize(
    ("head", "target", "rule"),
    [
        pytest.param(HEAD, Target("tools.cisco.com", 443), "tools.cisco.com:443 (preset cisco-licensing)", id="preset"),
        pytest.param(
            connect_head(b"SATELLITE.example.:8443"), Target("satellite.example", 8443), str(SATELLITE), id="rule"
        ),
    ],
)
def test_a_connect_to_an_allowed_target_is_dialled_with_its_rule(head: bytes, target: Target, rule: str) -> None:
    conversation = start_conversation()

    command = conversation.received(head)

    assert isinstance(command, Dial)
    assert command.target == target
    assert str(command.rule) == rule
    record = conversation.record
    assert (record.target, record.rule, record.preset) == (str(target), rule, command.rule.preset)
    assert (record.allowed, record.policy) == (True, SNAPSHOT.policy.hash)
    assert (record.status, record.outcome) == (0, None), "nothing was answered yet"


def test_the_record_has_the_fields_of_the_head() -> None:
    conversation = start_conversation()

    conversation.received(HEAD)

    record = conversation.record
    assert record.protocol == "http"
    assert (record.method, record.http_version, record.user_agent) == ("CONNECT", "1.1", "Apache-HttpClient/4.5.13")
    assert record.client_read == len(HEAD)
    assert record.requested == ""


REFUSED: dict[str, tuple[bytes, str, str]] = {
    "a target that no rule names": (connect_head(b"evil.example:443"), "403 target_not_allowed", ""),
    "a target that a preset names": (SMART, "403 target_in_preset", "cucm or smart-transport"),
    "another port": (connect_head(b"tools.cisco.com:8443"), "403 target_port_not_allowed", "443"),
    "an address": (connect_head(b"192.0.2.1:443"), "403 target_is_address", ""),
    "a target without a port": (
        connect_head(b"tools.cisco.com"),
        "400 target_malformed",
        "no port in 'tools.cisco.com'",
    ),
    "a URL": (
        connect_head(b"https://evil.example/"),
        "400 target_is_url",
        "'https://evil.example/' is a URL or a path",
    ),
    "a method in lower case": (HEAD.replace(b"CONNECT", b"connect"), "405 method_not_allowed", ""),
    "another method": (b"GET / HTTP/1.1\r\n\r\n", "405 method_not_allowed", ""),
    "a URL in the target and in Host": (
        connect_head(b"https://evil.example/").replace(b"\r\n\r\n", b"\r\nHost: https://evil.example/\r\n\r\n"),
        "400 target_is_url",
        "'https://evil.example/' is a URL or a path",
    ),
    "a login in front of the target": (
        connect_head(b"user:word@tools.cisco.com:443"),
        "400 target_malformed",
        "a login (user:password@) stands before the host",
    ),
    "a URL of https to be fetched": (b"POST https://a.example/ HTTP/1.1\r\n\r\n", "405 https_without_tunnel", ""),
    "a URL to be fetched": (b"GET http://www.cisco.com/ HTTP/1.1\r\n\r\n", "405 http_without_tunnel", ""),
    "a message for a gateway": (
        b"POST /Transportgateway/services/DeviceRequestHandler HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
        "405 gate_is_no_gateway",
        "",
    ),
    "another version": (HEAD.replace(b"1.1", b"2.0", 1), "505 version_not_supported", ""),
    "port 80": (connect_head(b"tools.cisco.com:80"), "403 target_port_not_allowed", "443"),
    "a line that is no request": (b"GET\r\n", "400 head_malformed", "its first line is GET"),
    "two empty lines first": (b"\n\nC", "400 head_malformed", "more than one empty line precedes it"),
    "a body": (HEAD.replace(b"Host", b"Content-Length"), "400 body_not_allowed", "Content-Length: tools.cisco.com"),
    "two Hosts": (HEAD.replace(b"User-Agent", b"Host", 1), "400 host_malformed", "there are two of them"),
    "a large head": (HEAD[:-2] + b"X: " + b"x" * 512, "431 head_too_large", ""),
    "a long line": (connect_head(b"x" * 512), "414 request_line_too_long", ""),
}


@pytest.mark.parametrize(("head", "words", "detail"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("split", [False, True], ids=["whole", "byte by byte"])
def test_any_other_head_is_refused_with_a_reason(head: bytes, words: str, detail: str, split: bool) -> None:
    conversation = start_conversation()
    pieces = [head[place : place + 1] for place in range(len(head))] if split else [head]

    commands = []
    while pieces and conversation.state in {State.HELLO, State.HEAD}:
        commands.append(conversation.received(pieces.pop(0)))

    *waits, command = commands
    assert all(isinstance(wait, Wait) for wait in waits)
    assert status_line(command).startswith(f"HTTP/1.1 {words}: ")
    record = conversation.record
    assert record.outcome is not None
    assert f"{record.status} {record.outcome.label}" == words
    assert record.detail == detail
    assert not record.rule


@pytest.mark.parametrize(
    ("head", "requested", "target", "allowed", "preset"),
    [
        pytest.param(SMART, "", "smartreceiver.cisco.com:443", False, "cucm or smart-transport", id="in a preset"),
        pytest.param(connect_head(b"Evil.example:443"), "", "evil.example:443", False, "", id="denied"),
        pytest.param(connect_head(b"evil\xff:443"), r"evil\xff:443", "", None, "", id="malformed"),
        pytest.param(b"GET /\x80 HTTP/1.0\r\n\r\n", r"/\x80", "", None, "", id="another method"),
    ],
)
def test_the_record_of_a_refusal_has_the_request(
    head: bytes, requested: str, target: str, allowed: bool | None, preset: str
) -> None:
    conversation = start_conversation()

    conversation.received(head)

    record = conversation.record
    assert (record.requested, record.target, record.allowed, record.preset) == (requested, target, allowed, preset)


EARLY = b"\x16\x03\x01 and \r\n\r\n more"


@pytest.mark.parametrize("cut", range(1, len(HEAD + EARLY) + 1))
def test_a_head_split_at_any_byte_is_dialled_and_the_rest_goes_upstream(cut: int) -> None:
    conversation = start_conversation(UNCHECKED_SNAPSHOT)
    first, second = (HEAD + EARLY)[:cut], (HEAD + EARLY)[cut:]

    command = conversation.received(first)
    if cut < len(HEAD):
        assert command == Wait()
        command = conversation.received(second)
        early = EARLY
    else:
        early = first[len(HEAD) :]

    assert command == Dial(Target("tools.cisco.com", 443), Rule("tools.cisco.com", preset="cisco-licensing"))
    assert conversation.connected() == Establish(ESTABLISHED, early)
    assert conversation.record.client_read == len(HEAD) + len(early)
    assert (conversation.record.status, conversation.record.outcome) == (200, None)
    assert not conversation._received, "kept for as long as the tunnel is open"


# Refusals before the allowlist is asked


@pytest.mark.parametrize("sent", [HEAD[:2], HEAD[:30], HEAD, b"GET / HTTP/1.1\r\n\r\n", b"x" * 600], ids=repr)
def test_an_outside_client_is_refused_for_any_first_bytes(sent: bytes) -> None:
    conversation = start_conversation(client=STRANGER)

    command = conversation.received(sent)

    assert status_line(command).startswith(f"HTTP/1.1 403 client_not_allowed: {STRANGER} ")
    assert conversation.record.outcome is Outcome.CLIENT_NOT_ALLOWED
    assert "clients.networks" in conversation.record.remedy()
    assert not conversation.record.target, "whatever it asks for"


def test_a_stranger_learns_nothing_of_limits() -> None:
    counter = TunnelCounter()
    counter.draining = True

    assert "client_not_allowed" in status_line(start_conversation(client=STRANGER, counter=counter).received(HEAD))


def counter_of(others: list[str], *, draining: bool = False) -> TunnelCounter:
    counter = TunnelCounter()
    counter.draining = draining
    for client in others:
        counter.add(client)
    return counter


@pytest.mark.parametrize(
    ("others", "draining", "words"),
    [
        pytest.param([CLIENT] * 4, False, "429 client_tunnels_exhausted", id="too many of one client"),
        pytest.param([f"10.0.0.{last}" for last in range(8)], False, "503 tunnels_exhausted", id="too many of all"),
        pytest.param([], True, "503 draining", id="draining"),
    ],
)
@pytest.mark.parametrize("target", ["tools.cisco.com:443", "evil.example:443", "192.0.2.1:443"])
def test_limits_are_checked_before_the_allowlist(others: list[str], draining: bool, words: str, target: str) -> None:
    conversation = start_conversation(counter=counter_of(others, draining=draining))

    command = conversation.received(connect_head(target.encode()))

    assert status_line(command).startswith(f"HTTP/1.1 {words}: ")
    record = conversation.record
    assert (record.target, record.allowed, record.policy) == (target, None, "")


def test_clients_up_to_the_limit_are_served() -> None:
    assert isinstance(start_conversation(counter=counter_of([CLIENT] * 3)).received(HEAD), Dial)
    assert isinstance(
        start_conversation(counter=counter_of([f"10.0.0.{last}" for last in range(7)])).received(HEAD), Dial
    )


@pytest.mark.parametrize(
    ("head", "label"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", "method_not_allowed", id="another method"),
        pytest.param(connect_head(b"no-port"), "target_malformed", id="no target"),
    ],
)
def test_limits_do_not_apply_to_other_requests(head: bytes, label: str) -> None:
    assert label in status_line(start_conversation(counter=counter_of([], draining=True)).received(head))


# How it ends


NO_TUNNEL = b"GET / HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "state", "by_leaving", "by_a_stop", "status"),
    [
        pytest.param(b"", State.HELLO, Outcome.CLOSED_UNUSED, Outcome.CLOSED_UNUSED, 0, id="before a byte"),
        pytest.param(
            b"P", State.HELLO, Outcome.CLIENT_LEFT_IN_HELLO, Outcome.CUT_BEFORE_TUNNEL, 0, id="after too little"
        ),
        pytest.param(b"CONN", State.HEAD, Outcome.CLIENT_LEFT_IN_HEAD, Outcome.CUT_BEFORE_TUNNEL, 0, id="in its head"),
        pytest.param(
            HEAD, State.DIALLING, Outcome.CLIENT_LEFT_IN_DIAL, Outcome.CUT_BEFORE_TUNNEL, 0, id="while dialling"
        ),
        pytest.param(
            NO_TUNNEL,
            State.LINGERING,
            Outcome.METHOD_NOT_ALLOWED,
            Outcome.METHOD_NOT_ALLOWED,
            405,
            id="after a refusal",
        ),
    ],
)
def test_the_outcome_says_when_the_client_left_or_the_gate_stopped(
    sent: bytes, state: State, by_leaving: Outcome, by_a_stop: Outcome, status: int
) -> None:
    left, stopped = after(sent), after(sent)
    assert left.state is stopped.state is state

    assert left.client_ended() == stopped.stopped() == Close()

    assert (left.record.outcome, left.record.status) == (by_leaving, status)
    assert (stopped.record.outcome, stopped.record.status) == (by_a_stop, status)


def test_a_stop_cuts_an_open_tunnel() -> None:
    conversation = relaying()

    assert conversation.stopped() == Close()

    assert (conversation.record.outcome, conversation.record.status) == (Outcome.CUT_BY_STOP, 200)


@pytest.mark.parametrize("outcome", [Outcome.RESET_BY_UPSTREAM, Outcome.INTERNAL_ERROR], ids=lambda it: it.label)
def test_the_status_stays_200_however_a_tunnel_ends(outcome: Outcome) -> None:
    conversation = relaying()

    assert conversation.ended(outcome, "the detail") == Close()

    record = conversation.record
    assert (record.outcome, record.detail, record.status) == (outcome, "the detail", 200)


@pytest.mark.parametrize("sent", [b"CONN", HEAD], ids=["in the head", "while dialling"])
def test_a_fault_before_the_tunnel_closes_it_without_a_status(sent: bytes) -> None:
    conversation = after(sent)

    assert conversation.ended(Outcome.INTERNAL_ERROR, "KeyError") == Close()

    assert (conversation.record.outcome, conversation.record.status) == (Outcome.INTERNAL_ERROR, 0)


def test_a_late_head_is_answered_but_a_silent_client_is_not() -> None:
    late, silent, undecided = after(HEAD[:-1]), after(b""), after(b"P")

    assert status_line(late.deadline_passed()).startswith("HTTP/1.1 408 head_timeout: ")
    assert silent.deadline_passed() == undecided.deadline_passed() == Close()
    assert silent.record.outcome is Outcome.CLOSED_UNUSED
    assert undecided.record.outcome is Outcome.HELLO_TIMEOUT


@pytest.mark.parametrize("outcome", [it for it in Outcome if it.status >= 500], ids=lambda it: it.label)
def test_a_failed_dial_is_answered(outcome: Outcome) -> None:
    conversation = after(HEAD)

    command = conversation.dial_failed(outcome, "the detail")

    assert status_line(command).startswith(f"HTTP/1.1 {outcome.status} {outcome.label}: ")
    record = conversation.record
    assert (record.outcome, record.detail, record.status) == (outcome, "the detail", outcome.status)


# Other protocols


@pytest.mark.parametrize("split", [False, True], ids=["whole", "byte by byte"])
def test_another_protocol_is_named_by_its_first_word_and_not_answered(split: bool) -> None:
    conversation = start_conversation()
    sent = b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"
    pieces = [sent[place : place + 1] for place in range(len(sent))] if split else [sent]

    *before, last = [conversation.received(piece) for piece in pieces]

    assert before == [Wait()] * (len(pieces) - 1)
    assert last == Close()
    record = conversation.record
    assert (record.outcome, record.status) == (Outcome.NEITHER_HTTP_NOR_TLS, 0)
    assert record.protocol == "unknown"
    assert record.sentence() == (
        "10.1.2.3 speaks neither HTTP nor TLS: its first line begins with SSH-2.0-OpenSSH_9.2p1."
    )


@pytest.mark.parametrize("version", [b"1.2", b"1.9"])
def test_a_later_minor_version_is_served_and_recorded_as_1_1(version: bytes) -> None:
    conversation = start_conversation()

    assert isinstance(conversation.received(HEAD.replace(b"1.1", version, 1)), Dial)

    assert conversation.record.http_version == "1.1"


def test_a_faulty_field_leaves_the_request_in_the_record() -> None:
    conversation = start_conversation()

    conversation.received(connect_head(b"tools.cisco.com:443")[:-2] + b"Host: ?\r\nUser-Agent: curl/8.5.0\r\n\r\n")

    record = conversation.record
    assert record.outcome is Outcome.HOST_MALFORMED
    assert (record.method, record.target, record.user_agent) == ("CONNECT", "tools.cisco.com:443", "curl/8.5.0")


def test_the_text_of_a_refusal_is_that_of_the_finding() -> None:
    def explain(record: TunnelRecord, language: Language) -> Finding:
        return Finding("dns_sinkhole", Certainty.LIKELY, "0.0.0.0", "A filter blocks it.", "Exempt it.")

    conversation = start_conversation(explain=explain)
    command = conversation.received(SMART)

    assert isinstance(command, Refuse)
    head, _, body = command.answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403 target_in_preset: smartreceiver.cisco.com:443 is not in the allowlist")
    assert body.startswith(b"LicenseGate: A filter blocks it. Exempt it. (target_in_preset, ")
