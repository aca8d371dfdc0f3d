"""The responses of the admin server, and how a page is sent: in pieces, as fast as its reader takes them."""

import asyncio
from typing import Final

from aiohttp import web

_PIECE: Final = 1 << 14
"""Bytes of a page that wait in memory for one reader."""

_SEND_SECONDS: Final = 30.0
"""How long a reader may take for a whole page."""

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


def sentence(status: int, text: str) -> web.Response:
    """A response of one sentence."""
    headers = _headers(status, "text/plain; charset=utf-8")
    return web.Response(status=status, body=f"{text}\n".encode(), headers=headers)


def page_response(status: int, content_type: str, body: bytes) -> web.StreamResponse:
    """A response for `send_body`."""
    response = web.StreamResponse(status=status, headers=_headers(status, content_type))
    response.content_length = len(body)
    return response


async def send_body(request: web.BaseRequest, response: web.StreamResponse, body: bytes) -> None:
    """Send a page. Returns once the kernel has all of it.

    Raises TimeoutError if the reader is too slow, and ConnectionError if it has left.
    """
    async with asyncio.timeout(_SEND_SECONDS):
        await response.prepare(request)
        if request.method != "HEAD":
            page = memoryview(body)
            for start in range(0, len(page), _PIECE):
                await response.write(page[start : start + _PIECE])
                await request.writer.drain()
        await response.write_eof()
        await request.writer.drain()


def _headers(status: int, content_type: str) -> dict[str, str]:
    return {**_HEADERS, "Content-Type": content_type, **_FIELDS_BY_STATUS.get(status, {})}
