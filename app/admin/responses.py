"""The responses of the admin server, and how a page is sent: in pieces, as fast as its reader takes them."""

import asyncio
from collections.abc import Mapping
from typing import Final

from aiohttp import web

NO_FIELDS: Final[Mapping[str, str]] = {}

_PIECE: Final = 1 << 14
"""Bytes of a page that wait in memory for one reader."""

_SEND_SECONDS: Final = 30.0
"""How long a reader may take for a whole page."""

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "LicenseGate",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_FIELDS_BY_STATUS: Final = {
    401: {"WWW-Authenticate": 'Bearer realm="licensegate"'},
}


def sentence(status: int, text: str, fields: Mapping[str, str] = NO_FIELDS) -> web.Response:
    """A response of one sentence, with these header fields."""
    headers = _headers(status, "text/plain; charset=utf-8", fields)
    return web.Response(status=status, body=f"{text}\n".encode(), headers=headers)


def problem_page(status: int, body: bytes, fields: Mapping[str, str] = NO_FIELDS) -> web.Response:
    """A response of one short page for people, with these header fields."""
    return web.Response(status=status, body=body, headers=_headers(status, "text/html; charset=utf-8", fields))


def page_response(status: int, content_type: str, length: int, fields: Mapping[str, str]) -> web.StreamResponse:
    """A response for `send_body`, of so many bytes, with these header fields."""
    response = web.StreamResponse(status=status, headers=_headers(status, content_type, fields))
    response.content_length = length
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


def _headers(status: int, content_type: str, fields: Mapping[str, str]) -> dict[str, str]:
    return {**_HEADERS, "Content-Type": content_type, **_FIELDS_BY_STATUS.get(status, {}), **fields}
