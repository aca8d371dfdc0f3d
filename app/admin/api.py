"""The answers of /api/ (`docs/api.md`): what the pages show, as JSON."""

from typing import Final

from msgspec import Struct

from licensegate.app.overview.identities import key_of
from licensegate.language.language import N_

from .page import PageAnswer, PageRequest
from .sources import PageSources

NO_CLIENT: Final = N_("No such client, or the ledger cannot be read.")


class NoAnswer(Struct, frozen=True):
    """Why there is no answer, in the language of the request."""

    error: str


async def overview(sources: PageSources, request: PageRequest) -> PageAnswer:
    """Everything in short."""
    return PageAnswer(await sources.view.overview(request.language))


async def targets(sources: PageSources, request: PageRequest) -> PageAnswer:
    """Each target."""
    return PageAnswer(await sources.view.targets(request.language))


async def clients(sources: PageSources, request: PageRequest) -> PageAnswer:
    """One page of the clients that the query finds."""
    return PageAnswer(await sources.view.clients(request.language, request.query.get("q", ""), request.page))


async def client(sources: PageSources, request: PageRequest) -> PageAnswer:
    """Everything of one client."""
    key = key_of(request.query.get("key", ""))
    found = None if key is None else await sources.view.client(request.language, key)
    return _no_client(request) if found is None else PageAnswer(found)


async def evidence(sources: PageSources, request: PageRequest) -> PageAnswer:
    """What one client did in a month."""
    key = key_of(request.query.get("key", ""))
    found = None if key is None else await sources.view.evidence(request.language, key, request.month)
    return _no_client(request) if found is None else PageAnswer(found)


async def refusals(sources: PageSources, request: PageRequest) -> PageAnswer:
    """The last connections that failed."""
    return PageAnswer(await sources.view.refusals(request.language))


async def rules(sources: PageSources, request: PageRequest) -> PageAnswer:
    """The rules of the allowlist, and how often each applied."""
    return PageAnswer(await sources.view.rules(request.language))


async def tunnels(sources: PageSources, request: PageRequest) -> PageAnswer:
    """One page of the open connections."""
    return PageAnswer(await sources.view.tunnels(request.language, request.page))


def _no_client(request: PageRequest) -> PageAnswer:
    return PageAnswer(NoAnswer(request.language.gettext(NO_CLIENT)), 404)
