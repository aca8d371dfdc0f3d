"""The example file, docs/settings.md and the schema say the same."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from msgspec import inspect, structs

from licensegate.app.settings import load
from licensegate.app.settings.environment import variables
from licensegate.app.settings.messages import shown
from licensegate.app.settings.schema import (
    ClientTable,
    File,
    ListenTable,
    ParentTable,
    ProductTable,
    RuleTable,
    Table,
    TunnelNetworkTable,
    keys,
)

DOCS = Path(__file__).parents[4] / "docs"
EXAMPLE = DOCS / "licensegate.example.toml"
MANUAL = (DOCS / "settings.md").read_text()
ROW = re.compile(r"^\| `([a-z_.]+)` \|([^|]+)\|([^|]*)\|", re.MULTILINE)
VARIABLE = re.compile(r"^\| `(?P<name>LICENSEGATE__\w+)` \| `(?P<example>[^`]+)` \|$", re.MULTILINE)
ROWS = {key: (value.strip(), default.strip()) for key, value, default in ROW.findall(MANUAL)}
LISTS_OF_TABLES: dict[str, type[Table]] = {
    "listen": ListenTable,
    "parent": ParentTable,
    "client": ClientTable,
    "product": ProductTable,
    "allowlist.rule": RuleTable,
    "tunnel.network": TunnelNetworkTable,
}
FILES = (
    "gate.pem", "gate.key", "clients-ca.pem", "clients.crl", "users.htpasswd", "users.htdigest", "nonce.key",
    "admin.token", "parent.secret", "cucm-pub.password",
)  # fmt: skip


def every_field() -> dict[str, structs.FieldInfo]:
    """Each key that can be written, dotted, down to those within lists of tables."""
    fields: dict[str, structs.FieldInfo] = {}
    for key in keys():
        if key in LISTS_OF_TABLES:
            fields |= {f"{key}.{field.name}": field for field in structs.fields(LISTS_OF_TABLES[key])}
        else:
            section, _, name = key.rpartition(".")
            table: Any = getattr(File(), section) if section else File()
            fields[key] = next(field for field in structs.fields(table) if field.name == name)
    return fields


# These have no default of their own, so the example fills them in.
SHOWN_FILLED_IN = {key for key, field in every_field().items() if field.required or field.default is None}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of this test, with the files that the documents name."""
    for name in FILES:
        (tmp_path / name).write_text("-----BEGIN PRIVATE KEY-----\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(value: object) -> str:
    """A default as the manual has it."""
    match value:
        case tuple():
            return f"`[{', '.join(map(shown, value))}]`"
        case float() | int() if not isinstance(value, bool):
            return f"`{value:g}`" if value < 100_000 else f"`{value:.0f}`"
        case _:
            return f"`{shown(value)}`"


def example_with_everything_on() -> dict[str, Any]:
    return tomllib.loads(re.sub(r"^#(?=[a-z\[])", "", EXAMPLE.read_text(), flags=re.MULTILINE))


def test_the_manual_has_a_row_for_every_key_and_no_other() -> None:
    assert sorted(ROWS) == sorted(every_field())


@pytest.mark.parametrize("key", every_field())
def test_the_manual_states_the_default(key: str) -> None:
    field = every_field()[key]

    assert ROWS[key][1] == ("" if key in SHOWN_FILLED_IN else written(field.default))


@pytest.mark.parametrize("key", every_field())
def test_the_manual_states_the_range_or_the_choice(key: str) -> None:
    value = ROWS[key][0]
    match stated(inspect.type_info(every_field()[key].type)):
        case inspect.IntType(ge=low, le=high):
            assert value == f"whole number from {low} to {high}"
        case inspect.FloatType(ge=low, le=high):
            assert value == f"number from {low} to {high}"
        case inspect.BoolType():
            assert value == "`true` or `false`"
        case inspect.LiteralType(values=values):
            assert sorted(re.findall(r'`"(\w+)"`', value)) == sorted(map(str, values))
        case inspect.EnumType(cls=members):
            assert re.findall(r'`"(\w+)"`', value) == [member.value for member in members]
        case inspect.VarTupleType():
            assert value.startswith("list of ")
        case other:
            assert isinstance(other, inspect.StrType)
            assert "number" not in value


def stated(kind: inspect.Type) -> inspect.Type:
    """What can be written of a type that may also be left out."""
    match kind:
        case inspect.UnionType(types=(written, inspect.NoneType())) | inspect.Metadata(type=written):
            return written
        case _:
            return kind


def test_every_snippet_of_the_manual_can_be_in_force(folder: Path) -> None:
    snippets = re.findall(r"```toml\n(.*?)```", MANUAL, re.DOTALL)
    assert len(snippets) == len(structs.fields(File))

    for number, snippet in enumerate(snippets):
        (folder / f"{number}.toml").write_text(snippet)
        load(folder / f"{number}.toml", {})


@pytest.mark.usefixtures("folder")
def test_manual_has_a_valid_example_of_every_variable() -> None:
    examples = {row["name"]: row["example"] for row in VARIABLE.finditer(MANUAL)}

    assert list(examples) == list(variables())
    load(None, examples)


def test_the_example_file_as_it_stands_changes_nothing() -> None:
    as_it_stands = structs.replace(load(EXAMPLE, {}), source="", policy=None)

    assert as_it_stands == structs.replace(load(None, {}), source="", policy=None)
    assert load(EXAMPLE, {}).policy.rules == load(None, {}).policy.rules


def test_uncommented_example_file_is_valid_and_has_every_key(tmp_path: Path) -> None:
    everything = re.sub(r"^#(?=[a-z\[])", "", EXAMPLE.read_text(), flags=re.MULTILINE)
    (tmp_path / "everything.toml").write_text(everything)
    (tmp_path / "cucm-pub.password").write_text("secret\n")  # a required file, so the example cannot leave it empty

    load(tmp_path / "everything.toml", {})
    assert sorted(in_example()) == sorted(every_field())


@pytest.mark.parametrize("key", sorted(every_field().keys() - SHOWN_FILLED_IN))
def test_the_example_file_shows_the_default(key: str) -> None:
    default = every_field()[key].default

    assert in_example()[key] == (list(default) if isinstance(default, tuple) else default)


def in_example() -> dict[str, object]:
    """The example's values by dotted key, all of its keys being on."""
    values: dict[str, object] = {}
    for section, content in example_with_everything_on().items():
        if isinstance(content, str):
            values[section] = content
            continue
        tables = {section: content[0]} if isinstance(content, list) else {section: content}
        for name in ("rule", "network"):
            for table in tables[section].pop(name, []):
                tables[f"{section}.{name}"] = table
        values |= {f"{name}.{key}": value for name, table in tables.items() for key, value in table.items()}
    return values
