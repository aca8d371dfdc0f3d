"""One HTTP exchange with a target through a proxy, by aiohttp: the client that Python programs use.

It verifies no certificate: an interceptor's answer tells something too, and the steps `tls` and `chain` judge the rest.
It sends nothing but a request for `/`.
"""

import os
import ssl
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp
from msgspec import Struct

from licensegate.allowlist.target import Target
from licensegate.app.version import version
from licensegate.records.record import milliseconds
from licensegate.records.text import without_logins

ANSWER_SECONDS: Final = 5
"""How long to wait for TLS and an answer, beside the dial."""
_PROXY_LOGIN: Final = 407


class HttpExchange(Struct, frozen=True):
    """An answer, or why there was none.

    `status` is the target's, 0 without one. `skew_seconds` is how far its Date is ahead of this host's clock, None
    without one. `proxy_status` is the proxy's own where it refused the tunnel, with its `challenges`. `fault` says in
    words what ended the exchange.
    """

    status: int = 0
    server: str = ""
    skew_seconds: float | None = None
    proxy_status: int = 0
    challenges: tuple[str, ...] = ()
    fault: str = ""
    ms: float = 0


async def exchange(target: Target, proxy: str, seconds: float, authorization: str = "") -> HttpExchange:
    """Ask a target for `/` through the proxy at this URL, in so many seconds.

    `authorization` is the value of Proxy-Authorization.
    """
    began = time.monotonic()
    wall = datetime.now(UTC)
    agent = f"LicenseGate-doctor/{version()}"
    headers = {"User-Agent": agent}
    if authorization:
        headers["Proxy-Authorization"] = authorization
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds), trust_env=False) as session,
            session.get(
                f"https://{target}/",
                proxy=proxy,
                proxy_headers=headers,
                headers={"User-Agent": agent},
                ssl=_trusting(),
                allow_redirects=False,
            ) as answer,
        ):
            took = time.monotonic() - began
            server = without_logins(answer.headers.get("Server", "").encode(), 60)
            skew = _skew(answer.headers.get("Date", ""), wall, took)
            return HttpExchange(answer.status, server, skew, ms=milliseconds(took))
    except aiohttp.ClientHttpProxyError as error:
        challenges: Sequence[str] = ()
        if error.status == _PROXY_LOGIN and error.headers is not None:
            challenges = error.headers.getall("Proxy-Authenticate", [])
        said = without_logins(error.message.encode(), 300)
        return HttpExchange(proxy_status=error.status, challenges=tuple(challenges), fault=said)
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        return HttpExchange(fault=_in_words(error, seconds))


def _trusting() -> ssl.SSLContext:
    """A context that accepts any certificate and TLS from 1.0 on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def _skew(date: str, began: datetime, took: float) -> float | None:
    """How far a Date field is ahead of our clock at half of the exchange, in seconds."""
    try:
        said = parsedate_to_datetime(date)
    except ValueError:
        return None
    return (said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp() - (began.timestamp() + took / 2)


def _in_words(error: BaseException, seconds: float) -> str:
    match error:
        case TimeoutError():
            return f"no answer within {seconds:g} s"
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed instead of an answer"
        case aiohttp.ClientConnectorError(os_error=OSError(errno=int(number))) if number > 0:
            return os.strerror(number)
        case _:
            return without_logins((str(error) or type(error).__name__).encode(), 200)
