"""The admin server: answers GET and HEAD with aiohttp, in the program's own event loop. Changes nothing.

Each reader gets a limited time and little memory (`responses`); their number is limited too (`connections`).
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Iterable
from typing import Final, Generic

import msgspec
from aiohttp import web
from msgspec import Struct

from .access import Access, AccessRequest, Audience
from .connection import AdminConnection
from .connections import AdminConnections
from .page import Page, Source
from .rendering import SharedRenderings, joined
from .responses import page_response, send_body, sentence

_SHUTDOWN_SECONDS: Final = 1.0
_FORWARDING_FIELDS: Final = ("Forwarded", "X-Forwarded-For", "Via")  # RFC 7239, RFC 9110 section 7.6.3

_log = logging.getLogger(__name__)


class AdminServer(Generic[Source]):
    """Serves `pages` from `source`, as far as `access` permits. The socket and `access` may be replaced."""

    def __init__(self, access: Access, pages: Iterable[Page[Source]], source: Source) -> None:
        self.access = access
        self._pages = {page.path: page for page in pages}
        self._source = source
        self._web = web.Server(self._answer)
        self._connections = AdminConnections(self._web)
        self._renderings = SharedRenderings()

    @property
    def connections(self) -> int:
        """The number of open connections."""
        return len(self._connections)

    def serve(self, sock: socket.socket | None) -> None:
        """Answer on this listening socket instead of the previous one; None stops serving."""
        self._connections.listen(sock)

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
        if request.method not in ("GET", "HEAD"):
            return sentence(405, "Only GET and HEAD are served here.")
        page = self._pages.get(request.path)
        audience = Audience.TRUSTED if page is None else page.audience
        denied = self.access.denied(_access_request(request), audience)
        if denied is not None:
            return sentence(denied.status, denied.sentence)
        if page is None:
            return sentence(404, f"No such page. The pages are {', '.join(self._pages)}.")
        if not page.is_shared:
            return await self._show(request, connection, page, self._render(page))
        with self._renderings.rendering(page.path, lambda: self._render(page)) as rendering:
            return await self._show(request, connection, page, asyncio.shield(rendering.result))

    async def _show(
        self,
        request: web.BaseRequest,
        connection: AdminConnection,
        page: Page[Source],
        rendered: Awaitable[tuple[int, bytes]],
    ) -> web.StreamResponse:
        try:
            status, body = await rendered
        except Exception:
            _log.exception("a fault in the gate: cannot show the page %s", page.path)
            return sentence(500, "A fault in the gate; its traceback is in the service log.")
        response = page_response(status, page.content_type, body)
        try:
            await send_body(request, response, body)
        except TimeoutError:
            connection.cut_off()
        except ConnectionError:
            pass  # the reader has left
        return response

    async def _render(self, page: Page[Source]) -> tuple[int, bytes]:
        status, body = await page.handler(self._source)
        if isinstance(body, bytes):
            return status, body
        return status, msgspec.json.encode(body) + b"\n" if isinstance(body, Struct) else await joined(body)


def _access_request(request: web.BaseRequest) -> AccessRequest:
    headers = request.headers
    return AccessRequest(
        source=request.remote or "",
        host=headers.get("Host", ""),
        authorization=headers.get("Authorization", ""),
        by_proxy=any(field in headers for field in _FORWARDING_FIELDS),
    )
