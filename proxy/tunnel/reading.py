"""Reads from the client's connection, plain or TLS: read, watch, and go on with the handshake of TLS to the gate."""

from typing import Final

from ..net.channel import Channel, TlsChannel
from ..net.poller import READ, WRITE, Owner, Poller
from ..protocol.commands import WAIT, Command
from ..protocol.conversation import Conversation
from ..wire.tls_layer import TlsFailure

_READ_BYTES: Final = 8192


def read_client(channel: Channel) -> bytes | None:
    """Return what the client has sent: b"" at its end or after a reset, None if nothing has arrived."""
    try:
        return channel.recv(_READ_BYTES)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def report_end(channel: Channel, conversation: Conversation) -> Command:
    """Report that the client ended its side, with the alert that it sent instead of a request, or that TLS failed."""
    if not isinstance(channel, TlsChannel):
        return conversation.client_ended()
    layer = channel.layer
    return (
        conversation.tls_failed(layer.own_failure) if layer.own_failure else conversation.client_ended(layer.rejection)
    )


def watch_for_reading(poller: Poller, channel: Channel, owner: Owner) -> None:
    """Call `owner` when the channel can be read, or when ciphertext that waits can be written."""
    if not isinstance(channel, TlsChannel):
        poller.watch(channel.fileno(), READ, owner)
        return
    poller.watch(channel.fileno(), READ | WRITE if channel.unsent else READ, owner)
    if channel.pending:  # epoll does not see plaintext that is decrypted already
        poller.call_again(channel.fileno())


def continue_handshake(channel: TlsChannel, conversation: Conversation) -> Command:
    """Go on with the handshake. Returns Wait until it is complete, and reports its end to the conversation."""
    try:
        complete = channel.handshake()
    except TlsFailure as failure:
        return conversation.handshake_failed(
            failure.detail, by_client=failure.by_peer, certificate_rejected=failure.rejected_our_certificate
        )
    except OSError:
        return conversation.client_ended()
    if not complete:
        return WAIT
    return conversation.secured(channel.layer.version, channel.layer.identity, channel.layer.names)
