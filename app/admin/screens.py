"""The pages for people: each shows a value of `app.overview` in a template (`html`)."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Final

from msgspec import structs

from licensegate.app.overview.identities import key_of
from licensegate.language.language import N_

from .api import NO_CLIENT
from .html import html_answer, static_file
from .page import PageAnswer, PageRequest
from .sources import PageSources

DONE: Final = "done"
"""The parameter of a page that says what a form of it has done."""

NOTICES: Final = {
    "text": N_("The text is kept beside the client."),
    "name": N_("The name is changed."),
    "contact": N_("The contact is written down."),
    "tunnel": N_("The connection is ended."),
}
"""What a form has done, by the value of DONE."""

_MONTHS: Final = 12
_NOT_FOUND: Final = N_("Not found")
_HEADINGS: Final = {401: N_("Not allowed"), 403: N_("Not allowed"), 404: _NOT_FOUND}
_OTHER_HEADING: Final = N_("That did not work")


def screen(
    template: str,
    sources: PageSources,
    request: PageRequest,
    *,
    status: int = 200,
    notice: str = "",
    failed: bool = False,
    **shown: object,
) -> PageAnswer:
    """A page with these values, and a notice above them, which is a message without its translation."""
    return html_answer(
        template,
        request,
        sources.version,
        shown,
        can_sign_in=sources.sessions.has_token,
        status=status,
        notice=notice,
        failed=failed,
    )


async def overview(sources: PageSources, request: PageRequest) -> PageAnswer:
    """The gate at a glance."""
    return screen("overview.html", sources, request, overview=await sources.view.overview(request.language))


async def tunnels(sources: PageSources, request: PageRequest) -> PageAnswer:
    """The open connections, after the end of one with what was done."""
    notice = NOTICES.get(request.query.get(DONE, ""), "")
    return await tunnels_screen(sources, request, notice=request.language.gettext(notice))


async def tunnels_screen(
    sources: PageSources, request: PageRequest, *, status: int = 200, notice: str = "", failed: bool = False
) -> PageAnswer:
    """The page of the open connections."""
    shown = await sources.view.tunnels(request.language, request.page)
    return screen("tunnels.html", sources, request, status=status, notice=notice, failed=failed, shown=shown)


async def refusals(sources: PageSources, request: PageRequest) -> PageAnswer:
    """The last connections that failed."""
    return screen("refusals.html", sources, request, shown=await sources.view.refusals(request.language))


async def clients(sources: PageSources, request: PageRequest) -> PageAnswer:
    """The clients that a text finds."""
    found = await sources.view.clients(request.language, request.query.get("q", ""), request.page)
    return screen("clients.html", sources, request, shown=found)


async def client(sources: PageSources, request: PageRequest) -> PageAnswer:
    """One client, after one of its forms with what that has done."""
    notice = NOTICES.get(request.query.get(DONE, ""), "")
    return await client_screen(sources, request, notice=request.language.gettext(notice))


async def client_screen(
    sources: PageSources, request: PageRequest, *, status: int = 200, notice: str = "", failed: bool = False
) -> PageAnswer:
    """The page of the client that the query or the form names. A form that failed keeps what was typed into it."""
    key = key_of(request.query.get("key") or request.form.fields.get("key", ""))
    found = None if key is None else await sources.view.client(request.language, key)
    if found is None:
        return problem(sources, request)
    typed = request.form.fields if failed else {}
    return screen(
        "client.html", sources, request, status=status, notice=notice, failed=failed, shown=found, typed=typed
    )


async def evidence(sources: PageSources, request: PageRequest) -> PageAnswer:
    """The evidence sheet of one client and month."""
    key = key_of(request.query.get("key", ""))
    found = None if key is None else await sources.view.evidence(request.language, key, request.month)
    if found is None:
        return problem(sources, request)
    return screen("evidence.html", sources, request, shown=found, months=months_until(found.made_at.date()))


def problem(sources: PageSources, request: PageRequest) -> PageAnswer:
    """The page for a client that nobody knows."""
    return refusal(sources, request, 404, request.language.gettext(NO_CLIENT))


def refusal(sources: PageSources, request: PageRequest, status: int, sentence: str) -> PageAnswer:
    """The page that says why a request is not answered. Its own URL may be anything, so no link leads there."""
    heading = request.language.gettext(_HEADINGS.get(status, _OTHER_HEADING))
    nowhere = structs.replace(request, path="", query={})
    return screen("problem.html", sources, nowhere, status=status, heading=heading, sentence=sentence)


def file_beside_pages(name: str) -> Callable[[PageSources, PageRequest], Awaitable[PageAnswer]]:
    """The handler of a file that the pages load."""

    async def answer(sources: PageSources, request: PageRequest) -> PageAnswer:
        return PageAnswer(static_file(name))

    return answer


def months_until(today: date) -> list[str]:
    """The last twelve months as `2026-11`, the oldest first."""
    number = today.year * 12 + today.month - 1
    return [f"{each // 12:04}-{each % 12 + 1:02}" for each in range(number - _MONTHS + 1, number + 1)]
