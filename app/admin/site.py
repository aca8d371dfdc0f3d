"""The admin site: metrics, health and pages of a running gate, and the server that shows them."""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from licensegate.app.observers.change_log import ChangeLog
from licensegate.app.observers.client_metrics import ClientStandings
from licensegate.app.observers.counters import Counters
from licensegate.app.observers.ledger import Ledger
from licensegate.app.observers.metrics import Metrics
from licensegate.app.observers.product_metrics import ProductAsks
from licensegate.app.observers.registry import Observers
from licensegate.app.observers.target_health import TargetHealth
from licensegate.app.observers.target_reports import TargetReports
from licensegate.app.overview.upstreams import Upstreams
from licensegate.app.overview.view import GateView
from licensegate.app.settings import Admin
from licensegate.app.version import full_version, revision, version
from licensegate.products.poller import ProductPoller
from licensegate.proxy.gate import Bind, Gate
from licensegate.proxy.net.listener import ListenError, bind
from licensegate.proxy.settings import ListenAddress

from .access import Access
from .health import Health
from .page_table import PAGES
from .refused_forms import RefusedForms
from .screens import refusal
from .server import AdminServer
from .sessions import Sessions
from .sources import EndTunnel, PageSources

_log = logging.getLogger(__name__)


class AdminSite:
    """Shows a gate as `adopting` says.

    `losses` returns each log's number of lost lines by reason, by the log's name. `reports` are the looks at targets
    and `upstreams` whether each is reached, `view` is what people see, `products` are those that the gate asks itself,
    `changes` takes note of what people do, `end_tunnel` ends an open connection. `bind` makes the listening socket.
    """

    def __init__(
        self,
        gate: Gate,
        observers: Observers,
        losses: Mapping[str, Callable[[], Mapping[str, int]]],
        reports: TargetReports,
        upstreams: Upstreams,
        view: GateView,
        products: ProductPoller,
        changes: ChangeLog,
        end_tunnel: EndTunnel,
        bind: Bind = bind,
    ) -> None:
        self._bind_address = bind
        target_health = observers.get(TargetHealth)
        self._gate = gate
        self._upstreams = upstreams
        self._health = Health(gate, self._upstreams)
        clients = ClientStandings(observers.get(Ledger))
        asks = ProductAsks(products, clients)
        self._sessions = Sessions()
        sources = PageSources(
            full_version(),
            Metrics(
                version(), revision(), gate, observers.get(Counters), target_health, losses, reports, clients, asks
            ),
            self._health,
            view,
            observers.get(Ledger).desk,
            self._sessions,
            changes,
            end_tunnel,
        )
        refused = RefusedForms(changes).write
        self._server = AdminServer(Access(()), PAGES, sources, self._sessions, refusal, refused)
        self._listen: ListenAddress | None = None  # as it was set
        self._speaks_tls = False
        self._bound: tuple[str, int] | None = None
        self._socket: socket.socket | None = None
        self._probing: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """The address that the server listens on; empty if it does not."""
        return "" if self._bound is None else str(ListenAddress(*self._bound))

    @property
    def sock(self) -> socket.socket | None:
        """The listening socket; None without one."""
        return self._socket

    @contextlib.contextmanager
    def adopting(
        self, admin: Admin, token: str, probe_seconds: int | None, leaving: Sequence[socket.socket] = ()
    ) -> Iterator[list[socket.socket]]:
        """Use these settings once the block has ended without an error. The same address keeps its socket.

        `token` is the one in `admin.token_file`, `leaving` are listening sockets of the gate that close in the block.
        Yields the sockets that close after it. Raises ListenError for an address that the operator named, and for any
        if the server would be lost; a default address that cannot be bound at the start is skipped with a warning.
        """
        access = Access(admin.networks, token)
        keeps = self._bound is not None and admin.listen == self._listen
        old = [] if keeps or self._socket is None else [self._socket]
        sock = None if keeps or admin.listen is None else self._bind(admin.listen, (*old, *leaving), must=bool(old))
        try:
            yield old
        except BaseException:
            if sock is not None:
                sock.close()
            raise
        self._server.access = access
        self._server.speak_tls(self._tls_context if admin.tls else None)
        self._sessions.adopt(token)
        self._health.ready_needs_upstream = admin.ready_needs_upstream
        if not keeps:
            self._serve(sock)
            self._listen = admin.listen
        if self._bound is not None and (not keeps or admin.tls is not self._speaks_tls):
            _log.info("pages, metrics and health on %s://%s/", "https" if admin.tls else "http", self.address)
        self._speaks_tls = admin.tls
        self._probe(probe_seconds)

    async def stop(self) -> None:
        """Stop probing, answer the requests in progress, and close the server."""
        self._probe(None)
        await self._server.stop()

    def _serve(self, sock: socket.socket | None) -> None:
        if self._bound is not None:
            self._gate.loop_guard.remove(*self._bound)
        self._server.serve(sock)
        self._socket = sock
        self._bound = None if sock is None else sock.getsockname()[:2]
        if self._bound is not None:
            self._gate.loop_guard.add(*self._bound)

    def _tls_context(self) -> ssl.SSLContext:
        """The context of the gate's own certificate in force."""
        identity = self._gate.snapshot.identity
        if identity is None:
            raise LookupError("the gate has no certificate")
        return identity.context

    def _bind(self, address: ListenAddress, leaving: Iterable[socket.socket], *, must: bool) -> socket.socket | None:
        """A listening socket; None if a default address cannot be bound.

        Raises ListenError for a named address, and for any that `must` be bound.
        """
        try:
            return self._bind_address(address, leaving)
        except ListenError as error:
            if address.named or must:
                raise
            _log.warning("%s (the default of admin.listen; the gate runs without an admin server)", error)
            return None

    def _probe(self, seconds: int | None) -> None:
        if self._probing is not None:
            self._probing.cancel()
        self._probing = None if seconds is None else asyncio.create_task(self._upstreams.keep_probing(seconds))
