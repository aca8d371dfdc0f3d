"""A page of the admin server: one row of the page table, the request that its handler gets, and the answer it gives."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Final, Generic, Literal, TypeVar

from msgspec import Struct

from licensegate.language.language import ENGLISH, Language
from licensegate.records.change import ChangeKind
from licensegate.records.requester import Requester

from .access import Audience
from .sessions import Session

Source = TypeVar("Source")
"""Where handlers read what they show."""

_MOST_DIGITS: Final = 10

Method = Literal["GET", "POST"]


class Form(Struct, frozen=True):
    """The fields and the files of a form that was sent."""

    fields: Mapping[str, str] = {}
    files: Mapping[str, bytes] = {}


class PageRequest(Struct, frozen=True):
    """A request as its handler sees it.

    `query` has the parameters that the page knows, each once; `language` is the one to answer in, and `chosen` if the
    query asks for it. `source` is the address that it comes from. `session` is the one that it belongs to, None without
    a login. `may_change` if it has the token or a session, so that a form of it is obeyed.
    """

    path: str
    query: Mapping[str, str] = {}
    language: Language = ENGLISH
    chosen: bool = False
    source: str = ""
    session: Session | None = None
    may_change: bool = False
    form: Form = Form()

    @property
    def asker(self) -> Requester:
        """Who sent it, for the log of changes."""
        if self.session is not None:
            return Requester(address=self.source, session=self.session.name)
        return Requester(address=self.source, token=self.may_change)

    @property
    def page(self) -> int:
        """The page of a list that the query asks for, from 1 on."""
        text = self.query.get("page", "")
        return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < _MOST_DIGITS else 1

    @property
    def month(self) -> date:
        """The first day of the month that the query asks for, like 2026-11; of this month (UTC) by default.

        No month that is still to come is shown.
        """
        this = datetime.now(UTC).date().replace(day=1)
        try:
            return min(this, datetime.strptime(self.query.get("month", ""), "%Y-%m").replace(tzinfo=UTC).date())
        except ValueError:
            return this


class PageAnswer(Struct, frozen=True):
    """An answer. A Struct is sent as one line of JSON; the pieces of an iterator are made bit by bit.

    `fields` are more header fields, such as Location. `begins` is a session to give to the browser, and `ends_session`
    takes its session away.
    """

    body: bytes | Struct | Iterator[bytes]
    status: int = 200
    fields: Mapping[str, str] = {}
    begins: Session | None = None
    ends_session: bool = False


class Page(Struct, Generic[Source], frozen=True):
    """The handler answers GET and HEAD of `path`, or POST. `purpose` is a few words for the index.

    `parameters` are the names of its query; others are ignored. A shared page is long: requests for the same that
    arrive while it is being sent get the same bytes, at most a few seconds old. `most_bytes` bounds the body of a form,
    `change` is what it asks for.
    """

    path: str
    audience: Audience
    content_type: str
    handler: Callable[[Source, PageRequest], Awaitable[PageAnswer]]
    purpose: str
    parameters: tuple[str, ...] = ()
    is_shared: bool = False
    method: Method = "GET"
    most_bytes: int = 0
    change: ChangeKind | None = None

    @property
    def is_html(self) -> bool:
        """Whether people read it in a browser."""
        return self.content_type.startswith("text/html")
