"""Asks a running gate for a page of its admin server. Imports little, since container health checks run it."""

import http.client
import socket
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
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in ("http", "https") or parts.path not in ("", "/"):
        raise AdminUrlError(f"{url!r} is not the URL of a gate; write one like http://127.0.0.1:9130")
    connection = (
        _secure(host, port) if parts.scheme == "https" else http.client.HTTPConnection(host, port, timeout=_SECONDS)
    )
    try:
        connection.request("GET", f"/{page.lstrip('/')}", headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        return answer.status, answer.read(most_bytes)
    except (OSError, http.client.HTTPException) as error:
        raise NoPageError(_reason(error)) from None
    finally:
        connection.close()


def _reason(error: OSError | http.client.HTTPException) -> str:
    if type(error).__name__ == "SSLCertVerificationError":
        return f"its certificate is not trusted on this host ({getattr(error, 'verify_message', '')})"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _secure(host: str, port: int | None) -> http.client.HTTPSConnection:
    """A connection with TLS. On this host nobody stands between us and the gate, whose certificate may be its own."""
    import ssl  # takes 20 ms, and few need it

    context = ssl.create_default_context()
    if _is_own(host):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=_SECONDS, context=context)


def _is_own(host: str) -> bool:
    """Whether this is an address of this host."""
    if host == "localhost":
        return True
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as own:
            own.bind((host, 0))
    except OSError:
        return False
    return True
