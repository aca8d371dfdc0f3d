"""From the connected target to the relay: the 200, and the checks of the first bytes in the tunnel."""

import pytest

from licensegate.allowlist.rule import Rule
from licensegate.proxy.protocol.commands import Dial, Establish, Send, Wait
from licensegate.proxy.protocol.states import State
from licensegate.proxy.wire import client_hello
from licensegate.proxy.wire.responses import ESTABLISHED
from licensegate.records.record import ServerNameCheck
from support.client_hellos import (
    RECORDED,
    RecordedHello,
    in_records,
    join_records,
)
from support.conversation_harness import (
    HOST,
    connect_head,
    hello,
    make_snapshot,
    start_conversation,
)
from support.inner_hello_harness import FINISHED, HELLO, asked, dialled, told

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
