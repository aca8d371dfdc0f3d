"""The admin server: answers requests with aiohttp, in the program's own event loop, as the page table says.

Each reader gets a limited time and little memory (`responses`), each form a limited size and time (`forms`); their
number is limited too (`connections`).
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Generic
from urllib.parse import urlencode

import msgspec
from aiohttp import web
from msgspec import Struct

from licensegate.language.language import N_
from licensegate.records.change import ChangeKind

from .access import Access, AccessDenied, AccessRequest, Audience, sent_by_another_site
from .connection import AdminConnection
from .connections import AdminConnections
from .forms import FormRefusedError, read_form
from .page import Page, PageAnswer, PageRequest, Source
from .paths import SIGN_IN
from .rendering import Rendered, SharedRenderings, joined
from .requests import (
    LANGUAGE,
    NEXT,
    access_request,
    cookie_field,
    cookie_name,
    cookie_of,
    is_tls,
    language_of_request,
    parameters_of,
)
from .responses import page_response, problem_page, send_body, sentence
from .sessions import Session, Sessions

FORM_TOKEN: Final = "form_token"  # noqa: S105  a name
"""The field of a form with the session's token."""

_SHUTDOWN_SECONDS: Final = 1.0
_FORMS_AT_ONCE: Final = 4
_METHODS: Final = {"GET": "GET", "HEAD": "GET", "POST": "POST"}
_NO_SUCH_PAGE: Final = N_("No such page. The pages are {pages}.")
_FAULT: Final = N_("A fault in the gate; its traceback is in the service log.")
_STALE_FORM: Final = N_("This form is no longer valid: go back, load the page again, and send it again.")

_log = logging.getLogger(__name__)


