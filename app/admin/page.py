"""A page of the admin server: one row of the page table."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Generic, TypeVar

from msgspec import Struct

from .access import Audience

Source = TypeVar("Source")
"""Where handlers read what they show."""

PageResult = tuple[int, bytes | Struct | Iterator[bytes]]
"""The status and the body. A Struct is sent as one line of JSON; the pieces of an iterator are made bit by bit."""


class Page(Struct, Generic[Source], frozen=True):
    """The handler answers GET and HEAD of `path`. `purpose` is a few words for the index.

    A shared page is long: requests that arrive while it is being sent get the same bytes, at most a few seconds old.
    """

    path: str
    audience: Audience
    content_type: str
    handler: Callable[[Source], Awaitable[PageResult]]
    purpose: str
    is_shared: bool = False
