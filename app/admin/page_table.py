"""The table of admin pages: routes, access, the index and the list in a 404 come from it.

To add a page, write a handler and add a row to PAGES.
"""

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from licensegate.app.observers.metrics import CONTENT_TYPE, Metrics
from licensegate.app.observers.recent import Clients, Refusals
from licensegate.proxy.gate import Gate

from .access import Audience
from .health import Health
from .page import Page, PageResult
from .pages import clients_page, index_page, refusals_page, tunnels_page

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest

_JSON: Final = "application/json"
_HTML: Final = "text/html; charset=utf-8"


class PageSources(Struct, frozen=True):
    """Where the handlers read what they show."""

    version: str
    gate: Gate
    metrics: Metrics
    health: Health
    refusals: Refusals
    clients: Clients


async def _index(sources: PageSources, request: "BaseRequest") -> PageResult:
    links = {page.path: page.purpose for page in PAGES if page.path != request.path}
    return 200, index_page(sources.version, links).encode()


async def _metrics(sources: PageSources, _: "BaseRequest") -> PageResult:
    return 200, sources.metrics.text()


async def _healthz(sources: PageSources, _: "BaseRequest") -> PageResult:
    return sources.health.healthz()


async def _readyz(sources: PageSources, _: "BaseRequest") -> PageResult:
    return await sources.health.readyz()


async def _upstreamz(sources: PageSources, _: "BaseRequest") -> PageResult:
    return await sources.health.upstreamz()


async def _tunnels(sources: PageSources, _: "BaseRequest") -> PageResult:
    return 200, tunnels_page(sources.gate)


async def _refusals(sources: PageSources, _: "BaseRequest") -> PageResult:
    return 200, refusals_page(sources.refusals)


async def _clients(sources: PageSources, _: "BaseRequest") -> PageResult:
    return 200, clients_page(sources.clients)


PAGES: Final = (
    Page("/", Audience.TRUSTED, _HTML, _index, "this index"),
    Page("/metrics", Audience.OPEN, CONTENT_TYPE, _metrics, "the metrics, for Prometheus"),
    Page("/healthz", Audience.OPEN, _JSON, _healthz, "is the process alive?"),
    Page("/readyz", Audience.OPEN, _JSON, _readyz, "does it accept clients?"),
    Page("/upstreamz", Audience.OPEN, _JSON, _upstreamz, "can the targets be reached? May dial them"),
    Page("/tunnels", Audience.TRUSTED, _JSON, _tunnels, "the open connections"),
    Page("/refusals", Audience.TRUSTED, _JSON, _refusals, "the last connections without a tunnel, with remedies"),
    Page("/clients", Audience.TRUSTED, _JSON, _clients, "the most recent clients and their programs"),
)
