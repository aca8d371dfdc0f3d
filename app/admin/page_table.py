"""The table of admin pages: routes, access, the index and the list in a 404 come from it.

To add a page, write a handler and add a row to PAGES.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from licensegate.app.observers.metrics import CONTENT_TYPE, Metrics
from licensegate.app.observers.recent import Clients, Refusals
from licensegate.app.overview.identities import key_of
from licensegate.app.overview.view import GateView
from licensegate.language.language import N_
from licensegate.proxy.gate import Gate

from . import paths
from .access import Audience
from .health import Health
from .html import html_answer, static_file
from .page import Page, PageAnswer, PageRequest
from .pages import clients_page, refusals_page, tunnels_page
from .sessions import Sessions

_JSON: Final = "application/json"
_HTML: Final = "text/html; charset=utf-8"


NO_CLIENT: Final = N_("No such client, or the ledger cannot be read.")


class NoAnswer(Struct, frozen=True):
    """Why there is no answer, in the language of the request."""

    error: str


class PageSources(Struct, frozen=True):
    """Where the handlers read what they show."""

    version: str
    gate: Gate
    metrics: Metrics
    health: Health
    refusals: Refusals
    clients: Clients
    view: GateView
    sessions: Sessions


async def _overview(sources: PageSources, request: PageRequest) -> PageAnswer:
    return _html("overview.html", sources, request, overview=await sources.view.overview(request.language))


async def _metrics(sources: PageSources, request: PageRequest) -> PageAnswer:
    return PageAnswer(sources.metrics.pieces())


async def _healthz(sources: PageSources, request: PageRequest) -> PageAnswer:
    return sources.health.healthz()


async def _readyz(sources: PageSources, request: PageRequest) -> PageAnswer:
    return await sources.health.readyz()


async def _upstreamz(sources: PageSources, request: PageRequest) -> PageAnswer:
    return await sources.health.upstreamz()


async def _tunnels(sources: PageSources, request: PageRequest) -> PageAnswer:
    return PageAnswer(tunnels_page(sources.gate))


async def _refusals(sources: PageSources, request: PageRequest) -> PageAnswer:
    return PageAnswer(refusals_page(sources.refusals, sources.gate.diagnosis))


async def _clients(sources: PageSources, request: PageRequest) -> PageAnswer:
    return PageAnswer(clients_page(sources.clients, sources.gate.diagnosis, datetime.now(UTC)))


def _html(template: str, sources: PageSources, request: PageRequest, **shown: object) -> PageAnswer:
    return html_answer(template, request, sources.version, shown, can_sign_in=sources.sessions.has_token)


def _static(name: str) -> Callable[[PageSources, PageRequest], Awaitable[PageAnswer]]:
    async def answer(sources: PageSources, request: PageRequest) -> PageAnswer:
        return PageAnswer(static_file(name))

    return answer


async def _api_overview(sources: PageSources, request: PageRequest) -> PageAnswer:
    return PageAnswer(await sources.view.overview(request.language))


async def _api_targets(sources: PageSources, request: PageRequest) -> PageAnswer:
    return PageAnswer(await sources.view.targets(request.language))


async def _api_clients(sources: PageSources, request: PageRequest) -> PageAnswer:
    return PageAnswer(await sources.view.clients(request.language, request.query.get("q", ""), request.page))


async def _api_client(sources: PageSources, request: PageRequest) -> PageAnswer:
    key = key_of(request.query.get("key", ""))
    found = None if key is None else await sources.view.client(request.language, key)
    return _no_client(request) if found is None else PageAnswer(found)


async def _api_evidence(sources: PageSources, request: PageRequest) -> PageAnswer:
    key, month = key_of(request.query.get("key", "")), request.month
    found = None if key is None else await sources.view.evidence(request.language, key, month)
    return _no_client(request) if found is None else PageAnswer(found)


def _no_client(request: PageRequest) -> PageAnswer:
    return PageAnswer(NoAnswer(request.language.gettext(NO_CLIENT)), 404)


async def _api_refusals(sources: PageSources, request: PageRequest) -> PageAnswer:
    return PageAnswer(await sources.view.refusals(request.language))


async def _api_rules(sources: PageSources, request: PageRequest) -> PageAnswer:
    return PageAnswer(await sources.view.rules(request.language))


async def _api_tunnels(sources: PageSources, request: PageRequest) -> PageAnswer:
    return PageAnswer(await sources.view.tunnels(request.language, request.page))


_OPEN: Final = Audience.OPEN
_TRUSTED: Final = Audience.TRUSTED

PAGES: Final[tuple[Page[PageSources], ...]] = (
    Page(paths.OVERVIEW, _TRUSTED, _HTML, _overview, "everything in short, for people", is_shared=True),
    Page(paths.METRICS, _OPEN, CONTENT_TYPE, _metrics, "the metrics, for Prometheus", is_shared=True),
    Page(paths.HEALTHZ, _OPEN, _JSON, _healthz, "is the process alive?"),
    Page(paths.READYZ, _OPEN, _JSON, _readyz, "does it accept clients?"),
    Page(paths.UPSTREAMZ, _OPEN, _JSON, _upstreamz, "can the targets be reached? May dial them"),
    Page(paths.TUNNELS, _TRUSTED, _JSON, _tunnels, "the open connections", is_shared=True),
    Page(
        paths.REFUSALS,
        _TRUSTED,
        _JSON,
        _refusals,
        "the last connections that failed, each with its cause and remedy",
        is_shared=True,
    ),
    Page(paths.CLIENTS, _TRUSTED, _JSON, _clients, "the most recent clients and their programs", is_shared=True),
    Page("/static/style.css", _OPEN, "text/css; charset=utf-8", _static("style.css"), "the pages' style sheet"),
    Page("/static/refresh.js", _OPEN, "text/javascript; charset=utf-8", _static("refresh.js"), "the pages' script"),
    Page("/static/icon.svg", _OPEN, "image/svg+xml", _static("icon.svg"), "the pages' icon"),
    Page(paths.API_OVERVIEW, _TRUSTED, _JSON, _api_overview, "everything in short", is_shared=True),
    Page(
        paths.API_TARGETS,
        _TRUSTED,
        _JSON,
        _api_targets,
        "reachability, certificate and clock of each target",
        is_shared=True,
    ),
    Page(
        paths.API_CLIENTS,
        _TRUSTED,
        _JSON,
        _api_clients,
        "the clients, the most urgent first; ?q= searches, ?page= turns pages",
        ("q", "page"),
        is_shared=True,
    ),
    Page(
        paths.API_CLIENT,
        _TRUSTED,
        _JSON,
        _api_client,
        "everything of one client: ?key= is that of a client in the list",
        ("key",),
    ),
    Page(
        paths.API_EVIDENCE,
        _TRUSTED,
        _JSON,
        _api_evidence,
        "the contacts of one client in a month: ?key=, ?month=2026-11",
        ("key", "month"),
    ),
    Page(
        paths.API_REFUSALS,
        _TRUSTED,
        _JSON,
        _api_refusals,
        "the last connections that failed, each with its cause and remedy",
        is_shared=True,
    ),
    Page(
        paths.API_TUNNELS,
        _TRUSTED,
        _JSON,
        _api_tunnels,
        "the open connections, the oldest first; ?page= turns pages",
        ("page",),
        is_shared=True,
    ),
    Page(
        paths.API_RULES,
        _TRUSTED,
        _JSON,
        _api_rules,
        "the rules of the allowlist, and how often each applied",
        is_shared=True,
    ),
)
