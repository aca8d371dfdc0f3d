"""Reads the body of a form: fields and files, bounded in bytes, in number and in time."""

import asyncio
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from licensegate.language.language import N_

from .page import Form

BODY_SECONDS: Final = 30.0
"""How long a browser may take to send a form."""

_MOST_FIELDS: Final = 32
_URLENCODED: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"


_UNREADABLE: Final = (
    *(ValueError, LookupError, RuntimeError, AssertionError),
    *(web.PayloadAccessError, web.RequestPayloadError, HttpProcessingError),
)
"""What aiohttp raises for a body that is not what its type says."""


class FormRefusedError(Exception):
    """The body is not read. `message` says why, in English."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


_TOO_LARGE: Final = N_("The form is too large: a text may have at most 1 MB.")
_TOO_SLOW: Final = N_("The form did not arrive in time.")
_MALFORMED: Final = N_("The form cannot be read.")
_OTHER_TYPE: Final = N_("Send a form: application/x-www-form-urlencoded or multipart/form-data.")


async def read_form(request: web.BaseRequest, most_bytes: int) -> Form:
    """The form in the body of a request. Raises FormRefusedError."""
    if (request.content_length or 0) > most_bytes:
        raise FormRefusedError(413, _TOO_LARGE)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            if request.content_type == _URLENCODED:
                return _urlencoded(await _body(request, most_bytes))
            if request.content_type == _MULTIPART:
                return await _multipart(request, most_bytes)
    except TimeoutError:
        raise FormRefusedError(408, _TOO_SLOW) from None
    except _UNREADABLE:
        raise FormRefusedError(400, _MALFORMED) from None
    raise FormRefusedError(415, _OTHER_TYPE)


async def _body(request: web.BaseRequest, most_bytes: int) -> bytes:
    parts, length = [], 0
    while chunk := await request.content.readany():
        length += len(chunk)
        if length > most_bytes:
            raise FormRefusedError(413, _TOO_LARGE)
        parts.append(chunk)
    return b"".join(parts)


def _urlencoded(body: bytes) -> Form:
    pairs = parse_qsl(
        body.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="replace", max_num_fields=_MOST_FIELDS
    )
    return Form(dict(pairs))


async def _multipart(request: web.BaseRequest, most_bytes: int) -> Form:
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    left = most_bytes
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader) or len(fields) + len(files) >= _MOST_FIELDS:
            raise FormRefusedError(400, _MALFORMED)
        content = bytearray()
        while chunk := await part.read_chunk():
            left -= len(chunk)
            if left < 0:
                raise FormRefusedError(413, _TOO_LARGE)
            content += chunk
        if part.filename is None:
            fields[part.name or ""] = content.decode(errors="replace")
        else:
            files[part.name or ""] = bytes(content)
    return Form(fields, files)
