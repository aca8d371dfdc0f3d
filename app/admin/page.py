"""A page of the admin server: one row of the page table. Imports aiohttp for types only."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct

from .access import Audience

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest

Source = TypeVar("Source")
"""Where handlers read what they show."""

PageResult = tuple[int, bytes | Struct]
"""The status and the body. A Struct is sent as one line of JSON."""


class Page(Struct, Generic[Source], frozen=True):
    """The handler answers GET and HEAD of `path`. `purpose` is a few words for the index."""

    path: str
    audience: Audience
    content_type: str
    handler: "Callable[[Source, BaseRequest], Awaitable[PageResult]]"
    purpose: str
