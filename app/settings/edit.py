"""Adds presets and rules to the allowlist of a settings file and keeps its comments, layout and line endings.

TOML allows layouts with no place for a comment, such as an inline table. So the result is parsed again, and
`SettingsEditError` is raised unless it holds exactly what was asked for. Never writes a file.
"""

import re
import tomllib
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import tomlkit
from msgspec import Struct, structs
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, Comment, Table, Trivia

from .schema import File, RuleTable

_ONE_PER_LINE: Final = re.compile(r"\[\n([ \t]*)")
_LAST_COMMA: Final = re.compile(r",[ \t]*\]\Z")


class SettingsEditError(ValueError):
    """The layout of the file's allowlist leaves no place for the addition."""


class Addition(Struct, frozen=True):
    """Presets and rules to add to an allowlist, each with the lines of the comment above it.

    `allowing` are rules of the file with `report = true`, unchanged; they lose that line.
    """

    presets: tuple[str, ...] = ()
    presets_comment: tuple[str, ...] = ()
    rules: tuple[tuple[RuleTable, tuple[str, ...]], ...] = ()
    allowing: tuple[tuple[RuleTable, tuple[str, ...]], ...] = ()


def edited(text: str, addition: Addition) -> str:
    """Return the text of a settings file, which may be empty, with the addition. Raises SettingsEditError."""
    before = _read(text)
    newline = "\r\n" if 0 < text.count("\n") == text.count("\r\n") else "\n"
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    document = _parse(text.removeprefix(mark).replace(newline, "\n"))
    for rule, comment in addition.allowing:
        _stop_reporting(document, before.allowlist.rule.index(rule), comment)
    blocks = [_rule(rule, comment) for rule, comment in addition.rules]
    if addition.presets and not _add_presets(document, before.allowlist.presets, addition):
        blocks.insert(0, f"[allowlist]\n{_presets(before.allowlist.presets, addition)}")
    result = mark + "\n".join(filter(None, [_ended(document.as_string()), *blocks]))
    if _read(result) != _expected(before, addition):
        raise SettingsEditError
    return result.replace("\n", newline)


def written(addition: Addition, present: Sequence[str]) -> str:
    """Return the addition as lines to paste into a file; `present` are the presets in force so far."""
    presets = _presets(present, addition) if addition.presets else ""
    allowing = [(structs.replace(rule, report=False), comment) for rule, comment in addition.allowing]
    return "\n".join(filter(None, [presets, *(_rule(*each) for each in (*allowing, *addition.rules))]))


def _read(text: str) -> File:
    try:
        return msgspec.convert(tomllib.loads(text.removeprefix("\ufeff")), File)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError):
        raise SettingsEditError from None


def _parse(text: str) -> tomlkit.TOMLDocument:
    try:
        document = tomlkit.parse(text)
    except TOMLKitError:
        raise SettingsEditError from None
    if document.as_string() != text:
        raise SettingsEditError
    return document


def _expected(before: File, addition: Addition) -> File:
    allowing = [rule for rule, _ in addition.allowing]
    kept = [structs.replace(rule, report=False) if rule in allowing else rule for rule in before.allowlist.rule]
    allowlist = structs.replace(
        before.allowlist,
        presets=before.allowlist.presets + addition.presets,
        rule=(*kept, *(rule for rule, _ in addition.rules)),
    )
    return structs.replace(before, allowlist=allowlist)


def _stop_reporting(document: tomlkit.TOMLDocument, index: int, comment: Iterable[str]) -> None:
    """Replace the `report` line of a rule by a comment."""
    rules = document["allowlist"]["rule"]
    if not isinstance(rules, AoT):
        raise SettingsEditError
    lines = rules[index].value.body
    place = next(place for place, (key, _) in enumerate(lines) if key is not None and key.key == "report")
    rules[index].remove("report")
    lines[place] = (None, Comment(Trivia(comment=_commented(comment), trail="")))


def _add_presets(document: tomlkit.TOMLDocument, present: Sequence[str], addition: Addition) -> bool:
    """Add the presets to the list in the file, or below `[allowlist]`. Returns False if the file has neither.

    The new lines become part of the layout that tomlkit keeps around an item: its indent and its trail.
    """
    listed = document.get("allowlist", {}).get("presets")
    if isinstance(listed, Array):
        _extend(listed, addition.presets)
        listed.trivia.indent = _commented(addition.presets_comment) + listed.trivia.indent
        return True
    for key, item in document.body:
        if key is not None and key.key == "allowlist" and isinstance(item, Table) and not item.is_super_table():
            item.trivia.trail = "\n" + _presets(present, addition)
            return True
    return False


def _extend(listed: Array, more: Sequence[str]) -> None:
    """Add to a list in its own layout: one item per line, or all on one line, with or without a last comma."""
    text = listed.as_string()
    if lines := _ONE_PER_LINE.match(text):
        for item in more:
            listed.add_line(item, indent=lines[1])
    elif _LAST_COMMA.search(text):
        listed.add_line(*more, indent=" ", newline=False)
    else:
        listed.extend(more)


def _presets(present: Sequence[str], addition: Addition) -> str:
    return f"{_commented(addition.presets_comment)}presets = {_value([*present, *addition.presets])}\n"


def _rule(rule: RuleTable, comment: Sequence[str]) -> str:
    """The rule as a table with a comment above it; without the keys that have their default."""
    values = ((field, getattr(rule, field.name)) for field in structs.fields(rule))
    lines = [f"{field.name} = {_value(value)}\n" for field, value in values if field.required or value != field.default]
    return f"{_commented(comment)}[[allowlist.rule]]\n{''.join(lines)}"


def _value(value: object) -> str:
    return tomlkit.item(value).as_string()


def _commented(lines: Iterable[str]) -> str:
    return "".join(f"# {line}\n" for line in lines)


def _ended(text: str) -> str:
    return text if text.endswith("\n") or not text else f"{text}\n"
