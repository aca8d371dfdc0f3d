"""Tunnels in a test's event loop: the poller, dialer and context they need, a client, and an upstream."""

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from licensegate.allowlist.client_networks import DEFAULT_NETWORKS, ClientNetworks
from licensegate.allowlist.policy import Policy
from licensegate.allowlist.rule import Rule
from licensegate.certs.identity import ServerIdentity
from licensegate.proxy.auth.scheme import Scheme
from licensegate.proxy.dial.dialer import Dialer
from licensegate.proxy.dial.loop_guard import LoopGuard
from licensegate.proxy.dial.resolution import Resolution, Resolved
from licensegate.proxy.dial.resolver import Resolver
from licensegate.proxy.dial.settings import DialSettings, DnsSettings
from licensegate.proxy.net.poller import Poller
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.protocol.tunnel_checks import ChecksByClient
from licensegate.proxy.settings import Limits, TunnelChecks
from licensegate.proxy.tunnel.context import TunnelContext
from licensegate.proxy.tunnel.tunnel import Tunnel
from licensegate.records.record import TunnelRecord, open_record
from support.client_hellos import hello_message, in_records, server_name_extension
from support.resolver_harness import CLIENT, once
from support.sockets import receive, socket_pair, turns, until
from support.tls_client import TlsClient
from support.tls_memory import client_context
from support.upstream import SECONDS

HOST = "target.test"
"""The only host that a `TunnelHarness` allows."""

UNCHECKED = TunnelChecks(require_tls=False, match_server_name=False)
"""Tunnels may carry any bytes, and are established without waiting for a ClientHello."""

HELLO = in_records(hello_message(server_name_extension(HOST.encode())))
"""A ClientHello for HOST."""

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
SPIN_LIMIT = 3
"""The poller spins if it wakes more often than this in hundreds of turns of the event loop."""


class CountingPoller(Poller):
    """A poller that counts its wake-ups."""

    def __init__(self, loop: asyncio.AbstractEventLoop, batch_done: Callable[[], None]) -> None:
        self.wake_ups = 0
        super().__init__(loop, batch_done)

    def run_batch(self, timeout: float | None = 0) -> None:
        self.wake_ups += 1
        super().run_batch(timeout)

    async def idle_wake_ups(self) -> int:
        """The number of wake-ups while nothing happens."""
        await turns(20)
        before = self.wake_ups
        await turns()
        return self.wake_ups - before


@contextlib.contextmanager
def counting_poller(batch_done: Callable[[], None] = lambda: None) -> Iterator[CountingPoller]:
    """A poller in the running loop."""
    poller = CountingPoller(asyncio.get_running_loop(), batch_done)
    try:
        yield poller
    finally:
        poller.finish_batch()
        poller.stop()


def one_target_snapshot(
    limits: Limits, port: int, checks: TunnelChecks = UNCHECKED, identity: ServerIdentity | None = None
) -> Snapshot:
    """A snapshot that allows HOST on this port at any address, for clients of the default networks."""
    policy = Policy([], [Rule(HOST, port, private=True)], {})
    return Snapshot(ClientNetworks(DEFAULT_NETWORKS), policy, limits, ChecksByClient(checks), identity)


def connect_head(port: int) -> bytes:
    """A CONNECT request for HOST on this port."""
    return f"CONNECT {HOST}:{port} HTTP/1.1\r\n\r\n".encode()


