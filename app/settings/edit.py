"""Adds to the allowlist of a settings file and leaves the rest as its author laid it out, comments and all.

TOML can be written in more ways than are worth finding one's way in: an inline table, a bracket in a comment. So the
result is read again, and what does not come to what was asked for raises `SettingsEditError`. Never writes a file.
"""

import json
import re
import tomllib
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct, structs

from .schema import File, RuleTable

_PRESETS: Final = re.compile(r"^[ \t]*(?:allowlist\.)?presets[ \t]*=[ \t]*\[([^\]]*)\]", re.MULTILINE)
_ALLOWLIST: Final = re.compile(r"^[ \t]*\[allowlist\][^\n]*\n?", re.MULTILINE)
_RULE: Final = re.compile(r"^[ \t]*\[\[allowlist\.rule\]\]", re.MULTILINE)
_HEADER: Final = re.compile(r"^[ \t]*\[", re.MULTILINE)
_REPORT: Final = re.compile(r"^[ \t]*report[ \t]*=[^\n]*(?:\n|\Z)", re.MULTILINE)
_AFTER_ITEM: Final = re.compile(r"(,?)([ \t]*(?:#[^\n]*)?\n)")


class SettingsEditError(ValueError):
    """The file's allowlist is written in a way that is not edited here."""


class Addition(Struct, frozen=True):
    """What an allowlist is to get, each thing with the lines of a comment to be put above it.

    `allowing` are rules of the file that only report, as they stand there, and shall allow.
    """

    presets: tuple[str, ...] = ()
    presets_comment: tuple[str, ...] = ()
    rules: tuple[tuple[RuleTable, tuple[str, ...]], ...] = ()
    allowing: tuple[tuple[RuleTable, tuple[str, ...]], ...] = ()


def edited(text: str, addition: Addition) -> str:
    """The text of a settings file, which may be empty, with an addition to its allowlist; raises SettingsEditError."""
    before = _read(text)
    newline = "\r\n" if 0 < text.count("\n") == text.count("\r\n") else "\n"
    result = text.replace(newline, "\n")
    for rule, comment in addition.allowing:
        result = _let_allow(result, before.allowlist.rule.index(rule), comment)
    if addition.presets:
        result = _add_presets(result, before.allowlist.presets, addition)
    for rule, comment in addition.rules:
        result = _with_block(result, _rule(rule, comment))
    if _read(result) != _expected(before, addition):
        raise SettingsEditError
    return result.replace("\n", newline)


def written(addition: Addition, present: Sequence[str]) -> str:
    """An addition as lines to be put into a file by hand, whose presets up to now are `present`."""
    presets = f"{_commented(addition.presets_comment)}{_presets(present, addition)}" if addition.presets else ""
    allowing = [(structs.replace(rule, report=False), comment) for rule, comment in addition.allowing]
    return "\n".join(filter(None, [presets, *(_rule(*each) for each in (*allowing, *addition.rules))]))


def _rule(rule: RuleTable, comment: Sequence[str]) -> str:
    """A rule as a table of the file, with a comment above it; what is as by default is left out."""
    values = ((field, getattr(rule, field.name)) for field in structs.fields(rule))
    said = [
        f"{field.name} = {json.dumps(value)}\n" for field, value in values if field.required or value != field.default
    ]
    return f"{_commented(comment)}[[allowlist.rule]]\n{''.join(said)}"


def _read(text: str) -> File:
    try:
        return msgspec.convert(tomllib.loads(text.removeprefix("\ufeff")), File)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError):
        raise SettingsEditError from None


def _expected(before: File, addition: Addition) -> File:
    allowing = [rule for rule, _ in addition.allowing]
    kept = [structs.replace(rule, report=False) if rule in allowing else rule for rule in before.allowlist.rule]
    allowlist = structs.replace(
        before.allowlist,
        presets=before.allowlist.presets + addition.presets,
        rule=(*kept, *(rule for rule, _ in addition.rules)),
    )
    return structs.replace(before, allowlist=allowlist)


def _let_allow(text: str, number: int, comment: Sequence[str]) -> str:
    """Put a comment in the place of the line that makes the rule with this number, counted from 0, report only."""
    headers = list(_RULE.finditer(text))
    if number >= len(headers):
        raise SettingsEditError
    start = headers[number].end()
    following = _HEADER.search(text, start)
    end = following.start() if following else len(text)
    block = _REPORT.sub(lambda _: _commented(comment), text[start:end])
    return text[:start] + block + text[end:]


def _add_presets(text: str, present: Sequence[str], addition: Addition) -> str:
    comment = _commented(addition.presets_comment)
    if listed := _PRESETS.search(text):
        start, end = listed.span(1)
        items = _extended(listed[1], addition.presets)
        return text[: listed.start()] + comment + text[listed.start() : start] + items + text[end:]
    line = comment + _presets(present, addition)
    if header := _ALLOWLIST.search(text):
        return _ended(text[: header.end()]) + line + text[header.end() :]
    return _with_block(text, f"[allowlist]\n{line}")


def _presets(present: Sequence[str], addition: Addition) -> str:
    return f"presets = {json.dumps([*present, *addition.presets])}\n"


def _extended(items: str, more: Sequence[str]) -> str:
    """The inside of a list of texts with more of them at its end, each on a line of its own where the others are."""
    last = max(items.rfind('"'), items.rfind("'")) + 1
    separate = _AFTER_ITEM.match(items, last)
    if last and separate:
        indent = re.match(r"[ \t]*", items[items.rfind("\n", 0, last) + 1 :])
        lines = "".join(f"{indent[0] if indent else ''}{json.dumps(item)},\n" for item in more)
        return f"{items[:last]},{separate[2]}{lines}{items[separate.end() :]}"
    return items[:last] + (", " if last else "") + ", ".join(map(json.dumps, more)) + items[last:]


def _commented(lines: Sequence[str]) -> str:
    return "".join(f"# {line}\n" for line in lines)


def _with_block(text: str, block: str) -> str:
    return f"{_ended(text)}\n{block}" if text else block


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"
