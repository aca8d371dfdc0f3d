"""Which checks of the first bytes are in force, and what they leave in the record."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.allowlist.rule import Rule
from licensegate.proxy.protocol.commands import Establish
from licensegate.proxy.protocol.tunnel_checks import ChecksByClient
from licensegate.proxy.settings import NetworkChecks, TunnelChecks
from licensegate.proxy.wire.responses import ESTABLISHED
from licensegate.records.alert import Alert
from licensegate.records.record import ServerNameCheck
from support.conversation_harness import (
    HOST,
    UNCHECKED_SNAPSHOT,
    hello,
    make_snapshot,
)
from support.inner_hello_harness import FINISHED, HELLO, asked, dialled, told

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
    assert command.client_records is not None
    assert command.target_records is not None
    command.client_records.see(FINISHED[size:])
    assert command.client_records.records == [(20, 1), (23, 0x35)]
    assert command.client_records.alert is None
    assert command.target_records.records == []


def test_an_alert_directly_after_the_hello_is_recorded() -> None:
    _, command = asked(HELLO + b"\x15\x03\x03\0\x02\x02\x30")

    assert isinstance(command, Establish)
    assert command.client_records is not None
    assert (command.client_records.records, command.client_records.alert) == ([(21, 2)], Alert.UNKNOWN_CA)


def test_bytes_that_are_not_tls_have_no_shape() -> None:
    _, command = asked(b"SSH-2.0", make_snapshot(Rule(HOST, require_tls=False)))

    assert command == Establish(b"", b"SSH-2.0", None, None)
