"""The admin server: answers to GET and HEAD, by aiohttp in the program's own event loop.

It takes no body and changes nothing. How many connections there are is bounded, so that whoever holds them open takes
descriptors from nobody: of those who wait for no answer the oldest gives way.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web
from msgspec import Struct

from .access import Access, Asking

_CONNECTIONS: Final = 64
_AT_ONCE: Final = 16  # that are accepted before the first of them is counted
_QUEUE: Final = 128  # that the kernel holds meanwhile
_KEEPALIVE_SECONDS: Final = 75  # a scrape interval of a minute keeps its connection
_LAST_ANSWERS_SECONDS: Final = 1.0

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "LicenseGate",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_FIELDS_OF_STATUS: Final = {
    401: {"WWW-Authenticate": 'Bearer realm="licensegate"'},
    405: {"Allow": "GET, HEAD"},
}
_CARRIED: Final = ("Forwarded", "X-Forwarded-For", "Via")  # RFC 7239, RFC 9110 section 7.6.3

_log = logging.getLogger(__name__)

_aiohttp_log: Final = logging.getLogger(f"{__name__}.aiohttp")
_aiohttp_log.disabled = True  # it tells at length of whatever is no HTTP; a fault in a page is told here


class Page(Struct, frozen=True):
    """An answer."""

    status: int
    content_type: str
    body: bytes


Pages = Mapping[str, Callable[[], Awaitable[Page]]]


class AdminServer:
    """Serves `pages` by path, on a socket that may be replaced, to whom `access` lets have them; so may that be."""

    def __init__(self, access: Access, pages: Pages) -> None:
        self.access = access
        self._pages = pages
        self._web = web.Server(self._answer)
        self._serving: asyncio.Task[None] | None = None
        self._answering: set[web.RequestHandler] = set()

    def serve(self, sock: socket.socket | None) -> None:
        """Answer on this listening socket and no longer on the one before; None for on none."""
        if self._serving is not None:
            self._serving.cancel()
        self._serving = None if sock is None else asyncio.create_task(self._serve(sock))

    async def stop(self) -> None:
        """Answer what was asked, and close."""
        self.serve(None)
        await self._web.shutdown(_LAST_ANSWERS_SECONDS)

    async def _serve(self, sock: socket.socket) -> None:
        server = await asyncio.get_running_loop().create_server(self._connection, sock=sock, backlog=_AT_ONCE)
        sock.listen(_QUEUE)
        try:
            await server.serve_forever()
        finally:
            server.close()

    def _connection(self) -> asyncio.Protocol:
        """The protocol of a connection that was just accepted."""
        connections = [one for one in self._web.connections if one.transport is not None]
        if len(connections) >= _CONNECTIONS:
            idle = next((one for one in connections if one not in self._answering), None)
            if idle is None:
                return _NoRoom()
            idle.force_close()
        return _Requests(
            self._web,
            loop=asyncio.get_running_loop(),
            access_log=_aiohttp_log,
            logger=_aiohttp_log,
            keepalive_timeout=_KEEPALIVE_SECONDS,
        )

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        self._answering.add(request.protocol)
        try:
            page = await self._page(request)
        finally:
            self._answering.discard(request.protocol)
        return _response(page)

    async def _page(self, request: web.BaseRequest) -> Page:
        if request.method not in ("GET", "HEAD"):
            return _sentence(405, "Only GET and HEAD are served here.")
        denial = self.access.denial(_asking(request))
        if denial is not None:
            return _sentence(denial.status, denial.sentence)
        page = self._pages.get(request.path)
        if page is None:
            return _sentence(404, f"There is no such page; there are {', '.join(self._pages)}.")
        try:
            return await page()
        except Exception:
            _log.exception("a fault in the gate kept the page %s from being shown", request.path)
            return _sentence(500, "A fault in the gate; its traceback is in the service log.")


class _Requests(web.RequestHandler):
    """One connection. What is no request is answered as all else is, and not in aiohttp's name and version."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        super().handle_error(request, status, exc, message)
        response = _response(_sentence(status, "That is no HTTP/1 request that can be answered here."))
        response.force_close()
        return response


class _NoRoom(asyncio.Protocol):
    """Ends a connection at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _asking(request: web.BaseRequest) -> Asking:
    headers = request.headers
    return Asking(
        path=request.path,
        source=request.remote or "",
        host=headers.get("Host", ""),
        authorization=headers.get("Authorization", ""),
        by_proxy=any(field in headers for field in _CARRIED),
    )


def _response(page: Page) -> web.Response:
    headers = {**_HEADERS, "Content-Type": page.content_type, **_FIELDS_OF_STATUS.get(page.status, {})}
    return web.Response(status=page.status, body=page.body, headers=headers)


def _sentence(status: int, sentence: str) -> Page:
    return Page(status, "text/plain; charset=utf-8", f"{sentence}\n".encode())
