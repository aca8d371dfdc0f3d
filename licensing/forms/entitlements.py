"""Licences in headings and in the rows of tables.

- A heading is `name (tag)` or `name (tag):`; its last pair of parentheses is the tag, and names may have their own.
- A row of IOS' summary is `name (tag) 2 IN USE`.
- A row of CUCM's summary is `name GUIDregid.…,12.0_… 5 InCompliance`; columns may be missing at its right edge.
- A row of AsyncOS' summary is `name state date count`.
"""

import re
from typing import Final

from msgspec import Struct

from ..report import Entitlement
from ..times import ISO_DATE
from ..words import ENTITLEMENT, Vocabulary, value_of

STATUS: Final = Vocabulary(ENTITLEMENT)
_COUNT: Final = re.compile(r"(\d{1,9}|-)(?:\s+(.+))?")
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_GUID_START: Final = re.compile(
    r"^[^_]*$|_(?:[0-9a-fA-F]{0,8}|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){0,2}[0-9a-fA-F]{0,4}"
    r"|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{0,12})$"
)
"""A tag without a GUID, or with a whole one or the beginning of one behind its last underscore."""
_NOT_IN_NAMES: Final = re.compile(r": |\)\s+\d+\s+[A-Z]")
"""A key, or the end of another row: what stands before the tag is no name, but two lines in one."""
_NEVER: Final = re.compile(r"\s(?:N/?A|Never|None|-)\s*$", re.IGNORECASE)
_LONGEST_STATE: Final = 4


class Heading(Struct, frozen=True):
    """The heading of a licence."""

    name: str | None
    tag: str


def split_tag(text: str) -> tuple[str, str, str] | None:
    """Split at the last pair of parentheses: before it, in it, behind it; None without a pair."""
    end = text.rfind(")")
    depth = 0
    for position in range(end, -1, -1):
        depth += (text[position] == ")") - (text[position] == "(")
        if depth == 0 and end > 0:
            return text[:position].strip(), text[position + 1 : end].strip(), text[end + 1 :].strip()
    return None


def heading(text: str, headless: bool = False) -> Heading | None:
    """Read the heading of a licence; whether it is one shows only in the keys below it. A headless one has no name."""
    parts = split_tag(text)
    if parts is None or parts[2] not in ("", ":") or not _is_tag(parts[1]) or not _may_be_name(parts[0]):
        return None
    return Heading(None if headless else value_of(parts[0]), " ".join(parts[1].split()))


def _may_be_name(text: str) -> bool:
    return text.count("(") == text.count(")") and _NOT_IN_NAMES.search(text) is None


def _is_tag(text: str) -> bool:
    return bool(text) and text.count("regid.") < 2 and not ("regid." in text and " " in text)


def row(text: str, unfinished: bool = False) -> Entitlement | None:
    """Read a row of IOS' summary."""
    parts = split_tag(text)
    if parts is None or not _is_tag(parts[1]) or not _may_be_name(parts[0]):
        return None
    counted = _COUNT.fullmatch(parts[2])
    if counted is None:
        return None
    return _with_count(Entitlement(value_of(parts[0]), " ".join(parts[1].split())), counted, unfinished)


def regid_row(text: str, unfinished: bool = False) -> Entitlement | None:
    """Read a row of CUCM's summary."""
    before, found, _ = text.partition("regid.")
    if not found or ":" in before or "(" in before[-1:]:
        return None
    tag, _, rest = text[len(before) :].partition(" ")
    if "regid." in tag[1:] or not _GUID_START.search(tag):
        return None
    if unfinished and not rest and not _GUID.fullmatch(tag[-36:]):
        return None
    name = before[:-36] if _GUID.fullmatch(before[-36:]) else before.rstrip()
    if _GUID.fullmatch(name[-36:]):
        name = name[:-36]
    entitlement = Entitlement(value_of(name), tag)
    rest = rest.strip()
    if rest[:1].isalpha():
        return None  # a sentence about a tag, such as the reason of a failure
    counted = _COUNT.fullmatch(rest)
    return entitlement if counted is None else _with_count(entitlement, counted, unfinished)


def _with_count(entitlement: Entitlement, counted: re.Match[str], unfinished: bool) -> Entitlement:
    status = counted[2]
    if counted[1] != "-" and (status or not unfinished):
        entitlement.count = int(counted[1])
    if status:
        entitlement.status = STATUS.find(status, unfinished)
    return entitlement


def feature_row(text: str, unfinished: bool = False) -> Entitlement | None:
    """Read a row of AsyncOS' summary. An unfinished one has no count."""
    before, _, last = text.rpartition(" ")
    if not last.isdecimal() or len(last) > 9:
        return None
    found = ISO_DATE.search(before)
    words = (_NEVER.sub("", before) if found is None else before[: found.start()]).split()
    for length in range(min(_LONGEST_STATE, len(words) - 1), 0, -1):
        if status := STATUS.find(" ".join(words[-length:])):
            return Entitlement(" ".join(words[:-length]), None, None if unfinished else int(last), status)
    return None
