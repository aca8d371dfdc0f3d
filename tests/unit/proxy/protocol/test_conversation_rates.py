"""What a client is told that connects faster than it may, and whom its connections count for."""

import pytest

from licensegate.proxy.protocol.commands import CheckLogin, Close, Command, Dial, Refuse
from licensegate.proxy.protocol.conversation import Conversation
from licensegate.proxy.protocol.hellos_in_flight import HellosInFlight
from licensegate.proxy.protocol.rate_limit import RateLimit
from licensegate.proxy.protocol.tunnel_counter import TunnelCounter
from licensegate.proxy.settings import Limits
from licensegate.records.alert import Alert
from licensegate.records.outcome import Outcome
from licensegate.records.record import open_record
from support.clock import Clock
from support.conversation_harness import (
    BALANCER,
    CLIENT,
    HEAD,
    HOST,
    SNAPSHOT,
    STRANGER,
    alert_code,
    head_with_login,
    hello,
    login_snapshot,
    make_authenticator,
    refusal_fields,
    start_conversation,
    start_with_certificate,
    status_line,
)
from support.logins import USER, basic


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counter(clock: Clock) -> TunnelCounter:
    """One connection at a time, then one in 100 seconds; the same for users."""
    made = TunnelCounter()
    made.client_rate = RateLimit(0.01, 1, clock)
    made.user_rate = RateLimit(0.01, 2, clock)
    return made


def ask(counter: TunnelCounter, sent: bytes = HEAD, client: str = CLIENT) -> tuple[Command, Conversation]:
    conversation = start_conversation(client=client, counter=counter)
    return conversation.received(sent), conversation


@pytest.mark.parametrize(
    "sent", [HEAD, b"GET / HTTP/1.1\r\n\r\n", b"GET /healthz HTTP/1.1\r\n\r\n"], ids=["CONNECT", "GET", "health"]
)
def test_a_client_that_connects_too_fast_gets_429(counter: TunnelCounter, clock: Clock, sent: bytes) -> None:
    ask(counter)

    clock.now += 20.5
    command, conversation = ask(counter, sent)

    assert status_line(command) == (
        f"HTTP/1.1 429 client_rate_exceeded: {CLIENT} opens connections faster than one client may: the next one is "
        "served in 80 s."
    )
    assert refusal_fields(command, "Retry-After") == ["80"]
    assert conversation.record.outcome is Outcome.CLIENT_RATE_EXCEEDED
    clock.now += 80
    assert isinstance(ask(counter)[0], Dial)


@pytest.mark.parametrize("name", [HOST, ""], ids=["to a target", "to the gate"])
def test_one_that_speaks_tls_gets_an_alert(counter: TunnelCounter, name: str) -> None:
    ask(counter)

    command, conversation = ask(counter, hello(name))

    assert alert_code(command) == Alert.INTERNAL_ERROR
    assert conversation.record.outcome is Outcome.CLIENT_RATE_EXCEEDED


def test_one_that_speaks_neither_is_closed(counter: TunnelCounter) -> None:
    ask(counter)

    command, conversation = ask(counter, b"\0\1")

    assert isinstance(command, Close)
    assert conversation.record.outcome is Outcome.CLIENT_RATE_EXCEEDED


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\n\r\n", HEAD.replace(HOST.encode(), b"evil.example"), b""])
def test_refused_and_unused_connections_count(counter: TunnelCounter, sent: bytes) -> None:
    conversation = start_conversation(counter=counter)
    if sent:
        assert isinstance(conversation.received(sent), Refuse)

    assert "429 client_rate_exceeded" in status_line(ask(counter)[0])


def test_other_clients_are_served_meanwhile(counter: TunnelCounter) -> None:
    for last in range(1, 200):
        assert isinstance(ask(counter, client=f"10.0.1.{last}")[0], Dial)
        counter.by_client.clear()
        counter.tunnels = 0
    assert isinstance(ask(counter, client="10.0.0.1")[0], Dial)


def test_the_addresses_of_an_ipv6_network_are_one_client(counter: TunnelCounter) -> None:
    assert isinstance(ask(counter, client="fd00::1")[0], Dial)

    assert "client_rate_exceeded" in status_line(ask(counter, client="fd00::2")[0])
    assert isinstance(ask(counter, client="fd00:0:0:1::1")[0], Dial)


