"""Asks a running gate for a page of its admin server. Imports little, since container health checks run it."""

import http.client
from typing import Final
from urllib.parse import urlsplit

_SECONDS: Final = 10  # longer than the gate waits for its dials


class AdminUrlError(ValueError):
    """The URL cannot be that of an admin server. `str()` says what to write instead."""


class NoPageError(Exception):
    """Nothing answers at the URL; `str()` is the reason."""


def get_page(url: str, page: str, most_bytes: int, token: str = "") -> tuple[int, bytes]:
    """Return the status and at most so many bytes of a page, like `healthz`, with the admin token if there is one.

    Raises AdminUrlError or NoPageError.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        host = None
    if host is None or parts.scheme != "http" or parts.path not in ("", "/"):
        raise AdminUrlError(f"{url!r} is not the URL of a gate; write one like http://127.0.0.1:9130")
    connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
    try:
        connection.request("GET", f"/{page}", headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        return answer.status, answer.read(most_bytes)
    except (OSError, http.client.HTTPException) as error:
        raise NoPageError(getattr(error, "strerror", None) or str(error) or type(error).__name__) from None
    finally:
        connection.close()
