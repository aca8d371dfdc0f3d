"""The open connections, the oldest first."""

from datetime import datetime

from msgspec import Struct

from licensegate.language.language import Language
from licensegate.proxy.tunnel.context import ClientConnection
from licensegate.records.record import DIRECT, TunnelRecord

from .answer import Answer
from .identities import ClientIdentity
from .words import state_word


class TunnelRow(Struct, frozen=True, kw_only=True):
    """An open connection.

    `state` is that of its conversation (`docs/architecture.md`), `state_word` the same for people. `since` is when it
    was accepted, `seconds` how long ago. `bytes_from_client` and `bytes_to_client` have passed so far. `parent` is the
    parent proxy on the way, empty if the target was dialled directly. `record` is the record so far, None where the row
    is one of many things in an answer.
    """

    id: str
    client: str
    client_port: int
    client_name: str
    client_key: str
    target: str
    state: str
    state_word: str
    since: datetime
    seconds: int
    bytes_from_client: int
    bytes_to_client: int
    program: str = ""
    user: str = ""
    parent: str = ""
    record: TunnelRecord | None = None


class TunnelList(Answer, frozen=True, kw_only=True):
    """One page of the open connections. `open` are all of them, `page` counts from 1 and is at most `pages`."""

    page: int
    pages: int
    open: int
    tunnels: list[TunnelRow]


def accepted_at(connection: ClientConnection) -> datetime:
    """When a connection was accepted."""
    return connection.conversation.record.time


def tunnel_row(
    connection: ClientConnection, identity: ClientIdentity, language: Language, now: datetime, *, whole: bool
) -> TunnelRow:
    """The row of an open connection; with its record if `whole`."""
    record, state = connection.so_far(), connection.conversation.state
    return TunnelRow(
        id=record.id,
        client=record.client,
        client_port=record.client_port,
        client_name=identity.name,
        client_key=identity.key,
        target=record.target or record.requested,
        state=state.value,
        state_word=state_word(state, language),
        since=record.time,
        seconds=max(0, int((now - record.time).total_seconds())),
        bytes_from_client=record.client_read,
        bytes_to_client=record.client_written,
        program=record.user_agent,
        user=record.user,
        parent="" if record.parent == DIRECT else record.parent,
        record=record if whole else None,
    )