def test_strangers_are_refused_as_such_and_not_counted(counter: TunnelCounter) -> None:
    for _ in range(3):
        assert "403 client_not_allowed" in status_line(ask(counter, client=STRANGER)[0])
    assert counter.client_rate is not None
    assert len(counter.client_rate) == 0


def test_behind_a_balancer_the_client_counts(counter: TunnelCounter) -> None:
    def behind(source: str) -> Command:
        conversation = start_conversation(client=BALANCER, counter=counter, behind_balancer=True)
        return conversation.received(f"PROXY TCP4 {source} {source} 50000 443\r\n".encode() + HEAD)

    assert isinstance(behind(CLIENT), Dial)
    assert "client_rate_exceeded" in status_line(behind(CLIENT))
    assert isinstance(behind("10.1.2.9"), Dial)


def test_probes_of_the_gate_count_for_nobody(counter: TunnelCounter) -> None:
    ask(counter)
    for _ in range(3):
        record = open_record(CLIENT, 0, "probe")
        record.event = "probe"
        assert isinstance(Conversation(SNAPSHOT, counter, HellosInFlight(), record).received(HEAD), Dial)


# Users


def asked_by(counter: TunnelCounter, user: str = USER, client: str = CLIENT) -> tuple[Command, Conversation]:
    counter.client_rate = None
    snapshot = login_snapshot(make_authenticator(required=False))
    conversation = start_conversation(snapshot, client=client, counter=counter)
    command = conversation.received(head_with_login(basic(user)))
    if isinstance(command, CheckLogin):
        command = conversation.login_checked(right=True)
    return command, conversation


def test_a_user_that_asks_too_fast_gets_429_from_any_address(counter: TunnelCounter, clock: Clock) -> None:
    for number in (1, 2):
        assert isinstance(asked_by(counter, client=f"10.0.0.{number}")[0], Dial)

    clock.now += 10
    command, conversation = asked_by(counter, client="10.0.0.3")

    assert status_line(command).startswith("HTTP/1.1 429 user_rate_exceeded: 10.0.0.3 asks for tunnels faster than ")
    assert refusal_fields(command, "Retry-After") == ["90"]
    assert (conversation.record.outcome, conversation.record.user) == (Outcome.USER_RATE_EXCEEDED, USER)
    clock.now += 90
    assert isinstance(asked_by(counter)[0], Dial)


def test_clients_without_a_login_have_no_user_to_count_for(counter: TunnelCounter) -> None:
    counter.client_rate = None
    snapshot = login_snapshot(make_authenticator(required=False))
    for last in range(1, 8):
        conversation = start_conversation(snapshot, client=f"10.0.0.{last}", counter=counter)
        assert isinstance(conversation.received(HEAD), Dial)


def test_a_wrong_password_does_not_count_for_the_user(counter: TunnelCounter) -> None:
    counter.client_rate = None
    for last in range(1, 5):
        conversation = start_conversation(login_snapshot(), client=f"10.0.0.{last}", counter=counter)
        assert isinstance(conversation.received(head_with_login()), CheckLogin)
        assert "407" in status_line(conversation.login_checked(right=False))

    assert isinstance(asked_by(counter)[0], Dial)


def test_a_certificate_is_a_user_too(counter: TunnelCounter) -> None:
    counter.client_rate = None

    def by_certificate(*names: str) -> Command:
        return start_with_certificate(login_snapshot(), names, counter=counter).received(HEAD)

    assert isinstance(by_certificate("cucm.example.net", "one.example.net"), Dial)
    assert isinstance(by_certificate("cucm.example.net", "two.example.net"), Dial)
    assert "user_rate_exceeded" in status_line(by_certificate("cucm.example.net"))
    assert isinstance(by_certificate("other.example.net"), Dial)


# Settings


def test_no_rate_is_in_force_by_default() -> None:
    counter = TunnelCounter()
    counter.adopt(Limits())

    assert (counter.client_rate, counter.user_rate) == (None, None)


def test_a_reload_replaces_a_changed_rate_and_keeps_the_other() -> None:
    counter = TunnelCounter()
    counter.adopt(Limits(connections_per_client_per_second=1, tunnels_per_user_per_second=2, burst=3))
    per_client, per_user = counter.client_rate, counter.user_rate

    counter.adopt(Limits(tunnels=7, connections_per_client_per_second=1, tunnels_per_user_per_second=4, burst=3))

    assert counter.client_rate is per_client
    assert counter.user_rate is not None
    assert counter.user_rate is not per_user
    assert counter.user_rate.per_second == 4
