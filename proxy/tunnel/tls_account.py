"""Writes into the record how far TLS got in a tunnel, and TCP's account of one that ended badly."""

from typing import Final

from licensegate.records.contact import Contact
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord

from ..net.channel import Channel
from ..net.tcp_account import read_tcp_account
from ..wire.certificate_outline import certificate_outline
from ..wire.tls_exchange import ClientRecords, TargetRecords, contact_of
from ..wire.tls_records import MOST_RECORDS

_MAY_BE_LOSS: Final = frozenset(
    {Contact.REQUEST_UNANSWERED, Contact.HANDSHAKE_CUT, Contact.HELLO_UNANSWERED, Contact.HELLO_CUT}
)
"""Contacts that end this way where packets are lost. The others end because a peer decided so."""

_BROKEN_OFF: Final = frozenset(
    {
        Outcome.RESET_BY_CLIENT,
        Outcome.RESET_BY_UPSTREAM,
        Outcome.IDLE_TIMEOUT,
        Outcome.HALF_CLOSED_TIMEOUT,
        Outcome.LIFETIME_OVER,
    }
)


def note_tls(record: TunnelRecord, client: ClientRecords, target: TargetRecords, up: int, down: int) -> None:
    """Write what the records of both directions show. `up` and `down` are the bytes relayed each way."""
    exchange = client.exchange
    record.client_records = client.records[:MOST_RECORDS] or ()
    record.client_alert = client.alert
    record.upstream_records = target.records[:MOST_RECORDS] or ()
    record.upstream_alert = target.alert
    record.tls_negotiated = exchange.version
    if exchange.requested:
        record.request_bytes = client.application_bytes(up)
    if exchange.answered:
        record.answer_bytes = target.application_bytes(down)
        record.contact = Contact.ANSWERED
        return
    contact = record.contact = contact_of(client, target)
    if contact is Contact.NOT_TLS:
        record.target_said = target.said
    elif target.server.certificate:
        record.server_certificate = certificate_outline(target.server.certificate)


def note_tcp(record: TunnelRecord, client: Channel, upstream: Channel | None) -> None:
    """Write TCP's account of both sides if the tunnel ended badly. Its sockets are still open."""
    if upstream is not None and (record.contact in _MAY_BE_LOSS or record.outcome in _BROKEN_OFF):
        record.client_tcp = read_tcp_account(client)
        record.upstream_tcp = read_tcp_account(upstream)
