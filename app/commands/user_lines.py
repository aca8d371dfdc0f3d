"""Adds, changes or removes one user in the text of a file of users. Every other line stays as it is."""

import enum
from collections.abc import Callable
from pathlib import Path

from licensegate.proxy.auth.digest_hash import ha1, usable_digests
from licensegate.proxy.auth.password_hash import make_hash


class FileKind(enum.StrEnum):
    """The two kinds of files of users."""

    HTPASSWD = "htpasswd"
    HTDIGEST = "htdigest"


def kind_of(path: Path, content: str) -> FileKind | None:
    """Return which kind of file it is by its first line, or else by its name; None if neither tells."""
    first = next((line for line in _lines(content) if line.strip() and not line.startswith("#")), "")
    if first:
        _, _, rest = first.partition(":")
        is_password_hash = rest.startswith("$")  # a comment may follow it
        return FileKind.HTDIGEST if ":" in rest and not is_password_hash else FileKind.HTPASSWD
    if "digest" in path.name.lower():
        return FileKind.HTDIGEST
    return FileKind.HTPASSWD if "passwd" in path.name.lower() else None


def lines_for(kind: FileKind, user: str, realm: str, password: str) -> list[str]:
    """Return the lines for this user. Raises ValueError for a password that cannot be hashed."""
    if kind is FileKind.HTPASSWD:
        return [f"{user}:{make_hash(password)}"]
    return [f"{user}:{realm}:{ha1(scheme, user, realm, password)}" for scheme in usable_digests()]


def holds(kind: FileKind, content: str, user: str, realm: str) -> bool:
    """Tell whether the file has this user."""
    return any(map(_is_of(kind, user, realm), _lines(content)))


def is_line_of(kind: FileKind, content: str, number: int, user: str, realm: str) -> bool:
    """Tell whether the line with this number, counted from 1, is this user's. False for 0."""
    return number > 0 and _is_of(kind, user, realm)(_lines(content)[number - 1])


def with_lines(kind: FileKind, content: str, user: str, realm: str, lines: list[str]) -> str:
    """Return the content with the user's lines replaced by these, or with these added at the end.

    A comment behind the old hash is kept. Without `lines` the user is removed.
    """
    newline = "\r\n" if 0 < content.count("\n") == content.count("\r\n") else "\n"
    is_of = _is_of(kind, user, realm)
    kept: list[str] = []
    place = None
    comment = ""
    for line in _lines(content):
        if is_of(line):
            place = len(kept) if place is None else place
            comment = comment or _comment(kind, line)
        else:
            kept.append(line)
    place = len(kept) if place is None else place
    kept[place:place] = [line + comment for line in lines]
    return "".join(f"{line}{newline}" for line in kept)


def _comment(kind: FileKind, line: str) -> str:
    """What follows the hash, with its colon."""
    fields = 2 if kind is FileKind.HTPASSWD else 3
    return "".join(f":{more}" for more in line.split(":", fields)[fields:])


def _lines(content: str) -> list[str]:
    lines = [line.removesuffix("\r") for line in content.split("\n")]
    return lines[:-1] if lines[-1] == "" else lines


def _is_of(kind: FileKind, user: str, realm: str) -> Callable[[str], bool]:
    beginning = f"{user}:" if kind is FileKind.HTPASSWD else f"{user}:{realm}:"
    return lambda line: line.startswith(beginning)
