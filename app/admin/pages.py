"""What the admin server shows of the gate beside metrics and health: values for JSON, and an index for people.

These pages name clients. What strangers have sent stands in them as printable text, escaped where it goes into HTML.
"""

import heapq
from collections.abc import Collection
from datetime import datetime
from html import escape
from typing import Final, Protocol

from msgspec import Struct

from licensegate.app.observers.recent import Clients, Program, Refusals, Writing
from licensegate.proxy.protocol.states import State
from licensegate.proxy.tunnel.context import ClientConnection
from licensegate.records.outcome import Outcome, RefusalTaken
from licensegate.records.record import HostForm, TunnelRecord

_TUNNELS: Final = 500

_PAGES: Final = {
    "/metrics": "the metrics, for Prometheus",
    "/healthz": "whether the process lives",
    "/readyz": "whether it takes clients",
    "/upstreamz": "whether the targets can be reached; asking may dial them",
    "/tunnels": "the open connections",
    "/refusals": "the last that ended without a tunnel, each with what to do",
    "/clients": "the clients seen last, and which programs they are",
}


class Open(Protocol):
    """What is asked of the gate."""

    @property
    def connections(self) -> Collection[ClientConnection]:
        """The open client connections."""


class OpenConnection(Struct, frozen=True):
    """Where a connection stands, and its record so far."""

    state: State
    record: TunnelRecord


class TunnelsPage(Struct, frozen=True):
    """The body of /tunnels: how many connections are open, and those that are open longest."""

    open: int
    tunnels: list[OpenConnection]


class Refusal(Struct, frozen=True):
    """What happened, what to change, and the record."""

    sentence: str
    remedy: str
    record: TunnelRecord


class RefusalsPage(Struct, frozen=True):
    """The body of /refusals, the newest first."""

    refusals: list[Refusal]


class SeenProgram(Struct, frozen=True):
    """One program at a client's address: what it writes, and what it was seen to do."""

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


class SeenClient(Struct, frozen=True):
    """A client's address and the programs behind it."""

    client: str
    connections: int
    last_outcome: Outcome | None
    first_seen: datetime
    last_seen: datetime
    programs: list[SeenProgram]


class ClientsPage(Struct, frozen=True):
    """The body of /clients, the client seen last first."""

    clients: list[SeenClient]


def tunnels_page(gate: Open) -> TunnelsPage:
    """What is open just now."""
    oldest = heapq.nsmallest(_TUNNELS, gate.connections, key=lambda one: one.conversation.record.time)
    return TunnelsPage(len(gate.connections), [OpenConnection(one.conversation.state, one.so_far()) for one in oldest])


def refusals_page(refusals: Refusals) -> RefusalsPage:
    """What was refused lately."""
    return RefusalsPage([Refusal(one.sentence(), one.remedy(), one) for one in reversed(refusals.records)])


def clients_page(clients: Clients) -> ClientsPage:
    """Who was there lately."""
    return ClientsPage(
        [
            SeenClient(
                client=address,
                connections=seen.connections,
                last_outcome=seen.outcome,
                first_seen=seen.first,
                last_seen=seen.last,
                programs=[_program(writing, program) for writing, program in seen.programs.items()],
            )
            for address, seen in reversed(clients.by_address.items())
        ]
    )


def _program(writing: Writing, program: Program) -> SeenProgram:
    return SeenProgram(
        user_agent=writing.user_agent,
        http_version=writing.http_version,
        fields=writing.fields,
        host_form=writing.host_form,
        server_name_sent=program.server_name_sent,
        alpn=program.alpn,
        tls_version=program.tls_version,
        refusal_taken=program.refusal_taken,
        connections=program.connections,
        first_seen=program.first,
        last_seen=program.last,
    )


def index_page(version: str) -> str:
    """The pages that there are, as HTML."""
    rows = "\n".join(
        f'<li><a href="{escape(path)}">{escape(path)}</a>: {escape(what)}' for path, what in _PAGES.items()
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
