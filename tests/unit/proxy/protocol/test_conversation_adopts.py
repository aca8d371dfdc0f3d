"""Settings that change while a conversation has no decision: they decide, also about a password being checked."""

from collections.abc import Callable

import pytest
from msgspec import structs

from licensegate.allowlist.client_networks import ClientNetworks
from licensegate.allowlist.policy import Policy
from licensegate.allowlist.preset import load_presets
from licensegate.proxy.protocol.commands import Dial, Refuse
from licensegate.proxy.protocol.conversation import Conversation
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.protocol.states import State
from licensegate.records.outcome import Outcome
from support.conversation_harness import (
    HEAD,
    SNAPSHOT,
    head_with_login,
    hello,
    login_snapshot,
    make_authenticator,
    start_conversation,
)

NO_RULES = Policy([], [], load_presets())
NO_CLIENTS = ClientNetworks(())


def logging_in() -> Conversation:
    conversation = start_conversation(login_snapshot())
    conversation.received(head_with_login())
    assert conversation.state is State.LOGIN
    return conversation


WITHOUT_USER = login_snapshot(make_authenticator(without_user=True))
CHANGES = {
    "its user was removed": (WITHOUT_USER, Outcome.LOGIN_REFUSED),
    "its network was removed": (
        structs.replace(login_snapshot(), clients=ClientNetworks(())),
        Outcome.CLIENT_NOT_ALLOWED,
    ),
    "its rule was removed": (structs.replace(login_snapshot(), policy=NO_RULES), Outcome.TARGET_IN_PRESET),
}


@pytest.mark.parametrize(("snapshot", "outcome"), CHANGES.values(), ids=CHANGES.keys())
def test_a_right_password_opens_nothing_that_is_not_allowed_now(snapshot: Snapshot, outcome: Outcome) -> None:
    conversation = logging_in()
    conversation.adopt(snapshot)

    assert isinstance(conversation.login_checked(right=True), Refuse)
    assert conversation.record.outcome is outcome


@pytest.mark.parametrize("snapshot", [login_snapshot(), SNAPSHOT], ids=["the same users", "no logins any more"])
def test_a_right_password_opens_what_is_allowed_still(snapshot: Snapshot) -> None:
    conversation = logging_in()
    conversation.adopt(snapshot)

    assert isinstance(conversation.login_checked(right=True), Dial)


def test_a_removed_user_is_recorded_as_unknown() -> None:
    conversation = logging_in()
    conversation.adopt(WITHOUT_USER)
    conversation.login_checked(right=True)

    assert conversation.record.login_result == "unknown_user"


BEGUN: dict[str, tuple[Callable[[], Conversation], bytes]] = {
    "before a byte": (start_conversation, HEAD),
    "in its head": (lambda: begun(HEAD[:9]), HEAD[9:]),
    "in its ClientHello": (lambda: begun(hello("tools.cisco.com")[:30]), hello("tools.cisco.com")[30:]),
}


def begun(sent: bytes) -> Conversation:
    conversation = start_conversation()
    conversation.received(sent)
    return conversation


@pytest.mark.parametrize(("begin", "rest"), BEGUN.values(), ids=BEGUN.keys())
def test_a_request_that_was_begun_before_is_decided_by_the_new_rules(
    begin: Callable[[], Conversation], rest: bytes
) -> None:
    conversation = begin()
    conversation.adopt(structs.replace(SNAPSHOT, policy=NO_RULES))
    conversation.received(rest)

    assert conversation.record.outcome is Outcome.TARGET_IN_PRESET


def test_a_granted_tunnel_keeps_what_granted_it() -> None:
    conversation = begun(HEAD)
    granted = conversation.granted
    conversation.adopt(structs.replace(SNAPSHOT, policy=NO_RULES, clients=NO_CLIENTS))

    assert conversation.granted is granted is not None
    assert conversation.unserved is None
