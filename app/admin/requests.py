"""From aiohttp's request to ours: the parts that access depends on, the query, the language, the session's cookie."""

from collections.abc import Iterable, Mapping
from typing import Final

from aiohttp import web

from licensegate.language.language import ENGLISH, Language, language_for, language_named

from .access import AccessRequest

LANGUAGE: Final = "lang"
"""The parameter that picks a language."""

NEXT: Final = "next"
"""The parameter and field of the login form that says which page was asked for."""

_LONGEST_VALUE: Final = 1000
_FORWARDING_FIELDS: Final = ("Forwarded", "X-Forwarded-For", "Via")  # RFC 7239, RFC 9110 section 7.6.3


def access_request(request: web.BaseRequest, *, signed_in: bool) -> AccessRequest:
    """The parts of a request that access depends on."""
    headers = request.headers
    return AccessRequest(
        source=request.remote or "",
        host=headers.get("Host", ""),
        authorization=headers.get("Authorization", ""),
        by_proxy=any(field in headers for field in _FORWARDING_FIELDS),
        signed_in=signed_in,
        origin=headers.get("Origin", ""),
        fetch_site=headers.get("Sec-Fetch-Site", ""),
    )


def is_tls(request: web.BaseRequest) -> bool:
    """Whether the request came over TLS."""
    return request.transport is not None and request.transport.get_extra_info("sslcontext") is not None


def parameters_of(request: web.BaseRequest, known: Iterable[str]) -> dict[str, str]:
    """The first value of each known parameter in the query."""
    query = request.query
    return {name: query[name][:_LONGEST_VALUE] for name in known if query.get(name)}


def language_of_request(query: Mapping[str, str], accept_language: str) -> tuple[Language, bool]:
    """The language to answer in, and whether the query picks it; else the browser's, else English."""
    chosen = language_named(query.get(LANGUAGE, ""))
    return (language_for(accept_language, ENGLISH), False) if chosen is None else (chosen, True)


def cookie_name(port: int, *, tls: bool) -> str:
    """The name of our cookie. Browsers send cookies to every port of a host, and there may be two gates on it.

    Over TLS its prefix has browsers insist on Secure and Path=/ (RFC 6265bis section 4.1.3.2).
    """
    return f"__Host-licensegate-{port}" if tls else f"licensegate-{port}"


def cookie_of(request: web.BaseRequest, name: str) -> str:
    """The value of a cookie; empty without it."""
    for line in request.headers.getall("Cookie", ()):
        for part in line.split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                return value
    return ""


def cookie_field(name: str, value: str, *, tls: bool) -> str:
    """A Set-Cookie field (RFC 6265 section 4.1) that no script reads and no other site sends. No value removes it."""
    ending = "" if value else "; Max-Age=0"
    return f"{name}={value}; Path=/; HttpOnly; SameSite=Strict{'; Secure' if tls else ''}{ending}"
