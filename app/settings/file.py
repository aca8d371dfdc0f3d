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

from .messages import corrected, did_you_mean, expected, nearest, shown
from .schema import File, keys
from .settings import SettingsError
from .source import SettingsSource

_MOST_BYTES: Final = 1_048_576  # far more than any settings file; guards against a file named by mistake
_NAMING: Final = "name a readable settings file, or none for the built-in defaults"
_TOML: Final = 'a line is key = "text in quotes", key = 1 or key = true, below a [table]'
_PATH: Final = re.compile(r" - at `\$([^`]*)`$")  # msgspec ends its messages with the place
_LISTEN: Final = '[[listen]] with address = "0.0.0.0:3128"'
_PARENT: Final = '[[parent]] with url = "http://proxy.example.net:8080"'
_RULE: Final = '[[allowlist.rule]] with host = "ssm.example.net"'
_NETWORK: Final = '[[tunnel.network]] with networks = ["10.9.0.0/16"]'
_CLIENT: Final = '[[client]] with name = "CUCM-PUB Tokyo" and networks = ["10.1.2.3"]'
_PRODUCT: Final = '[[product]] with client = "CUCM-PUB Tokyo" and address = "cucm-pub.example.net"'
_EXAMPLES: Final = {
    "listen": _LISTEN,
    "parent": _PARENT,
    "client": _CLIENT,
    "product": _PRODUCT,
    "allowlist.rule": _RULE,
    "tunnel.network": _NETWORK,
    "test": "[[test]] with client, target and expect",
}
"""How each list of tables is written; `test` is that of the tests of the allowlist."""
_FOREIGN: Final = {
    "": {
        **dict.fromkeys(("port", "ports", "bind", "address", "listen_address", "http_port"), _LISTEN),
        **dict.fromkeys(("proxy", "proxies", "upstream", "cache_peer"), _PARENT),
        **dict.fromkeys(("whitelist", "allow", "acl", "targets", "domains", "hosts"), _RULE),
        **dict.fromkeys(("allowed_clients", "sources"), "clients.networks"),
    },
    "listen": dict.fromkeys(("port", "host", "ip", "bind", "interface"), 'address = "0.0.0.0:3128"'),
    "parent": {
        **dict.fromkeys(("host", "port", "address", "proxy", "server"), 'url = "http://proxy.example.net:8080"'),
        **dict.fromkeys(("user", "login"), "username"),
        **dict.fromkeys(("password", "pass"), "password_file"),
    },
    "allowlist.rule": {
        **dict.fromkeys(("name", "domain", "target", "url", "fqdn"), "host"),
        "ports": "port, in one [[allowlist.rule]] for each port",
    },
    "client": {
        **dict.fromkeys(("address", "addresses", "network", "ip", "host"), 'networks = ["10.1.2.3"]'),
        **dict.fromkeys(("user", "login"), 'users = ["cucm-pub"]'),
        "certificate": 'certificates = ["cucm-pub.example.net"]',
        **dict.fromkeys(("family", "type"), 'product = "CUCM"'),
    },
    "product": {
        **dict.fromkeys(("host", "ip", "server", "publisher", "url"), 'address = "cucm-pub.example.net"'),
        **dict.fromkeys(("name", "product"), 'client = "CUCM-PUB Tokyo", the name of a [[client]]'),
        **dict.fromkeys(("user", "login"), "username"),
        **dict.fromkeys(("password", "pass"), "password_file"),
        **dict.fromkeys(("fingerprint", "sha256"), "certificate"),
    },
    "ledger": dict.fromkeys(("file", "path", "directory"), "state.directory")
    | dict.fromkeys(("database", "dsn"), 'url = "postgresql://USER:PASSWORD@HOST/DATABASE"'),
    "auth": dict.fromkeys(("username", "user", "users", "password", "file"), "htpasswd, the file of users"),
    "admin": {
        **dict.fromkeys(("port", "address", "bind", "host"), 'listen = "127.0.0.1:9130"'),
        **dict.fromkeys(("enabled", "enable"), 'listen = "" for no admin server'),
        "token": "token_file",
    },
    "limits": dict.fromkeys(("max_connections", "connections", "max_clients"), "tunnels")
    | dict.fromkeys(("timeout", "idle_timeout"), "idle_seconds")
    | dict.fromkeys(("lifetime", "max_lifetime", "client_lifetime"), "lifetime_seconds")
    | dict.fromkeys(("rate", "rate_limit", "connections_per_second"), "connections_per_client_per_second"),
    "log": dict.fromkeys(("file", "path", "output"), "access"),
}
"""What other proxies call the settings, at the top of the file and in its tables."""
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
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        raise SettingsError(f"{path}: not valid TOML: nested too deeply") from None
    except ValueError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}; {_TOML}") from None


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
            return _EXAMPLES.get(table, f"[{table}] on a line of its own, and the keys below it")
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
    foreign = _FOREIGN.get(table, {}).get(key.lower())
    elsewhere = next((dotted for dotted in keys() if dotted.rpartition(".")[2] == key), None)
    if elsewhere == key:
        return f"{key} belongs above the first [table] of the file"
    top = table == ""
    if not top and foreign:
        return f"did you mean {foreign}?"
    if not top and key in File.__struct_fields__ and key not in keys() and not nearest(key, known, 0.8):
        return f"did you mean {_EXAMPLES.get(key, f'[{key}] on a line of its own')}?"
    if not top and (alike := nearest(key, known)):
        return f"did you mean {alike}?"
    if elsewhere is not None:
        return f"did you mean {elsewhere}?"
    if foreign:
        return f"did you mean {foreign}?"
    return did_you_mean(key, known)


def _place(steps: list[tuple[str, str]], source: SettingsSource) -> str:
    keys_before = list(takewhile(bool, (key for key, _ in steps)))
    within = (key or int(number) + 1 for key, number in steps[len(keys_before) :])
    return source.place(".".join(keys_before), *within)
