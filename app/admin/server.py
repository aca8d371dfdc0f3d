"""The admin server: answers GET and HEAD with aiohttp, in the program's own event loop.

Reads no body and changes nothing. The number of connections is bounded, so that idle ones cannot use up the gate's file
descriptors: one too many closes the oldest connection without a request in progress.
"""

import asyncio
import logging
import socket
from collections.abc import Iterable
from typing import Final, Generic

import msgspec
from aiohttp import web
from msgspec import Struct

from .access import Access, AccessRequest, Audience
from .page import Page, Source

_MAX_CONNECTIONS: Final = 64
_ACCEPT_BATCH: Final = 16  # connections accepted before the first of them is counted
_LISTEN_BACKLOG: Final = 128  # connections the kernel queues meanwhile
_KEEPALIVE_SECONDS: Final = 75  # a scrape interval of a minute keeps its connection
_SHUTDOWN_SECONDS: Final = 1.0

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "LicenseGate",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_FIELDS_BY_STATUS: Final = {
    401: {"WWW-Authenticate": 'Bearer realm="licensegate"'},
    405: {"Allow": "GET, HEAD"},
}
_FORWARDING_FIELDS: Final = ("Forwarded", "X-Forwarded-For", "Via")  # RFC 7239, RFC 9110 section 7.6.3

_log = logging.getLogger(__name__)

_aiohttp_log: Final = logging.getLogger(f"{__name__}.aiohttp")
_aiohttp_log.disabled = True  # it logs a traceback for each malformed request; faults in a page are logged here


class AdminServer(Generic[Source]):
    """Serves `pages` from `source`, as far as `access` permits. The socket and `access` may be replaced."""

    def __init__(self, access: Access, pages: Iterable[Page[Source]], source: Source) -> None:
        self.access = access
        self._pages = {page.path: page for page in pages}
        self._source = source
        self._web = web.Server(self._answer)
        self._serving: asyncio.Task[None] | None = None
        self._answering: set[web.RequestHandler] = set()

    def serve(self, sock: socket.socket | None) -> None:
        """Answer on this listening socket instead of the previous one; None stops serving."""
        if self._serving is not None:
            self._serving.cancel()
        self._serving = None if sock is None else asyncio.create_task(self._serve(sock))

    async def stop(self) -> None:
        """Answer the requests in progress, and close."""
        self.serve(None)
        await self._web.shutdown(_SHUTDOWN_SECONDS)

    async def _serve(self, sock: socket.socket) -> None:
        server = await asyncio.get_running_loop().create_server(self._connection, sock=sock, backlog=_ACCEPT_BATCH)
        sock.listen(_LISTEN_BACKLOG)
        try:
            await server.serve_forever()
        finally:
            server.close()

    def _connection(self) -> asyncio.Protocol:
        """The protocol for a connection that was just accepted."""
        connections = [one for one in self._web.connections if one.transport is not None]
        if len(connections) >= _MAX_CONNECTIONS:
            idle = next((one for one in connections if one not in self._answering), None)
            if idle is None:
                return _CloseAtOnce()
            idle.force_close()
        return _RequestHandler(
            self._web,
            loop=asyncio.get_running_loop(),
            access_log=_aiohttp_log,
            logger=_aiohttp_log,
            keepalive_timeout=_KEEPALIVE_SECONDS,
        )

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        self._answering.add(request.protocol)
        try:
            return await self._respond(request)
        finally:
            self._answering.discard(request.protocol)

    async def _respond(self, request: web.BaseRequest) -> web.Response:
        if request.method not in ("GET", "HEAD"):
            return _sentence(405, "Only GET and HEAD are served here.")
        page = self._pages.get(request.path)
        audience = Audience.TRUSTED if page is None else page.audience
        denied = self.access.denied(_access_request(request), audience)
        if denied is not None:
            return _sentence(denied.status, denied.sentence)
        if page is None:
            return _sentence(404, f"No such page. The pages are {', '.join(self._pages)}.")
        try:
            status, body = await page.handler(self._source, request)
            return _response(status, page.content_type, body)
        except Exception:
            _log.exception("a fault in the gate: cannot show the page %s", request.path)
            return _sentence(500, "A fault in the gate; its traceback is in the service log.")


class _RequestHandler(web.RequestHandler):
    """One connection. Answers a malformed request with the server's own fields, without aiohttp's name and version."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        super().handle_error(request, status, exc, message)
        response = _sentence(status, "This is not a valid HTTP/1 request.")
        response.force_close()
        return response


class _CloseAtOnce(asyncio.Protocol):
    """Closes a connection as soon as it is made."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _access_request(request: web.BaseRequest) -> AccessRequest:
    headers = request.headers
    return AccessRequest(
        source=request.remote or "",
        host=headers.get("Host", ""),
        authorization=headers.get("Authorization", ""),
        by_proxy=any(field in headers for field in _FORWARDING_FIELDS),
    )


def _response(status: int, content_type: str, body: bytes | Struct) -> web.Response:
    headers = {**_HEADERS, "Content-Type": content_type, **_FIELDS_BY_STATUS.get(status, {})}
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body) + b"\n"
    return web.Response(status=status, body=raw, headers=headers)


def _sentence(status: int, sentence: str) -> web.Response:
    return _response(status, "text/plain; charset=utf-8", f"{sentence}\n".encode())
