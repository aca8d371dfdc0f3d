"""What people do on the pages: sign in, sign out, keep a text of a product, name a client, record a contact by hand,
end a tunnel.

The server has checked who may do it, and that the form is one of ours.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode, urlsplit

from licensegate.app.overview.identities import key_of
from licensegate.language.language import N_
from licensegate.language.phrases import reworded
from licensegate.ledger.by_hand import EntryRefusedError
from licensegate.ledger.clients import ClientKey
from licensegate.ledger.desk import NoLedger
from licensegate.ledger.entries import LONGEST_TEXT, ManualKind
from licensegate.records.change import ChangeKind
from licensegate.records.requester import Requester
from licensegate.records.setting_change import SettingChange

from . import paths
from .page import PageAnswer, PageRequest
from .requests import LANGUAGE, NEXT
from .screens import DONE, client_screen, problem, screen, tunnels_screen
from .sessions import SignInRefusedError
from .sources import PageSources

TOKEN_BYTES: Final = 4096
"""The most bytes of a form without a text."""

TEXT_BYTES: Final = 3 * LONGEST_TEXT + (1 << 16)
"""The most bytes of a form with a text: a browser may write a byte of a pasted text as three."""

_PAGES: Final = (paths.OVERVIEW, paths.TUNNELS, paths.REFUSALS, paths.CLIENTS, paths.CLIENT, paths.EVIDENCE)
_DONE: Final = {ChangeKind.CLIENT_TEXT: "text", ChangeKind.CLIENT_NAME: "name", ChangeKind.CLIENT_CONTACT: "contact"}
_WRONG_TOKEN: Final = N_("This is not the token in admin.token_file.")
_WAIT: Final = N_("Too many wrong tokens came from your address. Try again in {seconds} seconds.")
_NO_TOKEN: Final = N_("Nobody can sign in without a token: set admin.token_file.")
_NO_TEXT: Final = N_("Paste a text, or choose a file.")
_NOT_KEPT: Final = N_("Nothing was kept: {reason}.")
_GONE: Final = N_("This connection is no longer open.")
_NO_TIME: Final = N_("Give the time in UTC, like 2026-11-30 14:05.")


class _RefusedError(Exception):
    """A form cannot be obeyed. `str()` is a sentence for its page, to be translated."""


async def sign_in_form(sources: PageSources, request: PageRequest) -> PageAnswer:
    """The form to sign in with; who has signed in already is led on."""
    page = page_to_open(request.query.get(NEXT, ""))
    if request.session is not None:
        return PageAnswer(b"", 303, {"Location": page})
    return screen("login.html", sources, request, can_sign_in=sources.sessions.has_token, next=page)


async def sign_in(sources: PageSources, request: PageRequest) -> PageAnswer:
    """Begin a session for somebody who knows the token."""
    gettext, page = request.language.gettext, page_to_open(request.form.fields.get(NEXT, ""))
    try:
        session = sources.sessions.sign_in(request.form.fields.get("token", ""), request.source)
    except SignInRefusedError as refused:
        if sources.sessions.has_token and not refused.wait_seconds:  # so an address has a few lines at most
            sources.changes.write(
                ChangeKind.SIGN_IN,
                request.asker,
                what=f"a wrong token was sent to the admin pages from {request.source}",
                ok=False,
                level="warning",
            )
        message = _NO_TOKEN if not sources.sessions.has_token else _WAIT if refused.wait_seconds else _WRONG_TOKEN
        answer = screen(
            "login.html",
            sources,
            request,
            status=429 if refused.wait_seconds else 403,
            notice=gettext(message).format(seconds=refused.wait_seconds),
            failed=True,
            can_sign_in=sources.sessions.has_token,
            next=page,
        )
        wait = {"Retry-After": str(refused.wait_seconds)} if refused.wait_seconds else {}
        return PageAnswer(answer.body, answer.status, wait)
    asker = Requester(address=request.source, session=session.name)
    what = f"somebody signed in to the admin pages from {request.source}"
    sources.changes.write(ChangeKind.SIGN_IN, asker, what=what)
    return PageAnswer(b"", 303, {"Location": page}, begins=session)


async def sign_out(sources: PageSources, request: PageRequest) -> PageAnswer:
    """End the session."""
    if request.session is not None:
        sources.sessions.sign_out(request.session)
        what = f"somebody signed out of the admin pages from {request.source}"
        sources.changes.write(ChangeKind.SIGN_OUT, request.asker, what=what)
    return PageAnswer(b"", 303, {"Location": paths.OVERVIEW}, ends_session=True)


async def keep_text(sources: PageSources, request: PageRequest) -> PageAnswer:
    """Keep the output of `show license …`, uploaded or pasted, beside its client."""

    data = request.form.files.get("file", b"") or request.form.fields.get("text", "").encode()

    async def keep(key: ClientKey) -> object:
        if not data.strip():
            raise _RefusedError(_NO_TEXT)
        return await sources.desk.keep_text(key, data, by=str(request.asker))

    return await _act(sources, request, ChangeKind.CLIENT_TEXT, {"bytes": len(data)}, keep)


async def name_client(sources: PageSources, request: PageRequest) -> PageAnswer:
    """Give a client a name, or take it away."""
    fields = request.form.fields
    given, product = fields.get("name", ""), fields.get("product", "")
    on_prem, reserved = bool(fields.get("on_prem")), bool(fields.get("reserved"))

    async def name(key: ClientKey) -> object:
        return await sources.desk.give_name(
            key, given, product=product, on_prem=on_prem, reserved=reserved, by=str(request.asker)
        )

    entered = {"name": given, "product": product, "on_prem": on_prem, "reserved": reserved}
    return await _act(sources, request, ChangeKind.CLIENT_NAME, entered, name)


async def record_contact(sources: PageSources, request: PageRequest) -> PageAnswer:
    """Write down what was done by hand."""
    fields = request.form.fields
    what = ManualKind.LOGIN if fields.get("what") == ManualKind.LOGIN.value else ManualKind.CONTACT

    async def record(key: ClientKey) -> object:
        at = _time(request)
        return await sources.desk.record(key, what, at=at, note=fields.get("note", ""), by=str(request.asker))

    entered = {"what": what.value, "at": fields.get("at", "")}
    return await _act(sources, request, ChangeKind.CLIENT_CONTACT, entered, record)


async def end_tunnel(sources: PageSources, request: PageRequest) -> PageAnswer:
    """End an open connection, and lead back to their list."""
    fields = request.form.fields
    if not await sources.end_tunnel(request.asker, fields.get("id", "")):
        gone = request.language.gettext(_GONE)
        return await tunnels_screen(sources, request, status=404, notice=gone, failed=True)
    page = {"page": fields["page"]} if fields.get("page", "").isdecimal() else {}
    return _led_to(request, paths.TUNNELS, {**page, DONE: "tunnel"})


async def _act(
    sources: PageSources,
    request: PageRequest,
    kind: ChangeKind,
    entered: Mapping[str, object],
    act: Callable[[ClientKey], Awaitable[object]],
) -> PageAnswer:
    """Do it for the client of the form, and lead to its page; else show the page with what to change.

    What was `entered` is written to the log of changes.
    """
    done = _DONE[kind]
    key = key_of(request.form.fields.get("key", ""))
    if key is None or not await sources.view.knows(key):
        return problem(sources, request)
    try:
        answer = await act(key)
    except _RefusedError as refused:
        _say(sources, request, kind, key, str(refused))
        notice = request.language.gettext(str(refused))
        return await client_screen(sources, request, status=422, notice=notice, failed=True)
    except EntryRefusedError as refused:
        _say(sources, request, kind, key, str(refused))
        return await client_screen(sources, request, status=422, notice=_not_kept(request, str(refused)), failed=True)
    if isinstance(answer, NoLedger):
        _say(sources, request, kind, key, answer.reason)
        return await client_screen(sources, request, status=503, notice=_not_kept(request, answer.reason), failed=True)
    _say(sources, request, kind, key, entered=entered)
    return _led_to(request, paths.CLIENT, {"key": request.form.fields["key"], DONE: done})


def _led_to(request: PageRequest, path: str, query: dict[str, str]) -> PageAnswer:
    """Lead to a page that says what was done, in the language that the request picked."""
    language = {LANGUAGE: request.language.code} if request.chosen else {}
    return PageAnswer(b"", 303, {"Location": f"{path}?{urlencode({**query, **language})}"})


def _say(
    sources: PageSources,
    request: PageRequest,
    kind: ChangeKind,
    key: ClientKey,
    refused: str = "",
    entered: Mapping[str, object] | None = None,
) -> None:
    """Write what somebody did for a client, or why that was refused."""
    kept = f"no {_DONE[kind]} kept" if refused else f"kept a {_DONE[kind]}"
    what = f"{key.name}: {kept} from {request.asker}{f': {refused}' if refused else ''}"
    facts = () if entered is None else (SettingChange(kind, key.name, after=entered),)
    level = "warning" if refused else "info"
    sources.changes.write(kind, request.asker, what=what, ok=not refused, level=level, settings=facts)


def page_to_open(wanted: str) -> str:
    """The page to lead to after the login: the wanted one if it is one of ours, else the first."""
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return paths.OVERVIEW
    is_ours = not parts.scheme and not parts.netloc and parts.path in _PAGES
    return f"{parts.path}?{parts.query}" if is_ours and parts.query else parts.path if is_ours else paths.OVERVIEW


def _time(request: PageRequest) -> datetime | None:
    text = request.form.fields.get("at", "").strip()
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise _RefusedError(_NO_TIME) from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _not_kept(request: PageRequest, reason: str) -> str:
    return request.language.gettext(_NOT_KEPT).format(reason=reworded(reason, request.language))
