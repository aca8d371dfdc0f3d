"""`licensegate health`: asks a running gate one of its three questions, for a container's check. Imports little."""

import http.client
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from licensegate.proxy.settings import ListenAddress

_SECONDS: Final = 10  # more than the gate waits for its dials
_MOST_BYTES: Final = 65536
_FOR_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class CannotAsk(ValueError):  # noqa: N818  the name says it
    """There is nobody to ask, or no way to; says what to write instead."""


class HealthAnswer(Struct, frozen=True):
    """Whether the answer was 200, and what to tell."""

    good: bool
    text: str


def url_of(listen: ListenAddress | None) -> str:
    """Where a gate on this host with this admin address is asked. Raises CannotAsk."""
    if listen is None:
        raise CannotAsk("admin.listen is empty, so there is nobody to ask; name a --url")
    if not listen.port:
        raise CannotAsk("admin.listen leaves the port to the system; name it by --url")
    return f"http://{ListenAddress(_FOR_ANY.get(listen.host, listen.host), listen.port)}"


def ask(url: str, question: str) -> HealthAnswer:
    """Ask the gate at `url` for one of its health pages. Raises CannotAsk for a URL that leads nowhere."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        host = None
    if host is None or parts.scheme != "http" or parts.path not in ("", "/"):
        raise CannotAsk(f"{url!r} is no address of a gate; write one like http://127.0.0.1:9130")
    connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
    try:
        connection.request("GET", f"/{question}")
        answer = connection.getresponse()
        said = answer.read(_MOST_BYTES).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return HealthAnswer(False, f"{url}/{question} does not answer: {_told(error)}")
    finally:
        connection.close()
    return HealthAnswer(answer.status == 200, f"{answer.status} {said}")


def _told(error: OSError | http.client.HTTPException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
