"""The admin server: one socket, answers to GET and HEAD, by aiohttp in the program's own event loop.

It takes no body and changes nothing. How many connections there are is bounded, so that whoever holds them open takes
descriptors from nobody: the oldest gives way once it is answered.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web
from msgspec import Struct

from licensegate.proxy.listener import bind
from licensegate.proxy.settings import ListenAddress

from .access import Access, Asking

_CONNECTIONS: Final = 64
_KEEPALIVE_SECONDS: Final = 75  # a scrape interval of a minute keeps its connection
_LAST_ANSWERS_SECONDS: Final = 1.0
_HEAD_BYTES: Final = 8190

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "LicenseGate",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_PLAIN: Final = "text/plain; charset=utf-8"
_CARRIED: Final = ("Forwarded", "X-Forwarded-For", "Via")  # RFC 7239, RFC 9110 section 7.6.3

_log = logging.getLogger(__name__)


class Page(Struct, frozen=True):
    """An answer."""

    status: int
    content_type: str
    body: bytes


Pages = Mapping[str, Callable[[], Awaitable[Page]]]


class AdminServer:
    """Serves `pages` by path to whom `access`, which may be replaced, lets have them. Raises ListenError."""

    def __init__(self, address: ListenAddress, access: Access, pages: Pages) -> None:
        self.access = access
        self._pages = pages
        self._sock = bind(address)
        self.host, self.port = self._sock.getsockname()[:2]
        self._web = web.Server(
            self._answer,
            access_log=None,
            keepalive_timeout=_KEEPALIVE_SECONDS,
            max_line_size=_HEAD_BYTES,
            max_field_size=_HEAD_BYTES,
        )
        self._server: asyncio.Server | None = None

    @property
    def name(self) -> str:
        """Its address and port."""
        return str(ListenAddress(self.host, self.port))

    async def start(self) -> None:
        """Answer from now on."""
        self._server = await asyncio.get_running_loop().create_server(self._connection, sock=self._sock)

    async def stop(self) -> None:
        """Answer what was asked, and close."""
        if self._server is not None:
            self._server.close()
        await self._web.shutdown(_LAST_ANSWERS_SECONDS)

    def _connection(self) -> asyncio.Protocol:
        """The protocol of a connection that was just accepted."""
        if len(self._web.connections) >= _CONNECTIONS:
            self._web.connections[0].close()
        return self._web()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        page = await self._page(request)
        response = web.Response(status=page.status, body=page.body, headers=_HEADERS)
        response.headers["Content-Type"] = page.content_type
        if page.status == 405:
            response.headers["Allow"] = "GET, HEAD"
        elif page.status == 401:
            response.headers["WWW-Authenticate"] = 'Bearer realm="licensegate"'
        return response

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


def _asking(request: web.BaseRequest) -> Asking:
    headers = request.headers
    return Asking(
        path=request.path,
        source=request.remote or "",
        host=headers.get("Host", ""),
        authorization=headers.get("Authorization", ""),
        by_proxy=any(field in headers for field in _CARRIED),
    )


def _sentence(status: int, sentence: str) -> Page:
    return Page(status, _PLAIN, f"{sentence}\n".encode())
