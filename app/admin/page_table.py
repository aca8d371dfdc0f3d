"""The table of admin pages: routes, access, the index and the list in a 404 come from it.

To add a page, write a handler and add a row to PAGES.
"""

from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from licensegate.app.observers.metrics import CONTENT_TYPE, Metrics
from licensegate.app.observers.recent import Clients, Refusals
from licensegate.proxy.gate import Gate

from .access import Audience
from .health import Health
from .page import Page, PageResult
from .pages import clients_page, index_page, refusals_page, tunnels_page

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


async def _index(sources: PageSources) -> PageResult:
    links = {page.path: page.purpose for page in PAGES if page.handler is not _index}
    return 200, index_page(sources.version, links).encode()


async def _metrics(sources: PageSources) -> PageResult:
    return 200, sources.metrics.pieces()


async def _healthz(sources: PageSources) -> PageResult:
    return sources.health.healthz()


async def _readyz(sources: PageSources) -> PageResult:
    return await sources.health.readyz()


async def _upstreamz(sources: PageSources) -> PageResult:
    return await sources.health.upstreamz()


async def _tunnels(sources: PageSources) -> PageResult:
    return 200, tunnels_page(sources.gate)


async def _refusals(sources: PageSources) -> PageResult:
    return 200, refusals_page(sources.refusals, sources.gate.diagnosis)


async def _clients(sources: PageSources) -> PageResult:
    return 200, clients_page(sources.clients, sources.gate.diagnosis, datetime.now(UTC))


PAGES: Final = (
    Page("/", Audience.TRUSTED, _HTML, _index, "this index"),
    Page("/metrics", Audience.OPEN, CONTENT_TYPE, _metrics, "the metrics, for Prometheus", is_shared=True),
    Page("/healthz", Audience.OPEN, _JSON, _healthz, "is the process alive?"),
    Page("/readyz", Audience.OPEN, _JSON, _readyz, "does it accept clients?"),
    Page("/upstreamz", Audience.OPEN, _JSON, _upstreamz, "can the targets be reached? May dial them"),
    Page("/tunnels", Audience.TRUSTED, _JSON, _tunnels, "the open connections", is_shared=True),
    Page(
        "/refusals",
        Audience.TRUSTED,
        _JSON,
        _refusals,
        "the last connections that failed, each with its cause and remedy",
        is_shared=True,
    ),
    Page("/clients", Audience.TRUSTED, _JSON, _clients, "the most recent clients and their programs", is_shared=True),
)
