"""Answers of the API over the control socket: the same bytes as `/api/NAME`, also without an admin server."""

from typing import Final

import msgspec
from msgspec import Struct

from licensegate.app.admin.api import API_ANSWERS, NoAnswer
from licensegate.app.admin.page import PageRequest
from licensegate.app.overview.view import GateView
from licensegate.language.language import ENGLISH, language_named

from .control_protocol import Reply

_PREFIX: Final = "/api/"


class ViewSource(Struct, frozen=True):
    """Where the answers read what they show."""

    view: GateView


async def show(view: GateView, name: str, parameters: dict[str, str]) -> Reply | bytes:
    """The answer of this name; the parameters are those of the API's query."""
    handler = API_ANSWERS.get(f"{_PREFIX}{name}")
    if handler is None:
        names = ", ".join(path.removeprefix(_PREFIX) for path in API_ANSWERS)
        return Reply(False, f"unknown answer {name!r}; this gate knows {names}")
    language = language_named(parameters.get("lang", "")) or ENGLISH
    request = PageRequest(f"{_PREFIX}{name}", query=parameters, language=language)
    body = (await handler(ViewSource(view), request)).body
    if isinstance(body, NoAnswer):
        return Reply(False, body.error)
    return msgspec.json.encode(body) + b"\n"
