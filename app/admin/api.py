"""The answers of /api/ (`docs/api.md`): what the pages show, as JSON. The control socket gives the same."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from msgspec import Struct

from licensegate.app.overview.identities import key_of
from licensegate.app.overview.view import GateView
from licensegate.language.language import N_

from . import paths
from .page import PageAnswer, PageRequest

NO_CLIENT: Final = N_("No such client, or the ledger cannot be read.")


class HasView(Protocol):
    """The part of the sources that these answers need."""

    @property
    def view(self) -> GateView:
        """What people see of the gate."""


class NoAnswer(Struct, frozen=True):
    """Why there is no answer, in the language of the request."""

    error: str


async def overview(sources: HasView, request: PageRequest) -> PageAnswer:
    """Everything in short."""
    return PageAnswer(await sources.view.overview(request.language))


async def targets(sources: HasView, request: PageRequest) -> PageAnswer:
    """Each target."""
    return PageAnswer(await sources.view.targets(request.language))


async def clients(sources: HasView, request: PageRequest) -> PageAnswer:
    """One page of the clients that the query finds."""
    return PageAnswer(await sources.view.clients(request.language, request.query.get("q", ""), request.page))


async def client(sources: HasView, request: PageRequest) -> PageAnswer:
    """Everything of one client."""
    key = key_of(request.query.get("key", ""))
    found = None if key is None else await sources.view.client(request.language, key)
    return _no_client(request) if found is None else PageAnswer(found)


async def evidence(sources: HasView, request: PageRequest) -> PageAnswer:
    """What one client did in a month."""
    key = key_of(request.query.get("key", ""))
    found = None if key is None else await sources.view.evidence(request.language, key, request.month)
    return _no_client(request) if found is None else PageAnswer(found)


async def refusals(sources: HasView, request: PageRequest) -> PageAnswer:
    """The last connections that failed."""
    return PageAnswer(await sources.view.refusals(request.language))


async def rules(sources: HasView, request: PageRequest) -> PageAnswer:
    """The rules of the allowlist, and how often each applied."""
    return PageAnswer(await sources.view.rules(request.language))


async def changes(sources: HasView, request: PageRequest) -> PageAnswer:
    """One page of the last changes."""
    return PageAnswer(await sources.view.changes(request.language, request.page))


async def tunnels(sources: HasView, request: PageRequest) -> PageAnswer:
    """One page of the open connections."""
    return PageAnswer(await sources.view.tunnels(request.language, request.page))


def _no_client(request: PageRequest) -> PageAnswer:
    return PageAnswer(NoAnswer(request.language.gettext(NO_CLIENT)), 404)


API_ANSWERS: Final[Mapping[str, Callable[[HasView, PageRequest], Awaitable[PageAnswer]]]] = {
    paths.API_OVERVIEW: overview,
    paths.API_TARGETS: targets,
    paths.API_CLIENTS: clients,
    paths.API_CLIENT: client,
    paths.API_EVIDENCE: evidence,
    paths.API_REFUSALS: refusals,
    paths.API_RULES: rules,
    paths.API_CHANGES: changes,
    paths.API_TUNNELS: tunnels,
}
"""All of them by their paths."""
