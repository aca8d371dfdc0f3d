"""Untrusted bytes as text that is safe to print: printable ASCII, of bounded length, without logins."""

import re
from typing import Final

_LOGIN_FIELD: Final = re.compile(rb"[\t ]|[^:]*(?:authorization|authenticat|cookie)", re.IGNORECASE)  # or a folded line
_LOGIN_INSIDE: Final = re.compile(rb"(?is)(?:(?:proxy-)?authorization|(?:basic|bearer|digest|negotiate|ntlm) ).*")
_SECRET_VALUE: Final = re.compile(
    rb"(?i)((?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_]?key|session(?:[-_]?id)?)[\t ]*[=:][\t ]*)[^\s&;,]+"
)
_LOGIN_IN_URL: Final = re.compile(rb"(?<!\S)\S*@")  # tried once per word, so the time grows linearly
_QUERY: Final = re.compile(rb"\?\S+")  # its keys have any name

_SIGNS: Final = (
    b"@", b"?", b"authorization", b"basic ", b"bearer ", b"digest ", b"negotiate ", b"ntlm ",
    b"pass", b"pwd", b"secret", b"token", b"key", b"session",
)  # fmt: skip
"""Every login contains one of these, in lower case. Looking for them takes a tenth of the time of the patterns."""


def printable(raw: bytes, limit: int = 200) -> str:
    """Return untrusted bytes as printable ASCII, the rest escaped: safe in a log, a header and a page.

    The text has at most `limit` characters.
    """
    text = raw[:limit].decode("latin-1")
    return text if text.isascii() and text.isprintable() else text.encode("unicode_escape").decode("ascii")[:limit]


def without_logins(raw: bytes, limit: int = 200) -> str:
    """Return untrusted bytes as text: `redacted`, then `printable`."""
    return printable(redacted(raw), limit)


def quoted(raw: bytes, limit: int = 60) -> str:
    """Return a line, or part of one, for an error about it: `without_logins`, and dots for a field with a login.

    A broken line may contain the next field too, so logins are looked for everywhere in it.
    """
    return "..." if _LOGIN_FIELD.match(raw) else without_logins(raw, limit)


def redacted(raw: bytes) -> bytes:
    """Return the bytes with dots for logins, values like `password=...`, and the queries of URLs."""
    lower = raw.lower()
    for sign in _SIGNS:
        if sign in lower:
            return _without_logins(raw)
    return raw


def _without_logins(raw: bytes) -> bytes:
    raw = _SECRET_VALUE.sub(rb"\1...", _LOGIN_INSIDE.sub(b"...", raw))
    return _QUERY.sub(b"?...", _LOGIN_IN_URL.sub(b"...@", raw))
