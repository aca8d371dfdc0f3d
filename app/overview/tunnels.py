"""The open connections, the oldest first."""

from datetime import datetime

from msgspec import Struct

from licensegate.records.record import TunnelRecord


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


class TunnelList(Struct, frozen=True, kw_only=True):
    """One page of the open connections. `open` are all of them, `page` counts from 1 and is at most `pages`."""

    schema: int
    language: str
    made_at: datetime
    page: int
    pages: int
    open: int
    tunnels: list[TunnelRow]
