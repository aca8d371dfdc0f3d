"""The bodies of the admin pages beside metrics and health: values for JSON, and an index in HTML.

These pages name clients. Text sent by clients is printable in them, and escaped in HTML.
"""

import heapq
from collections.abc import Collection, Mapping
from datetime import datetime
from html import escape
from typing import Final, Protocol

from msgspec import Struct

from licensegate.app.observers.recent import ClientProgram, Clients, ConnectFingerprint, Refusals
from licensegate.proxy.protocol.states import State
from licensegate.proxy.tunnel.context import ClientConnection
from licensegate.records.outcome import Outcome
from licensegate.records.record import HostForm, RefusalTaken, TunnelRecord

_MAX_TUNNELS: Final = 500


class HasConnections(Protocol):
    """The part of the gate that /tunnels shows."""

    @property
    def connections(self) -> Collection[ClientConnection]:
        """The open client connections."""


class TunnelEntry(Struct, frozen=True):
    """An open connection: the state of its conversation, and its record so far."""

    state: State
    record: TunnelRecord


class TunnelsPage(Struct, frozen=True):
    """The body of /tunnels: the number of open connections, and the oldest of them."""

    open: int
    tunnels: list[TunnelEntry]


class RefusalEntry(Struct, frozen=True):
    """What happened, what to change, and the record."""

    sentence: str
    remedy: str
    record: TunnelRecord


class RefusalsPage(Struct, frozen=True):
    """The body of /refusals, newest first."""

    refusals: list[RefusalEntry]


class ProgramEntry(Struct, frozen=True):
    """One program at a client's address: its fingerprint, and what it did."""

    user_agent: str
    http_version: str
    fields: tuple[str, ...]
    host_form: HostForm | None
    server_name_sent: bool | None
    alpn: tuple[str, ...]
    tls_version: str
    refusal_taken: RefusalTaken | None
    connections: int
    first_seen: datetime
    last_seen: datetime


class ClientEntry(Struct, frozen=True):
    """A client's address and the programs behind it."""

    client: str
    connections: int
    last_outcome: Outcome | None
    first_seen: datetime
    last_seen: datetime
    programs: list[ProgramEntry]


class ClientsPage(Struct, frozen=True):
    """The body of /clients, the most recent client first."""

    clients: list[ClientEntry]


def tunnels_page(gate: HasConnections) -> TunnelsPage:
    """The open connections."""
    oldest = heapq.nsmallest(_MAX_TUNNELS, gate.connections, key=lambda one: one.conversation.record.time)
    return TunnelsPage(len(gate.connections), [TunnelEntry(one.conversation.state, one.so_far()) for one in oldest])


def refusals_page(refusals: Refusals) -> RefusalsPage:
    """The last connections without a tunnel."""
    return RefusalsPage([RefusalEntry(one.sentence(), one.remedy(), one) for one in reversed(refusals.records)])


def clients_page(clients: Clients) -> ClientsPage:
    """The most recent clients."""
    return ClientsPage(
        [
            ClientEntry(
                client=address,
                connections=client.connections,
                last_outcome=client.outcome,
                first_seen=client.first,
                last_seen=client.last,
                programs=[_program(*item) for item in client.programs.items()],
            )
            for address, client in reversed(clients.by_address.items())
        ]
    )


def _program(fingerprint: ConnectFingerprint, program: ClientProgram) -> ProgramEntry:
    return ProgramEntry(
        user_agent=fingerprint.user_agent,
        http_version=fingerprint.http_version,
        fields=fingerprint.fields,
        host_form=fingerprint.host_form,
        server_name_sent=program.server_name_sent,
        alpn=program.alpn,
        tls_version=program.tls_version,
        refusal_taken=program.refusal_taken,
        connections=program.connections,
        first_seen=program.first,
        last_seen=program.last,
    )


def index_page(version: str, purposes: Mapping[str, str]) -> str:
    """Links to the pages with these paths and purposes, as HTML."""
    rows = "\n".join(
        f'<li><a href="{escape(path)}">{escape(path)}</a>: {escape(purpose)}' for path, purpose in purposes.items()
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<title>LicenseGate</title>
<h1>LicenseGate {escape(version)}</h1>
<ul>
{rows}
</ul>
</html>
"""
