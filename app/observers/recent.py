"""What happened lately, for the admin pages: the last refusals, and which program each client is.

No document of Cisco's says which HTTP library a product embeds. What it writes in its CONNECT and its ClientHello, and
how it takes a refusal, tells them apart. Everything here is bounded, whoever knocks.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from licensegate.records.outcome import PROBES, Outcome, RefusalTaken
from licensegate.records.record import HostForm, TunnelRecord

from .observer import Observer

_REFUSALS: Final = 100
_CLIENTS: Final = 512
_PROGRAMS: Final = 8  # of one client


class Refusals(Observer):
    """The last connections that ended without a tunnel, the newest last."""

    def __init__(self) -> None:
        self.records: deque[TunnelRecord] = deque(maxlen=_REFUSALS)

    def observe(self, records: Sequence[TunnelRecord]) -> None:
        """Keep the connections that had no tunnel. Probes, the gate's own and a balancer's, are none."""
        for record in records:
            if record.event != "end" or record.outcome in PROBES:
                continue
            if record.relay_ms is None:
                self.records.append(record)


class Writing(Struct, frozen=True):
    """What a program writes in its CONNECT, by which it is told from others; empty where it speaks TLS at once."""

    user_agent: str
    http_version: str
    fields: tuple[str, ...]
    host_form: HostForm | None


class Program(Struct):
    """What else a program at one address was seen to do.

    `server_name_sent` is None and the other two of TLS are empty as long as no ClientHello of it was read.
    """

    first: datetime
    last: datetime
    connections: int = 0
    server_name_sent: bool | None = None
    alpn: tuple[str, ...] = ()
    tls_version: str = ""
    refusal_taken: RefusalTaken | None = None

    def see(self, record: TunnelRecord) -> None:
        """Take over what one more record of it tells."""
        self.last = record.time
        self.connections += record.event == "end"
        if record.tls_version:
            self.server_name_sent = bool(record.server_name)
            self.alpn = record.alpn
            self.tls_version = record.tls_version
        if record.refusal_taken is not None:
            self.refusal_taken = record.refusal_taken


class Client:
    """One client address, and the programs behind it, of which the one seen longest ago gives way to a ninth."""

    def __init__(self, first: datetime) -> None:
        self.first = self.last = first
        self.connections = 0
        self.outcome: Outcome | None = None
        self.programs: dict[Writing, Program] = {}

    def see(self, record: TunnelRecord) -> None:
        """Take over what one more record of it tells."""
        self.last = record.time
        if record.outcome is not None:
            self.connections += 1
            self.outcome = record.outcome
        if record.method or record.tls_version:
            writing = Writing(record.user_agent, record.http_version, record.fields, record.host_form)
            program = self.programs.get(writing)
            if program is None:
                program = self._welcome(writing, record.time)
            program.see(record)

    def _welcome(self, writing: Writing, now: datetime) -> Program:
        if len(self.programs) >= _PROGRAMS:
            del self.programs[min(self.programs, key=lambda known: self.programs[known].last)]
        program = self.programs[writing] = Program(now, now)
        return program


class Clients(Observer):
    """The clients seen last, the latest last; the one seen longest ago gives way."""

    def __init__(self) -> None:
        self.by_address: OrderedDict[str, Client] = OrderedDict()

    def observe(self, records: Sequence[TunnelRecord]) -> None:
        """Update the clients of these records. Probes, the gate's own and a balancer's, have none."""
        for record in records:
            if record.outcome in PROBES or record.event == "probe":
                continue
            client = self.by_address.get(record.client)
            if client is None:
                client = self.by_address[record.client] = Client(record.time)
                if len(self.by_address) > _CLIENTS:
                    self.by_address.popitem(last=False)
            else:
                self.by_address.move_to_end(record.client)
            client.see(record)
