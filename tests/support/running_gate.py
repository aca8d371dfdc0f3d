"""A running gate in a test's event loop."""

import contextlib
import socket
from collections.abc import AsyncIterator, Sequence

from licensegate.certs.identity import ServerIdentity
from licensegate.proxy.dial.settings import ConnectTo, DialSettings, DnsSettings
from licensegate.proxy.gate import Gate, Observe
from licensegate.proxy.parent.settings import ParentSettings
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.settings import Limits, ListenAddress, TunnelChecks
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord
from support.sockets import receive, until
from support.tunnel_harness import ESTABLISHED, HOST, UNCHECKED, LoopUpstream, connect_head, one_target_snapshot

LOOPBACK = ListenAddress("127.0.0.1", 0)


class RunningGate:
    """A running gate in the test's event loop, its records, and an upstream that the test controls."""

    def __init__(self, upstream: LoopUpstream, in_force: Snapshot, observers: Sequence[Observe] = ()) -> None:
        self.upstream = upstream
        self.batches: list[list[TunnelRecord]] = []
        dial = DialSettings(connect_to=(ConnectTo(HOST, 443, "127.0.0.1", upstream.port),))
        self.gate = Gate(in_force, dial, DnsSettings(), ParentSettings(), [*observers, self._observe])
        self.clients: list[socket.socket] = []

    def open(self, *addresses: ListenAddress) -> None:
        self.gate.listen(addresses)
        self._address = "127.0.0.1", self.gate.listeners[0].port

    def _observe(self, records: Sequence[TunnelRecord]) -> None:
        self.batches.append(list(records))

    @property
    def records(self) -> list[TunnelRecord]:
        """All records, in order."""
        return [record for batch in self.batches for record in batch]

    @property
    def outcomes(self) -> list[Outcome | None]:
        return [record.outcome for record in self.records]

    def connect(self, sent: bytes = b"", *, source: str = "127.0.0.1") -> socket.socket:
        """Connect from `source` and send `sent` at once."""
        client = socket.create_connection(self._address, source_address=(source, 0))
        client.setblocking(False)
        client.send(sent)
        self.clients.append(client)
        return client

    async def wait_for_records(self, count: int) -> TunnelRecord:
        """Wait for `count` records and return the last."""
        await until(lambda: len(self.records) == count)
        return self.records[-1]

    async def open_tunnel(self) -> tuple[socket.socket, socket.socket]:
        client = self.connect(connect_head(443))
        far = await self.upstream.accept()
        assert await receive(client, len(ESTABLISHED)) == ESTABLISHED
        return client, far


@contextlib.asynccontextmanager
async def run_gate(
    limits: Limits | None = None,
    observers: Sequence[Observe] = (),
    *,
    listen: ListenAddress = LOOPBACK,
    checks: TunnelChecks = UNCHECKED,
    identity: ServerIdentity | None = None,
) -> AsyncIterator[RunningGate]:
    """A gate that listens on one address of this host. Its only target is HOST."""
    with contextlib.closing(LoopUpstream()) as upstream:
        running = RunningGate(upstream, one_target_snapshot(limits or Limits(), 443, checks, identity), observers)
        running.open(listen)
        try:
            yield running
        finally:
            running.gate.close()
            for client in running.clients:
                client.close()
