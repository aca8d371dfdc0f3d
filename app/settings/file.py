"""Reads the settings file, and other files in TOML, into a schema's tables; errors name the line or the key."""

import re
import tomllib
from collections.abc import Callable, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

import msgspec
from msgspec import inspect

from licensegate.files.read import read_whole

from .foreign_names import EXAMPLES, FOREIGN_NAMES
from .messages import corrected, did_you_mean, expected, nearest, shown
from .schema import File, keys
from .settings import SettingsError
from .source import SettingsSource
from .toml_fault import remedy

_MOST_BYTES: Final = 1_048_576  # far more than any settings file; guards against a file named by mistake
_NAMING: Final = "name a readable settings file, or none for the built-in defaults"
_PATH: Final = re.compile(r" - at `\$([^`]*)`$")  # msgspec ends its messages with the place
_STEP: Final = re.compile(r"\.(\w+)|\[(\d+)\]")

_Schema = TypeVar("_Schema")
_Meant: TypeAlias = Callable[[str, Mapping[str, inspect.Field], str], str]
"""Guesses which key was meant by an unknown one, from the known ones and the name of their table."""


def read_file(path: Path) -> File:
    """Read and check a settings file; raises SettingsError."""
    return check_tables(path, read_tables(path))


def read_tables(path: Path) -> dict[str, object]:
    """Read a settings file as TOML, unchecked; raises SettingsError."""
    return _parse(path, read_text(path))


def check_tables(path: Path, tables: dict[str, object]) -> File:
    """Check the tables of the settings file at `path`; raises SettingsError."""
    return _checked(path, tables, File, _meant)


def read_other(path: Path, schema: type[_Schema]) -> _Schema:
    """Read and check a file in TOML that is no settings file; raises SettingsError."""
    return _checked(path, read_tables(path), schema, lambda key, known, _: did_you_mean(key, known))


def _checked(path: Path, tables: dict[str, object], schema: type[_Schema], meant: _Meant) -> _Schema:
    try:
        return msgspec.convert(tables, schema)
    except msgspec.ValidationError as error:
        steps = _STEP.findall("".join(_PATH.findall(str(error))))
        kind = inspect.type_info(schema)
        raise SettingsError(_explain(tables, steps, SettingsSource(str(path), {}), kind, meant)) from None


def read_text(path: Path) -> str:
    """The text of a settings file, with its byte order mark if it has one. Raises SettingsError."""
    content = _read(path)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{path}: line {line} is not text in UTF-8; save the settings as UTF-8") from None


def _read(path: Path) -> bytes:
    try:
        return read_whole(path, _MOST_BYTES)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; {_NAMING}") from None


def _parse(path: Path, text: str) -> dict[str, object]:
    text = text.removeprefix("\ufeff")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise SettingsError(f"{path}: not valid TOML: nested too deeply") from None
    except ValueError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}; {remedy(text, str(error))}") from None


def _explain(
    tables: dict[str, object], steps: list[tuple[str, str]], source: SettingsSource, kind: inspect.Type, meant: _Meant
) -> str:
    """Explain what is wrong with the value at `steps` of tables of this kind; a step is a key or an index from 0."""
    value: object = tables
    for key, number in steps:
        match kind, value:
            case inspect.StructType(fields=fields), dict():
                kind = next(field.type for field in fields if field.name == key)
                value = value[key]
            case inspect.VarTupleType(item_type=kind), list():
                value = value[int(number)]
    place = _place(steps, source)
    match kind, value:
        case inspect.StructType(fields=fields), dict():
            return f"{place}: {_explain_keys(value, fields, _table(steps), meant)}"
        case _:
            instead = corrected(value, kind) or _written(kind, _table(steps))
            return f"{place}: {shown(value)} is not {expected(kind)}{f'; write {instead}' if instead else ''}"


def _written(kind: inspect.Type, table: str) -> str:
    """How a table, or a list of tables, is written; empty for any other kind."""
    match kind:
        case inspect.StructType() | inspect.VarTupleType(item_type=inspect.StructType()):
            return EXAMPLES.get(table, f"[{table}] on a line of its own, and the keys below it")
        case _:
            return ""


def _table(steps: list[tuple[str, str]]) -> str:
    """The dotted name of the table that the steps lead to."""
    return ".".join(key for key, _ in steps if key)


def _explain_keys(table: dict[str, object], fields: tuple[inspect.Field, ...], name: str, meant: _Meant) -> str:
    known = {field.name: field for field in fields}
    for key in table:
        if key not in known:
            return f"unknown key {shown(key)}; {meant(key, known, name)}"
    missing = next(field for field in fields if field.required and field.name not in table)
    return f"{missing.name} is missing; it must be {expected(missing.type)}"


def _meant(key: str, known: Mapping[str, inspect.Field], table: str) -> str:
    """Guess the key that was meant: one of this table, one of another, or what other proxies call by that name."""
    elsewhere = next((dotted for dotted in keys() if dotted.rpartition(".")[2] == key), None)
    if elsewhere == key:
        return f"{key} belongs above the first [table] of the file"
    if foreign := FOREIGN_NAMES.get(table, {}).get(key.lower()):
        return f"did you mean {foreign}?"
    top = table == ""
    if not top and key in File.__struct_fields__ and key not in keys() and not nearest(key, known, 0.8):
        return f"did you mean {EXAMPLES.get(key, f'[{key}] on a line of its own')}?"
    if not top and (alike := nearest(key, known)):
        return f"did you mean {alike}?"
    if elsewhere is not None:
        return f"did you mean {elsewhere}?"
    return did_you_mean(key, known)


def _place(steps: list[tuple[str, str]], source: SettingsSource) -> str:
    keys_before = list(takewhile(bool, (key for key, _ in steps)))
    within = (key or int(number) + 1 for key, number in steps[len(keys_before) :])
    return source.place(".".join(keys_before), *within)
