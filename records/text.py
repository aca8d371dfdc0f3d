"""Untrusted bytes as text that is safe to print: printable ASCII, of bounded length, without logins."""

import re
from typing import Final

_LOGIN_FIELD: Final = re.compile(rb"[\t ]|[^:]*(?:authorization|authenticat|cookie)", re.IGNORECASE)  # or a folded line
_SPOKEN_OF: Final = rb"(?![\t ]+(?:auth\w*|logins?|required|failed|failure|denied|disabled|not|is)\b)"
"""No login follows: "Basic authentication required"."""
_LOGIN_INSIDE: Final = re.compile(
    rb"(?is)(?:(?:proxy-)?authorization|(?:basic|bearer|digest|negotiate|ntlm)(?= ))%b.*" % _SPOKEN_OF
)
_SECRET_VALUE: Final = re.compile(
    rb"(?i)((?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_]?key|session(?:[-_]?id)?)[\t ]*[=:][\t ]*)[^\s&;,]+"
)
_LOGIN_IN_URL: Final = re.compile(rb"(?<!\S)\S*@")  # tried once per word, so the time grows linearly
_QUERY: Final = re.compile(rb"\?\S+")  # its keys have any name

_KNOWN_VALUES: Final = 256
_KNOWN_BYTES: Final = 200
_known_clean: Final[dict[bytes, str]] = {}
"""Short values without a login, which clients send again and again, as text. A value with one is never kept."""


def printable(raw: bytes, limit: int = 200) -> str:
    """Return untrusted bytes as printable ASCII, the rest escaped: safe in a log, a header and a page.

    The text has at most `limit` characters.
    """
    text = raw[:limit].decode("latin-1")
    return text if text.isascii() and text.isprintable() else text.encode("unicode_escape").decode("ascii")[:limit]


def without_logins(raw: bytes, limit: int = 200) -> str:
    """Return untrusted bytes as text: `redacted`, then `printable`."""
    known = _known_clean.get(raw)
    return printable(redacted(raw), limit) if known is None else known[:limit]


def quoted(raw: bytes, limit: int = 60) -> str:
    """Return a line, or part of one, for an error about it: `without_logins`, and dots for a field with a login.

    A broken line may contain the next field too, so logins are looked for everywhere in it.
    """
    return "..." if _LOGIN_FIELD.match(raw) else without_logins(raw, limit)


def redacted(raw: bytes) -> bytes:
    """Return the bytes with dots for logins, values like `password=...`, and the queries of URLs."""
    if raw in _known_clean:
        return raw
    clean = _SECRET_VALUE.sub(rb"\1...", _LOGIN_INSIDE.sub(b"...", raw))
    clean = _QUERY.sub(b"?...", _LOGIN_IN_URL.sub(b"...@", clean))
    if clean == raw and len(raw) <= _KNOWN_BYTES:
        _remember_clean(raw)
    return clean


def _remember_clean(raw: bytes) -> None:
    text = raw.decode("latin-1")
    if text.isascii() and text.isprintable():
        if len(_known_clean) >= _KNOWN_VALUES:
            _known_clean.clear()
        _known_clean[raw] = text
