"""Recent activity for the admin pages: the last failures, and the programs behind each client address.

Cisco does not document which HTTP library a product embeds. Its CONNECT, its ClientHello and its reaction to a refusal
tell them apart. Everything here is bounded, whatever clients send.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Final

from msgspec import Struct

from licensegate.diagnosis.codes import PROBLEMS
from licensegate.records.bounded import BoundedDict
from licensegate.records.contact import Contact
from licensegate.records.finding import Certainty
from licensegate.records.outcome import ONCE_AN_HOUR, PROBES, Outcome
from licensegate.records.record import HostForm, RefusalTaken, TunnelRecord

from .hourly import OnceAnHour
from .observer import Observer

_MAX_REFUSALS: Final = 100
_MAX_CLIENTS: Final = 512
_MAX_PROGRAMS: Final = 8  # per client


class Refusals(Observer):
    """The last connections that failed: those that ended without a tunnel, and tunnels whose finding is a problem.

    Of each there are some, so that a flood of refusals drops no failed tunnel.
    """

    def __init__(self) -> None:
        self._without_tunnel: deque[tuple[int, TunnelRecord]] = deque(maxlen=_MAX_REFUSALS)
        self._failed_tunnels: deque[tuple[int, TunnelRecord]] = deque(maxlen=_MAX_REFUSALS)
        self._numbers = itertools.count()
        self._once_an_hour = OnceAnHour()

    @property
    def records(self) -> list[TunnelRecord]:
        """All of them in the order of their ends, the newest last."""
        return [record for _, record in heapq.merge(self._without_tunnel, self._failed_tunnels, key=itemgetter(0))]

    def observe(self, records: Sequence[TunnelRecord]) -> None:
        """Keep the connections that failed, except probes: the gate's own and a balancer's."""
        for record in records:
            if record.event != "end" or record.outcome in PROBES:
                continue
            if record.relay_ms is not None:
                if record.finding in PROBLEMS:
                    self._failed_tunnels.append((next(self._numbers), record))
                continue
            kept = self._once_an_hour.thinned(record) if record.outcome in ONCE_AN_HOUR else record
            if kept is not None:
                self._without_tunnel.append((next(self._numbers), kept))


class ConnectFingerprint(Struct, frozen=True):
    """How a program writes its CONNECT, which tells it from others. Empty if it starts with TLS instead."""

    user_agent: str
    http_version: str
    fields: tuple[str, ...]
    host_form: HostForm | None


class ClientProgram(Struct):
    """What one program at a client address did.

    Until a ClientHello of it was read, `server_name_sent` is None, and `alpn` and `tls_version` are empty.
    """

    first: datetime
    last: datetime
    connections: int = 0
    server_name_sent: bool | None = None
    alpn: tuple[str, ...] = ()
    tls_version: str = ""
    refusal_taken: RefusalTaken | None = None

    def update(self, record: TunnelRecord) -> None:
        """Add one more record."""
        self.last = record.time
        self.connections += record.event == "end"
        if record.tls_version:
            self.server_name_sent = bool(record.server_name)
            self.alpn = record.alpn
            self.tls_version = record.tls_version
        if record.refusal_taken is not None:
            self.refusal_taken = record.refusal_taken


class Client:
    """One client address and the programs behind it. A ninth program replaces the least recent one.

    `newest` is its latest record. `failure` is its latest one with a problem, None once a contact was answered.
    """

    def __init__(self, first: TunnelRecord) -> None:
        self.first = self.last = first.time
        self.newest = first
        self.failure: TunnelRecord | None = None
        self.connections = 0
        self.outcome: Outcome | None = None
        self.finding = ""
        self.certainty: Certainty | None = None
        self.evidence = ""
        self.programs: BoundedDict[ConnectFingerprint, ClientProgram] = BoundedDict(_MAX_PROGRAMS)

    def update(self, record: TunnelRecord) -> None:
        """Add one more record."""
        self.last = record.time
        self.newest = record
        if record.outcome is not None:
            self.connections += 1
            self.outcome = record.outcome
            if record.contact is Contact.ANSWERED:
                self.failure = None
            elif record.finding in PROBLEMS:
                self.failure = record
            if record.finding:
                self.finding, self.certainty, self.evidence = record.finding, record.certainty, record.evidence
        if record.method or record.tls_version:
            fingerprint = ConnectFingerprint(record.user_agent, record.http_version, record.fields, record.host_form)
            program = self.programs.get_or_add(fingerprint, lambda: ClientProgram(record.time, record.time))
            program.update(record)


class Clients(Observer):
    """The most recent clients, latest last. A new client replaces the least recent one."""

    def __init__(self) -> None:
        self.by_address: BoundedDict[str, Client] = BoundedDict(_MAX_CLIENTS)

    def observe(self, records: Sequence[TunnelRecord]) -> None:
        """Update the clients of these records. Probes, the gate's own and a balancer's, have none."""
        for record in records:
            if record.outcome in PROBES or record.event == "probe":
                continue
            self.by_address.get_or_add(record.client, partial(Client, record)).update(record)
