"""Untrusted bytes as text that is safe to print: printable ASCII, of bounded length, without logins."""

import re
from typing import Final

_LOGIN_FIELD: Final = re.compile(rb"[\t ]|[^:]*(?:authorization|authenticat|cookie)", re.IGNORECASE)  # or a folded line
_LOGIN_INSIDE: Final = re.compile(rb"(?is)(?:(?:proxy-)?authorization|(?:basic|bearer|digest|negotiate|ntlm) ).*")
_LOGIN_IN_URL: Final = re.compile(rb"(?<!\S)\S*@")  # tried once per word, so the time grows linearly


def printable(raw: bytes, limit: int = 200) -> str:
    """Return untrusted bytes as printable ASCII, the rest escaped: safe in a log, a header and a page.

    The text has at most `limit` characters.
    """
    text = raw[:limit].decode("latin-1")
    return text if text.isascii() and text.isprintable() else text.encode("unicode_escape").decode("ascii")[:limit]


def quoted(raw: bytes, limit: int = 60) -> str:
    """Return a line, or part of one, for an error about it: `printable`, with any login replaced by dots.

    A broken line may contain the next field too, so logins are looked for everywhere in it.
    """
    if _LOGIN_FIELD.match(raw):
        return "..."
    return printable(_LOGIN_IN_URL.sub(b"...@", _LOGIN_INSIDE.sub(b"...", raw)), limit)
