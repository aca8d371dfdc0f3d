"""Everything by which a running gate is watched, put together: observers, metrics, health, pages, and their server."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Final

import msgspec

from licensegate.app.observers.metrics import CONTENT_TYPE, Metrics
from licensegate.app.observers.reached import Reached
from licensegate.app.observers.recent import Clients, Refusals
from licensegate.app.observers.tally import Tally
from licensegate.app.observers.targets import Targets
from licensegate.app.settings import Settings
from licensegate.proxy.gate import Gate
from licensegate.proxy.settings import ListenAddress

from .access import Access, read_token
from .health import Health
from .pages import clients_page, index_page, refusals_page, tunnels_page
from .server import AdminServer, Page, Pages
from .upstreams import Upstreams

_JSON: Final = "application/json"
_HTML: Final = "text/html; charset=utf-8"


class Watch:
    """Watches a gate from now until `stop`. `dropped` counts the lines that each log has lost, by the log's name.

    Raises ListenError, and SettingsError for a token that cannot be used.
    """

    def __init__(
        self, gate: Gate, listen: ListenAddress, settings: Settings, dropped: Mapping[str, Callable[[], int]]
    ) -> None:
        admin = settings.admin
        token = read_token(admin.token_file) if admin.token_file else ""
        targets = Targets(lambda: gate.snapshot.policy)
        self._gate = gate
        self._refusals = Refusals()
        self._clients = Clients()
        tally, reached = Tally(targets), Reached(targets)
        self._version = version("licensegate")
        self._metrics = Metrics(self._version, gate, tally, reached, dropped)
        upstreams = Upstreams(targets, reached, gate.probe)
        self._health = Health(gate, upstreams, ready_needs_upstream=admin.ready_needs_upstream)
        self.server = AdminServer(listen, Access(admin.networks, token), self._pages())
        gate.add_own_socket(self.server.host, self.server.port)
        for observer in (tally, reached, self._refusals, self._clients):
            gate.add_observer(observer.observe)
        self._probing: asyncio.Task[None] | None = None
        if settings.probe_seconds is not None:
            self._probing = asyncio.create_task(upstreams.keep_looking(settings.probe_seconds))

    async def stop(self) -> None:
        """Watch no longer."""
        if self._probing is not None:
            self._probing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._probing
        await self.server.stop()

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


def _json(status: int, body: msgspec.Struct) -> Page:
    return Page(status, _JSON, msgspec.json.encode(body) + b"\n")