class LoopUpstream:
    """A server in the test's event loop that plays HOST."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self.accepted: list[socket.socket] = []

    async def accept(self) -> socket.socket:
        """Accept the next connection."""
        sock, _ = await asyncio.get_running_loop().sock_accept(self._listener)
        sock.setblocking(False)
        self.accepted.append(sock)
        return sock

    def close(self) -> None:
        """Close the listener and every accepted connection."""
        for sock in (self._listener, *self.accepted):
            sock.close()


class TunnelHarness:
    """Tunnels of one gate and their records. HOST resolves to the answer of `ask`, by default 127.0.0.1."""

    def __init__(self, poller: CountingPoller, port: int, in_force: Snapshot, ask: Callable[[str], Resolution]) -> None:
        loop = asyncio.get_running_loop()
        self.poller = poller
        self.connect = connect_head(port)
        self.records: list[TunnelRecord] = []
        self.resolver = Resolver(loop, DnsSettings(timeout_seconds=0.05), poller.finish_batch, once(ask))
        dialer = Dialer(loop, poller, self.resolver, LoopGuard(), DialSettings())
        self.context = TunnelContext(in_force, poller, dialer, self.records.append)
        self._clients: list[socket.socket] = []

    def accept(
        self,
        sent: bytes = b"",
        *,
        client: str = "127.0.0.1",
        behind_balancer: bool = False,
        schemes: frozenset[Scheme] | None = None,
        buffer: int = 0,
    ) -> tuple[socket.socket, Tunnel]:
        """Accept a client at this address, or a balancer, that already sent `sent`. Returns its socket and tunnel."""
        near, far = socket_pair(buffer=buffer)
        near.sendall(sent)
        self._clients.append(near)
        record = open_record(client, far.getpeername()[1], "127.0.0.1:3128")
        one_target_snapshot = self.context.snapshot.for_listener(schemes)
        tunnel = Tunnel(self.context, one_target_snapshot, far, record, behind_balancer=behind_balancer)
        self.poller.run(tunnel, tunnel.begin)
        self.poller.finish_batch()
        return near, tunnel

    async def open_tunnel(self, upstream: LoopUpstream) -> tuple[socket.socket, socket.socket, Tunnel]:
        """Establish a tunnel. Returns the client's socket, the upstream's, and the tunnel."""
        client, tunnel = self.accept(self.connect)
        far = await upstream.accept()
        assert await receive(client, len(ESTABLISHED)) == ESTABLISHED
        return client, far, tunnel

    async def connect_tls(self, version: ssl.TLSVersion | None = None) -> tuple[TlsClient, Tunnel]:
        """Complete a TLS handshake with the gate. Returns the client and its tunnel."""
        sock, tunnel = self.accept()
        client = TlsClient(sock, client_context(None, version))
        await client.handshake()
        return client, tunnel

    async def open_tls_tunnel(self, upstream: LoopUpstream) -> tuple[TlsClient, socket.socket, Tunnel]:
        """Establish a tunnel inside TLS to the gate. Returns the client, the upstream's socket, and the tunnel."""
        client, tunnel = await self.connect_tls()
        await client.send(self.connect)
        far = await upstream.accept()
        assert await client.receive(len(ESTABLISHED)) == ESTABLISHED
        return client, far, tunnel

    async def last_record(self, count: int = 1) -> TunnelRecord:
        """Wait for exactly `count` final records and return the last."""
        await until(lambda: len(self.final_records) >= count)
        assert len(self.final_records) == count
        return self.final_records[-1]

    @property
    def final_records(self) -> Sequence[TunnelRecord]:
        """The records of ended connections."""
        return [record for record in self.records if record.event == "end"]

    async def resolve(self, name: str) -> None:
        """Put a name into the resolver's cache."""
        self.resolver.look_up(name, CLIENT, lambda answer: None)
        await until(lambda: not self.resolver._shares.taken)

    def sweep(self, later: float) -> None:
        """Run the gate's sweep as if it were `later` seconds from now: twice, because relays in use begin again."""
        for _ in range(2):
            for owner, deadline in self.context.deadlines.sweep(time.monotonic() + later):
                self.poller.run(owner, owner.deadline_passed, deadline)
        self.poller.finish_batch()

    async def assert_nothing_left(self) -> None:
        """Assert that no tunnel, count, deadline, look-up or watched descriptor is left."""
        context = self.context
        await until(lambda: not self.resolver._shares.taken)
        await until(lambda: not context.password_checks)
        await turns(5)
        assert not context.connections
        assert context.counter.tunnels == 0
        assert not context.counter.by_client
        assert not context.waiting.total
        assert not context.strangers
        assert not context.too_fast
        assert not context.held
        assert not context.deadlines.in_use
        assert not self.poller._watched

    def close(self) -> None:
        """End the remaining connections."""
        for connection in list(self.context.connections):
            connection.stop()
        for client in self._clients:
            client.close()
        self.sweep(1e6)
        self.context.pipes.close()
        self.context.password_checks.close()


def resolves_to(*addresses: str) -> Callable[[str], Resolution]:
    """A resolver function that gives every name these addresses."""
    return lambda name: Resolved(addresses)


class BlockedLookup:
    """A resolver function that blocks until the test releases it."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def __call__(self, name: str) -> Resolution:
        self.released.wait(SECONDS)
        return Resolved(("127.0.0.1",))


@contextlib.contextmanager
def open_harness(
    port: int = 443,
    limits: Limits | None = None,
    ask: Callable[[str], Resolution] | None = None,
    *,
    checks: TunnelChecks = UNCHECKED,
    identity: ServerIdentity | None = None,
) -> Iterator[TunnelHarness]:
    """A harness in the running loop that allows HOST on this port."""
    in_force = one_target_snapshot(limits or Limits(), port, checks, identity)
    with (
        counting_poller() as poller,
        contextlib.closing(TunnelHarness(poller, port, in_force, ask or resolves_to("127.0.0.1"))) as made,
    ):
        yield made


@contextlib.contextmanager
def open_harness_with_upstream(
    limits: Limits | None = None,
    ask: Callable[[str], Resolution] | None = None,
    *,
    checks: TunnelChecks = UNCHECKED,
    identity: ServerIdentity | None = None,
) -> Iterator[tuple[TunnelHarness, LoopUpstream]]:
    """A harness and the upstream that its target leads to."""
    with (
        contextlib.closing(LoopUpstream()) as upstream,
        open_harness(upstream.port, limits, ask, checks=checks, identity=identity) as made,
    ):
        yield made, upstream


async def read_status(client: socket.socket) -> str:
    """Read to the end of the connection. Returns the status line's code and outcome."""
    answer = await receive(client)
    return answer.partition(b"\r\n")[0].decode().removeprefix("HTTP/1.1 ").partition(":")[0]