class AdminServer(Generic[Source]):
    """Serves `pages` from `source`, as far as `access` permits. The socket and `access` may be replaced.

    `refusal` makes the page that tells a browser why its request is not answered; others get the bare sentence.
    `form_refused` takes note of a form that asks for a change and is not obeyed, with the reason in English.
    """

    def __init__(
        self,
        access: Access,
        pages: Iterable[Page[Source]],
        source: Source,
        sessions: Sessions | None = None,
        refusal: Callable[[Source, PageRequest, int, str], PageAnswer] | None = None,
        form_refused: Callable[[ChangeKind, PageRequest, str], object] = lambda kind, request, why: None,
    ) -> None:
        self.access = access
        self._refusal = refusal
        self._form_refused = form_refused
        self._pages: dict[str, dict[str, Page[Source]]] = {}
        for page in pages:
            self._pages.setdefault(page.path, {})[page.method] = page
        self._source = source
        self._sessions = Sessions() if sessions is None else sessions
        self._web = web.Server(self._answer)
        self._connections = AdminConnections(self._web)
        self._renderings = SharedRenderings()
        self._forms = asyncio.Semaphore(_FORMS_AT_ONCE)

    @property
    def connections(self) -> int:
        """The number of open connections."""
        return len(self._connections)

    def serve(self, sock: socket.socket | None) -> None:
        """Answer on this listening socket instead of the previous one; None stops serving."""
        self._connections.listen(sock)

    def speak_tls(self, tls: Callable[[], ssl.SSLContext] | None) -> None:
        """Speak HTTPS from now on, with the context that this returns for each new connection; None for HTTP.

        Connections of the other kind end, but for those that are being answered.
        """
        self._connections.speak_tls(tls)

    async def stop(self) -> None:
        """Answer the requests in progress, and close."""
        self._connections.listen(None)
        await self._web.shutdown(_SHUTDOWN_SECONDS)
        self._connections.close()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        if not isinstance(connection, AdminConnection):
            raise TypeError(f"a request on a {type(connection).__name__}")
        connection.answering = True
        try:
            return await self._respond(request, connection)
        finally:
            connection.answering = False

    async def _respond(self, request: web.BaseRequest, connection: AdminConnection) -> web.StreamResponse:
        pages = self._pages.get(request.path, {})
        page = pages.get(_METHODS.get(request.method, ""))
        if request.method not in _METHODS or (pages and page is None):
            return _method_not_allowed(pages)
        session = self._sessions.find(cookie_of(request, self._cookie_name(request)))
        asked = access_request(request, signed_in=session is not None)
        known = () if page is None else page.parameters
        query = parameters_of(request, (*known, LANGUAGE))
        language, chosen = language_of_request(query, request.headers.get("Accept-Language", ""))
        wanted = PageRequest(
            request.path, query, language, chosen, asked.source, session, self.access.may_change(asked)
        )
        denied = self._denied(asked, page)
        if denied is not None:
            self._note_refused(page, wanted, denied.sentence)
            if denied.status == 401 and page is not None and page.is_html and _is_browser(request):
                return _to_sign_in(request)
            return await self._refuse(request, wanted, denied.status, denied.in_language(language))
        if page is None:
            names = ", ".join(path for path, rows in self._pages.items() if "GET" in rows)
            return await self._refuse(request, wanted, 404, language.gettext(_NO_SUCH_PAGE).format(pages=names))
        if page.method == "POST":
            return await self._obey(request, connection, page, wanted)
        if not page.is_shared:
            return await self._show(request, connection, page, wanted, self._render(page, wanted))
        key = (page.path, language.code, "" if session is None else session.cookie, *map("=".join, query.items()))
        with self._renderings.rendering(key, lambda: self._render(page, wanted)) as rendering:
            return await self._show(request, connection, page, wanted, asyncio.shield(rendering.result))

    def _denied(self, asked: AccessRequest, page: Page[Source] | None) -> AccessDenied | None:
        denied = self.access.denied(asked, Audience.TRUSTED if page is None else page.audience)
        if denied is None and page is not None and page.method == "POST":
            return sent_by_another_site(asked)
        return denied

    async def _obey(
        self, request: web.BaseRequest, connection: AdminConnection, page: Page[Source], wanted: PageRequest
    ) -> web.StreamResponse:
        """Do what a form says. One of a session must have its token: only our own pages know it."""
        try:
            async with self._forms:
                form = await read_form(request, page.most_bytes)
        except FormRefusedError as refused:
            self._note_refused(page, wanted, refused.message)
            response = await self._refuse(request, wanted, refused.status, wanted.language.gettext(refused.message))
            response.force_close()
            return response
        except ConnectionError:
            connection.cut_off()
            return sentence(400, "")
        session = wanted.session
        by_token = self.access.has_token(request.headers.get("Authorization", ""))
        if session is not None and not by_token and not session.owns_form(form.fields.get(FORM_TOKEN, "")):
            self._note_refused(page, wanted, _STALE_FORM)
            return await self._refuse(request, wanted, 403, wanted.language.gettext(_STALE_FORM))
        wanted = msgspec.structs.replace(wanted, form=form)
        return await self._show(request, connection, page, wanted, self._render(page, wanted))

    def _note_refused(self, page: Page[Source] | None, wanted: PageRequest, why: str) -> None:
        if page is not None and page.change is not None:
            self._form_refused(page.change, wanted, why)

    async def _refuse(self, request: web.BaseRequest, wanted: PageRequest, status: int, text: str) -> web.Response:
        """Say why there is no answer: in a page to a browser, in a sentence to others."""
        if self._refusal is None or not _is_browser(request):
            return sentence(status, text)
        _, body = await self._body(self._refusal(self._source, wanted, status, text))
        return problem_page(status, body, {"Content-Language": wanted.language.code})

    async def _show(
        self,
        request: web.BaseRequest,
        connection: AdminConnection,
        page: Page[Source],
        wanted: PageRequest,
        rendered: Awaitable[Rendered],
    ) -> web.StreamResponse:
        try:
            answer, body = await rendered
        except Exception:
            _log.exception("a fault in the gate: cannot show the page %s", page.path)
            return sentence(500, wanted.language.gettext(_FAULT))
        fields = dict(answer.fields)
        if page.is_html:
            fields["Content-Language"] = wanted.language.code
        if answer.begins is not None or answer.ends_session:
            fields["Set-Cookie"] = self._cookie(request, answer.begins)
        response = page_response(answer.status, page.content_type, len(body), fields)
        try:
            await send_body(request, response, body)
        except TimeoutError:
            connection.cut_off()
        except ConnectionError:
            pass  # the reader has left
        return response

    async def _render(self, page: Page[Source], wanted: PageRequest) -> Rendered:
        return await self._body(await page.handler(self._source, wanted))

    async def _body(self, answer: PageAnswer) -> Rendered:
        body = answer.body
        if isinstance(body, bytes):
            return answer, body
        return answer, msgspec.json.encode(body) + b"\n" if isinstance(body, Struct) else await joined(body)

    def _cookie_name(self, request: web.BaseRequest) -> str:
        return cookie_name(self._connections.port, tls=is_tls(request))

    def _cookie(self, request: web.BaseRequest, session: Session | None) -> str:
        value = "" if session is None else session.cookie
        return cookie_field(self._cookie_name(request), value, tls=is_tls(request))


def _method_not_allowed(methods: Iterable[str]) -> web.Response:
    """Name the methods of a path, or those of reading for one that does not exist."""
    allowed = [name for name, method in _METHODS.items() if method in (set(methods) or {"GET"})]
    verb = "are" if len(allowed) > 1 else "is"
    return sentence(405, f"Only {' and '.join(allowed)} {verb} served here.", {"Allow": ", ".join(allowed)})


def _is_browser(request: web.BaseRequest) -> bool:
    """Whether a person looks at the answer."""
    return "text/html" in request.headers.get("Accept", "")


def _to_sign_in(request: web.BaseRequest) -> web.Response:
    """Lead a browser to the login form, and from there to the page that it asked for."""
    wanted = request.rel_url.relative() if request.rel_url.is_absolute() else request.rel_url
    return sentence(303, "", {"Location": f"{SIGN_IN}?{urlencode({NEXT: str(wanted)})}"})
