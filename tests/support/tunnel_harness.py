"""The gate's own parts, set up within a test's event loop."""

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
"""The one host that the policy of a `Room` allows."""

UNCHECKED = TunnelChecks(require_tls=False, match_server_name=False)
"""Whatever a client says, it may say it in its tunnel, and nobody waits for it."""

HELLO = in_records(hello_message(server_name_extension(HOST.encode())))
"""A ClientHello for HOST, as far as the gate reads one."""

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
SPIN_LIMIT = 3
"""More wake-ups than this in hundreds of turns of the event loop are a spin."""


class CountingPoller(Poller):
    """A poller that counts its wake-ups."""

    def __init__(self, loop: asyncio.AbstractEventLoop, batch_done: Callable[[], None]) -> None:
        self.wake_ups = 0
        super().__init__(loop, batch_done)

    def _run_batch(self) -> None:
        self.wake_ups += 1
        super()._run_batch()

    async def idle_wake_ups(self) -> int:
        """How often it is woken while nobody does anything."""
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
    """What is in force: only HOST on this port is allowed, wherever it leads; clients are the usual ones."""
    policy = Policy([], [Rule(HOST, port, private=True)], {})
    return Snapshot(ClientNetworks(DEFAULT_NETWORKS), policy, limits, ChecksByClient(checks), identity)


def connect_head(port: int) -> bytes:
    """The head that asks for HOST on this port."""
    return f"CONNECT {HOST}:{port} HTTP/1.1\r\n\r\n".encode()


class LoopUpstream:
    """A server within the loop, in place of HOST."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self.accepted: list[socket.socket] = []

    async def accept(self) -> socket.socket:
        """The next connection."""
        sock, _ = await asyncio.get_running_loop().sock_accept(self._listener)
        sock.setblocking(False)
        self.accepted.append(sock)
        return sock

    def close(self) -> None:
        """Close it and all that it has accepted."""
        for sock in (self._listener, *self.accepted):
            sock.close()


class TunnelHarness:
    """What tunnels need around them, and the records that come out. HOST is what `ask` says, by default this host."""

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
        """A client with this address, or a balancer, that has sent this before it was accepted, and its tunnel."""
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
        """Both ends of a tunnel that has just been established."""
        client, tunnel = self.accept(self.connect)
        far = await upstream.accept()
        assert await receive(client, len(ESTABLISHED)) == ESTABLISHED
        return client, far, tunnel

    async def connect_tls(self, version: ssl.TLSVersion | None = None) -> tuple[TlsClient, Tunnel]:
        """A client that has just shaken hands with the gate, and its tunnel to be."""
        sock, tunnel = self.accept()
        client = TlsClient(sock, client_context(None, version))
        await client.handshake()
        return client, tunnel

    async def open_tls_tunnel(self, upstream: LoopUpstream) -> tuple[TlsClient, socket.socket, Tunnel]:
        """Both ends of a tunnel that has just been established, the client's inside TLS to the gate."""
        client, tunnel = await self.connect_tls()
        await client.send(self.connect)
        far = await upstream.accept()
        assert await client.receive(len(ESTABLISHED)) == ESTABLISHED
        return client, far, tunnel

    async def last_record(self, count: int = 1) -> TunnelRecord:
        """The last of so many final records, once they are there."""
        await until(lambda: len(self.final_records) >= count)
        assert len(self.final_records) == count
        return self.final_records[-1]

    @property
    def final_records(self) -> Sequence[TunnelRecord]:
        """The records of what has ended."""
        return [record for record in self.records if record.event == "end"]

    async def resolve(self, name: str) -> None:
        """Have the resolver know a name."""
        self.resolver.look_up(name, CLIENT, lambda answer: None)
        await until(lambda: not self.resolver._shares.taken)

    def sweep(self, later: float) -> None:
        """Do what the gate's sweep does, so many seconds from now."""
        for owner, deadline in self.context.deadlines.sweep(time.monotonic() + later):
            self.poller.run(owner, owner.deadline_passed, deadline)
        self.poller.finish_batch()

    async def assert_nothing_left(self) -> None:
        """No tunnel, count, deadline, look-up, pipe or watched descriptor outlives its connection."""
        context = self.context
        await until(lambda: not self.resolver._shares.taken)
        await until(lambda: not context.password_checks)
        await turns(5)
        assert not context.connections
        assert context.counter.tunnels == 0
        assert not context.counter.by_client
        assert not context.waiting
        assert not context.strangers
        assert not context.deadlines.in_use
        assert not self.poller._owners

    def close(self) -> None:
        """End what is left."""
        for connection in list(self.context.connections):
            connection.stop()
        for client in self._clients:
            client.close()
        self.sweep(1e6)
        self.context.pipes.close()
        self.context.password_checks.close()


def resolves_to(*addresses: str) -> Callable[[str], Resolution]:
    """A resolver's answer to whatever it is asked."""
    return lambda name: Resolved(addresses)


class BlockedLookup:
    """A resolver that answers when it is told to."""

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
    """A room within the running loop, whose one target is HOST on this port."""
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
    """A room whose target is a server in the test's hands."""
    with (
        contextlib.closing(LoopUpstream()) as upstream,
        open_harness(upstream.port, limits, ask, checks=checks, identity=identity) as made,
    ):
        yield made, upstream


async def read_status(client: socket.socket) -> str:
    """What the gate answered, its status and the outcome's name, read to the end of the connection."""
    answer = await receive(client)
    return answer.partition(b"\r\n")[0].decode().removeprefix("HTTP/1.1 ").partition(":")[0]
