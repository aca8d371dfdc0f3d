"""The pages for people: Jinja2 templates in `templates/`, filled with values of `app.overview` in one language.

Jinja2 is loaded when the first page is asked for. Every value is escaped, also inside a translated sentence.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from msgspec import Struct

from licensegate.app.overview.clients import ClientRow, DayRow
from licensegate.language.language import LANGUAGES, Language, language_named
from licensegate.licensing.limits import all_families

from . import drawing
from .moments import from_now, lasting, size
from .page import PageAnswer, PageRequest
from .paths import CLIENT, OVERVIEW, SIGN_IN

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_TEMPLATES: Final = Path(__file__).with_name("templates")
_STATIC: Final = Path(__file__).with_name("static")
_DATE: Final = re.compile(r"\b\d{4}-\d\d-\d\d\b", re.ASCII)
_PIECE: Final = 8192
"""Characters of a page in one piece: rendered in well under a millisecond."""


class Frame(Struct, frozen=True, kw_only=True):
    """What a page has around its content.

    `path` and `query` are those of the page, `path` is empty if it has no URL of its own; links keep the language if
    it was `chosen` in the query. Forms are shown with `form_token`, that of the session; without one, a link to sign in
    is if one `can_sign_in`. `notice` says what the last form did, or why it did nothing: `failed`.
    """

    language: Language
    path: str
    version: str
    made_at: datetime
    query: dict[str, str] = {}
    chosen: bool = False
    form_token: str = ""
    can_sign_in: bool = False
    notice: str = ""
    failed: bool = False

    @property
    def here(self) -> str:
        """The URL to come back to after signing in; empty for the first page."""
        if self.path in ("", OVERVIEW, SIGN_IN):
            return ""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


def html_answer(
    template: str,
    request: PageRequest,
    version: str,
    shown: Mapping[str, object],
    *,
    can_sign_in: bool,
    status: int = 200,
    notice: str = "",
    failed: bool = False,
) -> PageAnswer:
    """A page as the answer to a request. `shown` are the values that the template names."""
    session = request.session
    of_client = request.path.startswith(f"{CLIENT}/")  # the answer to a form shows its client's page
    frame = Frame(
        language=request.language,
        path=CLIENT if of_client else request.path,
        query={"key": request.form.fields.get("key", "")} if of_client else dict(request.query),
        chosen=request.chosen,
        version=version,
        made_at=datetime.now(UTC),
        form_token="" if session is None else session.form_token,
        can_sign_in=can_sign_in,
        notice=notice,
        failed=failed,
    )
    return PageAnswer(page_pieces(template, frame, **shown), status)


def static_file(name: str) -> bytes:
    """A file beside the pages."""
    return (_STATIC / name).read_bytes()


def page_pieces(template: str, frame: Frame, **shown: object) -> Iterator[bytes]:
    """A page, in pieces that are made one after the other."""
    environment = _environment(frame.language.code)
    link = partial(_link, frame)
    values = {"frame": frame, "now": frame.made_at, "link": link, "languages": LANGUAGES, **shown}
    gathered: list[str] = []
    length = 0
    for text in environment.get_template(template).generate(values):
        gathered.append(text)
        length += len(text)
        if length >= _PIECE:
            yield "".join(gathered).encode(errors="replace")
            gathered.clear()
            length = 0
    yield "".join(gathered).encode(errors="replace")


def _link(frame: Frame, path: str, **query: object) -> str:
    """The URL of one of our pages; a query of an empty value is left out."""
    wanted = {"lang": frame.language.code if frame.chosen else "", **query}
    text = urlencode({name: value for name, value in wanted.items() if value not in ("", None)})
    return f"{path}?{text}" if text else path


@cache
def _environment(code: str) -> "Environment":
    """The templates with their functions for one language."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    language = language_named(code)
    if language is None:
        raise LookupError(code)
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    environment.globals.update(
        _=_translator(language.gettext),
        ngettext=_counting_translator(language),
        language=language,
        axis=drawing.axis(),
        weeks=drawing.WEEKS,
        calendar=_calendar,
        families=[family.name for family in all_families()],
        clock_bar=_clock_bar,
    )
    environment.filters.update(
        from_now=partial(from_now, language),
        lasting=partial(lasting, language),
        size=size,
        moment=_moment,
        prose=_prose,
    )
    return environment


def _translator(gettext: Callable[[str], str]) -> "Callable[..., Markup]":
    from markupsafe import Markup

    def translate(message: str, **fields: object) -> Markup:
        """A translated sentence, its fields escaped. The sentence itself is ours and may have markup."""
        return Markup(gettext(message)).format(**fields)  # noqa: S704  # messages are constants of the templates

    return translate


def _counting_translator(language: Language) -> "Callable[..., Markup]":
    def translate(one: str, many: str, n: int, **fields: object) -> "Markup":
        return _translator(lambda _: language.ngettext(one, many, n))(one, n=f"{n:,}", **fields)

    return translate


def _prose(text: str) -> "Markup":
    """A sentence whose dates do not break at their hyphens."""
    from markupsafe import Markup, escape

    return Markup(_DATE.sub(r'<span class="nowrap">\g<0></span>', str(escape(text))))  # noqa: S704  # escaped


def _moment(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M}"


def _clock_bar(client: ClientRow, now: datetime) -> drawing.ClockBar:
    return drawing.clock_bar(now, client.last_contact, [(each.name, each.at) for each in client.deadlines])


def _calendar(days: list[DayRow], now: datetime) -> tuple[drawing.HalfYear, ...]:
    counts = {each.day: drawing.DayCounts(each.connections, each.answered, each.failed) for each in days}
    return drawing.calendar(counts, now.date())
