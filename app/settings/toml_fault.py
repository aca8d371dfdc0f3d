"""What to change in a text that is not valid TOML."""

import re
import unicodedata
from typing import Final

from .messages import shown, truth

_PLACE: Final = re.compile(r"\(at line ([0-9]+), column ([0-9]+)\)$")
"""tomllib ends its messages with it, or with "at end of document"."""

_BACKSLASH: Final = re.compile(r'"([^"]*\\[^"]*)"')
_BARE_WORD: Final = re.compile(r"=\s*([^\s\"'#\[\]{},;]+)\s*(?:#.*)?$")
_FORM: Final = 'a line is key = "text in quotes", key = 1 or key = true, below a [table]'


def remedy(text: str, fault: str) -> str:
    """What to change; `fault` is tomllib's message about this text."""
    lines = text.split("\n")
    place = _PLACE.search(fault)
    line = lines[int(place[1]) - 1] if place else lines[-1]
    odd = line[int(place[2]) - 1 :][:1] if place else ""
    if not odd.isascii():
        return f"the character there is U+{ord(odd):04X}, {unicodedata.name(odd, 'without a name')}; type a plain one"
    if "twice" in fault:
        return "put all keys of this table below one line with its name"
    if "overwrite" in fault:
        return "the key is there twice; remove one of them"
    if backslash := _BACKSLASH.search(line):
        return f"in double quotes \\ has a meaning of its own; write {_in_single_quotes(backslash[1])}"
    if (word := _BARE_WORD.search(line)) and not word[1].isdecimal():
        return f"write {truth(word[1]) or shown(word[1])}"
    if word and word[1].startswith("0"):
        return f"write {word[1].lstrip('0') or '0'}"
    return _FORM


def _in_single_quotes(text: str) -> str:
    """A text as TOML takes it literally, backslashes included."""
    return f"'{text}'" if text.isprintable() and "'" not in text else "it in single quotes"
