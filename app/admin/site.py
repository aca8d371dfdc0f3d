"""The admin site: metrics, health and pages of a running gate, and the server that shows them."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Final

import msgspec

from licensegate.app.observers.counters import Counters
from licensegate.app.observers.metrics import CONTENT_TYPE, Metrics
from licensegate.app.observers.recent import Clients, Refusals
from licensegate.app.observers.registry import Observers
from licensegate.app.observers.target_health import TargetHealth
from licensegate.app.settings import Admin
from licensegate.proxy.gate import Gate
from licensegate.proxy.net.listener import ListenError, bind
from licensegate.proxy.settings import ListenAddress

from .access import Access, read_token
from .health import Health
from .pages import clients_page, index_page, refusals_page, tunnels_page
from .server import AdminServer, Page, Pages
from .upstreams import Upstreams

_JSON: Final = "application/json"
_HTML: Final = "text/html; charset=utf-8"

_log = logging.getLogger(__name__)


class AdminSite:
    """Shows a gate as `adopting` says. `dropped` counts each log's lost lines, by name."""

    def __init__(self, gate: Gate, observers: Observers, dropped: Mapping[str, Callable[[], int]]) -> None:
        observers.start_admin(gate)
        target_health = observers.get(TargetHealth)
        self._gate = gate
        self._version = version("licensegate")
        self._refusals = observers.get(Refusals)
        self._clients = observers.get(Clients)
        self._metrics = Metrics(self._version, gate, observers.get(Counters), target_health, dropped)
        self._upstreams = Upstreams(observers.targets, target_health, gate.probe)
        self._health = Health(gate, self._upstreams)
        self._server = AdminServer(Access(()), self._pages())
        self._listen: ListenAddress | None = None  # as it was set
        self._bound: tuple[str, int] | None = None
        self._probing: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def adopting(self, admin: Admin, probe_seconds: int | None) -> Iterator[None]:
        """Go by these settings from now on, unless the block raises; the same address keeps its socket.

        Raises SettingsError for the token, and ListenError for an address that the operator named; the packaged one is
        left out with a line.
        """
        access = Access(admin.networks, read_token(admin.token_file) if admin.token_file else "")
        keeps = self._bound is not None and admin.listen == self._listen
        sock = None if keeps or admin.listen is None else _bind(admin.listen)
        try:
            yield
        except BaseException:
            if sock is not None:
                sock.close()
            raise
        self._server.access = access
        self._health.ready_needs_upstream = admin.ready_needs_upstream
        if not keeps:
            self._serve(sock)
            self._listen = admin.listen
        self._probe(probe_seconds)

    async def stop(self) -> None:
        """Show nothing any more."""
        self._probe(None)
        await self._server.stop()

    def _serve(self, sock: socket.socket | None) -> None:
        if self._bound is not None:
            self._gate.loop_guard.remove(*self._bound)
        self._server.serve(sock)
        self._bound = None if sock is None else sock.getsockname()[:2]
        if self._bound is not None:
            self._gate.loop_guard.add(*self._bound)
            _log.info("metrics and health on http://%s/", ListenAddress(*self._bound))

    def _probe(self, every: int | None) -> None:
        if self._probing is not None:
            self._probing.cancel()
        self._probing = None if every is None else asyncio.create_task(self._upstreams.keep_looking(every))

    def _pages(self) -> Pages:
        gate, health = self._gate, self._health

        async def metrics() -> Page:
            return Page(200, CONTENT_TYPE, self._metrics.text())

        async def index() -> Page:
            return Page(200, _HTML, index_page(self._version).encode())

        async def healthz() -> Page:
            return _json(*await health.alive())

        async def readyz() -> Page:
            return _json(*await health.ready())

        async def upstreamz() -> Page:
            return _json(*await health.reaches())

        async def tunnels() -> Page:
            return _json(200, tunnels_page(gate))

        async def refusals() -> Page:
            return _json(200, refusals_page(self._refusals))

        async def clients() -> Page:
            return _json(200, clients_page(self._clients))

        return {
            "/": index,
            "/metrics": metrics,
            "/healthz": healthz,
            "/readyz": readyz,
            "/upstreamz": upstreamz,
            "/tunnels": tunnels,
            "/refusals": refusals,
            "/clients": clients,
        }


def _bind(address: ListenAddress) -> socket.socket | None:
    """A listening socket; None where it is the packaged address that cannot be had. Raises ListenError."""
    try:
        return bind(address)
    except ListenError as error:
        if address.named:
            raise
        _log.warning("%s (the default of admin.listen, left out: nobody can watch this gate)", error)
        return None


def _json(status: int, body: msgspec.Struct) -> Page:
    return Page(status, _JSON, msgspec.json.encode(body) + b"\n")
