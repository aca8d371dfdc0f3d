"""The gate: its listeners and tunnels, the sweep over their deadlines, and the records for the observers."""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.diagnosis.diagnosis import Diagnosis
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord, open_record

from .dial.dialer import Dialer, TargetDialer
from .dial.loop_guard import LoopGuard
from .dial.resolver import Resolver
from .dial.settings import DialSettings, DnsSettings
from .net.heap import give_back_memory
from .net.listener import Listener, ListenError, bind, family_of
from .net.poller import Poller
from .parent.selector import ParentSelector
from .parent.settings import ParentSettings
from .protocol.snapshot import Snapshot
from .settings import ListenAddress
from .tunnel.context import ClientConnection, TunnelContext
from .tunnel.invitation import PROBE_CLIENT, Invitation
from .tunnel.probe import Probe
from .tunnel.tunnel import Tunnel

Observe = Callable[[Sequence[TunnelRecord]], None]
"""Takes the finished records of one batch."""

Bind = Callable[[ListenAddress, Iterable[socket.socket]], socket.socket]
"""Returns a listening socket. The second argument are sockets of the program that close next. Raises ListenError."""

_log = logging.getLogger(__name__)


class Gate:
    """Serves clients from `listen` to `close`. Calls each of `observers` once per batch, with the finished records.

    No tunnel may lead to an address in `loop_guard`: those of the listeners, and what else the program serves on.
    `bind` makes the sockets of the listeners.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        dial: DialSettings,
        dns: DnsSettings,
        parents: ParentSettings,
        observers: Iterable[Observe] = (),
        bind: Bind = bind,
    ) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self._bind_address = bind
        self.diagnosis = Diagnosis()
        self._observers = [self.diagnosis.observe, *observers]  # first: the others read its findings
        self._finished: list[TunnelRecord] = []
        self.draining = False
        """Whether the gate takes no more clients because it stops."""
        self._drained = asyncio.Event()
        self.loop_guard = LoopGuard()
        self._poller = Poller(loop, self._observe)
        self._resolver = Resolver(loop, dns, self._poller.finish_batch)
        self._parent_selector: ParentSelector | None = None
        self._context = TunnelContext(
            snapshot, self._poller, self._dialer(dial, parents), self._finished.append, self.diagnosis.explain
        )
        self._sweep_timer = loop.call_later(1, self._sweep)
        self.listeners: list[Listener] = []
        self._snapshots: dict[Listener, Snapshot] = {}  # the snapshot in force, with each listener's login schemes

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot for connections that begin now."""
        return self._context.snapshot

    def adopt(self, snapshot: Snapshot) -> None:
        """Use this snapshot for all that is not decided yet. A tunnel keeps the one that allowed it."""
        self._context.adopt(snapshot)
        self._bind_snapshots()
        for connection in self._context.connections:
            conversation = connection.conversation
            if conversation.granted is None and conversation.record.event != "probe":
                conversation.adopt(self.snapshot_for(conversation.record.listener))

    def snapshot_for(self, listener: str) -> Snapshot:
        """The snapshot in force at the listener of this name, which may have been closed."""
        return next((own for one, own in self._snapshots.items() if one.name == listener), self.snapshot)

    def add_observer(self, observe: Observe) -> None:
        """Call `observe` with the records that finish from now on."""
        self._observers.append(observe)

    def dial_by(self, dial: DialSettings, dns: DnsSettings, parents: ParentSettings) -> None:
        """Dial with these settings from now on. The resolver keeps its cache."""
        self._resolver.settings = dns
        self._context.dialer = self._dialer(dial, parents)

    def _dialer(self, dial: DialSettings, parents: ParentSettings) -> TargetDialer:
        dialer = Dialer(self._loop, self._poller, self._resolver, self.loop_guard, dial)
        self._parent_selector = ParentSelector(dialer, parents, self._parent_selector) if parents.proxies else None
        return self._parent_selector or dialer

    def listen(self, addresses: Sequence[ListenAddress], leaving: Iterable[socket.socket] = ()) -> None:
        """Listen on exactly these addresses. A socket that serves one of them already is kept.

        Raises ListenError, and changes nothing, if an address that the operator named cannot be used. A default
        address is left out with a warning, but not if it takes the place of one that serves now. `leaving` are other
        listening sockets of the program that close next.
        """
        kept, left, new = self._sorted(addresses)
        bound = self._bind(new, [one.sock for one in left], leaving)
        if not kept and not bound:
            raise ListenError("no address is left to listen on: all of them were left out")
        for listener in left:
            listener.accept_waiting()
            self.loop_guard.remove(listener.host, listener.port)
            listener.close()
        self._poller.finish_batch()
        for listener, address in kept.items():
            listener.address = address
        self.listeners = list(kept)
        for address, sock in bound:
            listener = Listener(self._loop, self._poller, address, sock, self._accept)
            self.loop_guard.add(listener.host, listener.port)
            self.listeners.append(listener)
        self._bind_snapshots()

    def left_by(self, addresses: Sequence[ListenAddress]) -> list[socket.socket]:
        """Return the listening sockets that `listen` would close for these addresses."""
        return [listener.sock for listener in self._sorted(addresses)[1]]

    def _sorted(
        self, addresses: Sequence[ListenAddress]
    ) -> tuple[dict[Listener, ListenAddress], list[Listener], list[ListenAddress]]:
        """Return the listeners that stay, each with its new settings, the ones to close, and the addresses to bind."""
        kept: dict[Listener, ListenAddress] = {}
        new = []
        for address in addresses:
            serving = next((one for one in self.listeners if one not in kept and one.serves(address)), None)
            if serving is None:
                new.append(address)
            else:
                kept[serving] = address
        return kept, [one for one in self.listeners if one not in kept], new

    def _bind_snapshots(self) -> None:
        listeners = self.listeners or self._snapshots  # once all are closed, their connections still have them
        self._snapshots = {one: self.snapshot.for_listener(one.address.schemes) for one in listeners}

    def _bind(
        self, addresses: Iterable[ListenAddress], left: Sequence[socket.socket], leaving: Iterable[socket.socket]
    ) -> list[tuple[ListenAddress, socket.socket]]:
        bound: list[tuple[ListenAddress, socket.socket]] = []
        served = {(sock.family, sock.getsockname()[1]) for sock in left}
        for address in addresses:
            try:
                bound.append((address, self._bind_address(address, (*left, *leaving))))
            except ListenError as error:
                if address.named or (family_of(address), address.port) in served:
                    for _, sock in bound:
                        sock.close()
                    raise
                _log.warning("%s (a default listener, left out)", error)
        return bound

    def _accept(self, listener: Listener, sock: socket.SocketType, client: str, port: int) -> None:
        record = open_record(client, port, listener.name)
        snapshot, behind_balancer = self._snapshots[listener], listener.is_balancer(client)
        tunnel = Tunnel(self._context, snapshot, sock, record, behind_balancer=behind_balancer)
        self._poller.run(tunnel, tunnel.begin)

    def pause_accepting(self) -> None:
        """Accept no client until `resume_accepting`. They wait in the kernel's queue."""
        for listener in self.listeners:
            listener.pause()

    def resume_accepting(self) -> None:
        """Accept clients again."""
        for listener in self.listeners:
            listener.resume()

    def accept_waiting(self) -> None:
        """Accept the clients that wait in the kernel's queues: `stop_accepting` would reset them."""
        for listener in self.listeners:
            listener.accept_waiting()

    def stop_accepting(self, *, serve_accepted: bool = False) -> None:
        """Close the listeners. Requests on open connections are refused from now on, unless `serve_accepted`."""
        self.draining = True
        self._context.counter.draining = not serve_accepted
        self._stop_listening()
        self._poller.finish_batch()

    async def drain(self, seconds: float) -> int:
        """Stop accepting, wait `seconds` for open tunnels, then cut them. Returns how many were cut."""
        if not self.draining:
            self.stop_accepting()
        if self._context.connections:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._drained.wait(), seconds)
        return self.cut()

    def _stop_listening(self) -> None:
        while self.listeners:
            self.listeners.pop().close()

    def cut(self) -> int:
        """End every open connection. Returns how many established tunnels were cut."""
        for connection in list(self._context.connections):
            self._poller.run(connection, connection.stop)
        tunnels = sum(record.outcome is Outcome.CUT_BY_STOP for record in self._finished)
        self._poller.finish_batch()
        return tunnels

    def end(self, connection: ClientConnection, outcome: Outcome, detail: str) -> None:
        """End one open connection, and pass its record on."""
        self._poller.run(connection, connection.withdraw, outcome, detail)
        self._poller.finish_batch()

    def close(self) -> None:
        """Stop for good, and cut what is open."""
        self._stop_listening()
        self.cut()
        self._sweep_timer.cancel()
        self._context.pipes.close()
        self._context.password_checks.close()
        self._poller.stop()

    @property
    def connections(self) -> Collection[ClientConnection]:
        """The open client connections."""
        return self._context.connections

    @property
    def waiting(self) -> int:
        """The number of open connections without a complete request."""
        return self._context.waiting.total

    @property
    def look_ups(self) -> Mapping[Outcome | None, int]:
        """Queries to the system's resolver, by outcome; None counts those that were answered."""
        return self._resolver.results

    def probe(self, target: Target, rule: Rule) -> "asyncio.Future[TunnelRecord]":
        """Dial a target that `rule` allows, as for a tunnel, and hang up. Observers get the record first."""
        result: asyncio.Future[TunnelRecord] = self._loop.create_future()

        def publish(record: TunnelRecord) -> None:
            self._context.publish(record)
            if not result.done():  # the caller may have given up
                result.set_result(record)

        probe = Probe(self._context, target, rule, publish)
        self._poller.run(probe, probe.begin)
        self._poller.finish_batch()
        return result

    def invite(self, target: Target, rule: Rule) -> Invitation:
        """Open a connection for the probe process, for one tunnel to a target that `rule` allows."""
        return Invitation(self._context, self.snapshot.for_probe(PROBE_CLIENT, target, rule))

    def withdraw(self, invitation: Invitation) -> None:
        """End an invitation; a tunnel that came of it ends when the probe process does."""
        invitation.withdraw()
        self._poller.finish_batch()

    def learn_tickets(self, target: str, lengths: Iterable[int]) -> None:
        """Note the lengths of the session tickets that a handshake of TLS 1.3 with this target showed, if any."""
        self._context.tickets.learn(target, frozenset(lengths))

    def _sweep(self) -> None:
        """Once a second: end connections that are late, and give back memory after a flood."""
        self._sweep_timer = self._loop.call_later(1, self._sweep)  # first, or one fault would stop all deadlines
        for owner, deadline in self._context.late(time.monotonic()):
            self._poller.run(owner, owner.deadline_passed, deadline)
        self._poller.finish_batch()
        if self._context.held.has_shrunk():
            give_back_memory()

    def _observe(self) -> None:
        """End a batch: pass the finished records to each observer."""
        finished = self._finished
        if finished:
            for observe in self._observers:
                try:
                    observe(finished)
                except Exception:
                    _log.exception("a fault in the gate kept %d records from an observer", len(finished))
            finished.clear()
            if self.draining and not self._context.connections:
                self._drained.set()
