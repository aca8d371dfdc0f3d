"""The bodies of the admin pages beside metrics and health: JSON in pieces, and an index in HTML.

These pages name clients. Text sent by clients is printable in them, and escaped in HTML.
"""

import heapq
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from licensegate.app.observers.recent import Client, ClientProgram, Clients, ConnectFingerprint, Refusals
from licensegate.diagnosis.diagnosis import Diagnosis
from licensegate.diagnosis.wording import code_of
from licensegate.proxy.protocol.states import State
from licensegate.proxy.tunnel.context import ClientConnection
from licensegate.records.finding import Certainty, Finding
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


class RefusalEntry(Struct, frozen=True):
    """What happened, what to change, what CUCM shows for it, and the record with its finding."""

    sentence: str
    remedy: str
    cucm: tuple[str, ...]
    record: TunnelRecord


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
    """A client's address, the finding of its last connection, or of its silence, and the programs behind it."""

    client: str
    connections: int
    last_outcome: Outcome | None
    finding: str
    certainty: Certainty | None
    evidence: str
    first_seen: datetime
    last_seen: datetime
    programs: list[ProgramEntry]


def json_pieces(name: str, entries: Iterable[Struct], **numbers: int) -> Iterator[bytes]:
    """A line of JSON, an entry in each piece: an object with these numbers, and under `name` the list of entries."""
    encode = msgspec.json.Encoder().encode
    yield b"{" + b"".join(b'"%s":%d,' % (key.encode(), number) for key, number in numbers.items())
    yield b'"%s":[' % name.encode()
    comma = b""
    for entry in entries:
        yield comma + encode(entry)
        comma = b","
    yield b"]}\n"


def tunnels_page(gate: HasConnections) -> Iterator[bytes]:
    """The body of /tunnels: the number of open connections, and the oldest of them."""
    connections = list(gate.connections)
    oldest: list[ClientConnection] = []
    for start in range(0, len(connections), _MAX_TUNNELS):
        candidates = oldest + connections[start : start + _MAX_TUNNELS]
        oldest = heapq.nsmallest(_MAX_TUNNELS, candidates, key=lambda one: one.conversation.record.time)
        yield b""  # so that the loop can run
    yield from json_pieces("tunnels", map(_tunnel, oldest), open=len(connections))


def refusals_page(refusals: Refusals, diagnosis: Diagnosis) -> Iterator[bytes]:
    """The body of /refusals: the last connections that failed, newest first, judged by what is known now."""
    return json_pieces("refusals", map(partial(_refusal, diagnosis), reversed(refusals.records)))


def clients_page(clients: Clients, diagnosis: Diagnosis, now: datetime) -> Iterator[bytes]:
    """The body of /clients: the most recent client first. One that is silent beyond its rhythm has that finding."""
    silent = dict(diagnosis.silent(now))
    entries = (
        _client(address, client, silent.get(address)) for address, client in reversed(list(clients.by_address.items()))
    )
    return json_pieces("clients", entries)


def _tunnel(connection: ClientConnection) -> TunnelEntry:
    return TunnelEntry(connection.conversation.state, connection.so_far())


def _refusal(diagnosis: Diagnosis, record: TunnelRecord) -> RefusalEntry:
    finding = diagnosis.review(record)
    if finding is None:
        return RefusalEntry(record.sentence(), record.remedy(), (), record)
    code = code_of(finding.code)
    return RefusalEntry(finding.sentence, finding.remedy, () if code is None else code.cucm, record)


def _client(address: str, client: Client, silent: Finding | None) -> ClientEntry:
    return ClientEntry(
        client=address,
        connections=client.connections,
        last_outcome=client.outcome,
        finding=client.finding if silent is None else silent.code,
        certainty=client.certainty if silent is None else silent.certainty,
        evidence=client.evidence if silent is None else silent.evidence,
        first_seen=client.first,
        last_seen=client.last,
        programs=[_program(*item) for item in client.programs.items()],
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
