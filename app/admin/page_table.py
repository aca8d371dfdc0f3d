"""The table of admin pages: routes, access, the list in a 404 and the tests come from it.

To add a page, write a handler and add a row to PAGES. A handler gets the sources and the request, and no socket.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from licensegate.app.observers.metrics import CONTENT_TYPE
from licensegate.records.change import ChangeKind

from . import actions, api, paths, screens
from .access import Audience
from .page import Page, PageAnswer, PageRequest
from .requests import NEXT
from .sources import PageSources

_JSON: Final = "application/json"
_HTML: Final = "text/html; charset=utf-8"
_CSS: Final = "text/css; charset=utf-8"
_SCRIPT: Final = "text/javascript; charset=utf-8"
_SVG: Final = "image/svg+xml"


async def _metrics(sources: PageSources, request: PageRequest) -> PageAnswer:
    return PageAnswer(sources.metrics.pieces())


async def _healthz(sources: PageSources, request: PageRequest) -> PageAnswer:
    return sources.health.healthz()


async def _readyz(sources: PageSources, request: PageRequest) -> PageAnswer:
    return await sources.health.readyz()


async def _upstreamz(sources: PageSources, request: PageRequest) -> PageAnswer:
    return await sources.health.upstreamz()


def _form(
    path: str,
    audience: Audience,
    handler: Callable[[PageSources, PageRequest], Awaitable[PageAnswer]],
    change: ChangeKind,
    purpose: str,
    most_bytes: int = actions.TOKEN_BYTES,
) -> Page[PageSources]:
    return Page(path, audience, _HTML, handler, purpose, method="POST", most_bytes=most_bytes, change=change)


_OPEN, _TRUSTED, _ANYBODY, _CHANGES = Audience.OPEN, Audience.TRUSTED, Audience.ANYBODY, Audience.CHANGES

_LIST: Final = ("page", screens.DONE)

PAGES: Final[tuple[Page[PageSources], ...]] = (
    # For people
    Page(paths.OVERVIEW, _TRUSTED, _HTML, screens.overview, "the gate at a glance", is_shared=True),
    Page(paths.CLIENTS, _TRUSTED, _HTML, screens.clients, "the clients, searched", ("q", "page"), is_shared=True),
    Page(paths.CLIENT, _TRUSTED, _HTML, screens.client, "one client", ("key", screens.DONE)),
    Page(paths.EVIDENCE, _TRUSTED, _HTML, screens.evidence, "a client's month, for an auditor", ("key", "month")),
    Page(paths.REFUSALS, _TRUSTED, _HTML, screens.refusals, "the last connections that failed", is_shared=True),
    Page(paths.TUNNELS, _TRUSTED, _HTML, screens.tunnels, "the open connections", _LIST, is_shared=True),
    Page(paths.SIGN_IN, _ANYBODY, _HTML, actions.sign_in_form, "the form to sign in with", (NEXT,)),
    # What people do
    _form(paths.SIGN_IN, _ANYBODY, actions.sign_in, ChangeKind.SIGN_IN, "sign in"),
    _form(paths.SIGN_OUT, _ANYBODY, actions.sign_out, ChangeKind.SIGN_OUT, "sign out"),
    _form(
        paths.KEEP_TEXT,
        _CHANGES,
        actions.keep_text,
        ChangeKind.CLIENT_TEXT,
        "keep a text of the product",
        actions.TEXT_BYTES,
    ),
    _form(paths.NAME_CLIENT, _CHANGES, actions.name_client, ChangeKind.CLIENT_NAME, "name a client"),
    _form(
        paths.RECORD_CONTACT, _CHANGES, actions.record_contact, ChangeKind.CLIENT_CONTACT, "record a contact by hand"
    ),
    _form(paths.END_TUNNEL, _CHANGES, actions.end_tunnel, ChangeKind.END, "end an open connection"),
    # For programs
    Page(paths.METRICS, _OPEN, CONTENT_TYPE, _metrics, "the metrics, for Prometheus", is_shared=True),
    Page(paths.HEALTHZ, _OPEN, _JSON, _healthz, "is the process alive?"),
    Page(paths.READYZ, _OPEN, _JSON, _readyz, "does it accept clients?"),
    Page(paths.UPSTREAMZ, _OPEN, _JSON, _upstreamz, "can the targets be reached? May dial them"),
    Page(paths.API_OVERVIEW, _TRUSTED, _JSON, api.overview, "the gate at a glance", is_shared=True),
    Page(paths.API_TARGETS, _TRUSTED, _JSON, api.targets, "reachability, certificate and clock", is_shared=True),
    Page(paths.API_CLIENTS, _TRUSTED, _JSON, api.clients, "the clients, searched", ("q", "page"), is_shared=True),
    Page(paths.API_CLIENT, _TRUSTED, _JSON, api.client, "one client", ("key",)),
    Page(paths.API_EVIDENCE, _TRUSTED, _JSON, api.evidence, "a client's month, for an auditor", ("key", "month")),
    Page(paths.API_REFUSALS, _TRUSTED, _JSON, api.refusals, "the last connections that failed", is_shared=True),
    Page(paths.API_TUNNELS, _TRUSTED, _JSON, api.tunnels, "the open connections", ("page",), is_shared=True),
    Page(paths.API_RULES, _TRUSTED, _JSON, api.rules, "the allowlist, and how often each rule applied", is_shared=True),
    Page(paths.API_CHANGES, _TRUSTED, _JSON, api.changes, "who changed what", ("page",), is_shared=True),
    # Beside the pages
    Page(paths.STYLE, _ANYBODY, _CSS, screens.file_beside_pages("style.css"), "the pages' style sheet"),
    Page(paths.SCRIPT, _ANYBODY, _SCRIPT, screens.file_beside_pages("refresh.js"), "the pages' script"),
    Page(paths.ICON, _ANYBODY, _SVG, screens.file_beside_pages("icon.svg"), "the pages' icon"),
)
