"""Conversations up to the first bytes of their tunnel."""

from licensegate.proxy.protocol.commands import Command, Dial, Send
from licensegate.proxy.protocol.conversation import Conversation
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.wire.responses import ESTABLISHED
from licensegate.records.outcome import Outcome
from licensegate.records.record import ServerNameCheck
from support.conversation_harness import (
    HOST,
    SNAPSHOT,
    connect_head,
    hello,
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
