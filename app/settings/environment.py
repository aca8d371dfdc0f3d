"""Environment variables that override the settings file: `LICENSEGATE__SECTION__KEY`.

Two underscores, because Kubernetes sets `LICENSEGATE_PORT` and the like for a Service of that name. Variables with one
underscore are ignored, except `LICENSEGATE_CONFIG` and `LICENSEGATE_ADMIN_DEFAULT`. Commas separate list items; an
empty value is an empty list. An item in a list of tables has a short form: `IP:PORT` for a listener, `HOST:PORT` for a
rule, a URL for a parent proxy. Keys that the short form lacks can be set in the file only.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import inspect, structs

from .messages import corrected, did_you_mean, expected, nearest, shown
from .schema import File, ListenTable, ParentTable, RuleTable, Table, keys
from .settings import SettingsError

CONFIG: Final = "LICENSEGATE_CONFIG"
"""Names the settings file if the command line does not."""

ADMIN_DEFAULT: Final = "LICENSEGATE_ADMIN_DEFAULT"
"""The address of the admin server unless the settings have one. The image sets it: 127.0.0.1 is of no use there."""

PREFIX: Final = "LICENSEGATE__"

_QUOTES: Final = ('"', "'")  # a shell takes them off, an environment file of Docker does not
_FILE_ONLY: Final = ("client", "product", "tunnel.network")


def variables() -> dict[str, str]:
    """The known variables, each with the dotted key that it sets."""
    return {variable_of(key): key for key in keys() if key not in _FILE_ONLY}


def override(file: File, environ: Mapping[str, str]) -> tuple[File, dict[str, str]]:
    """Override `file` by the environment; also return the variable of each dotted key set. Raises SettingsError."""
    known = variables()
    used = {}
    for variable in filter(lambda name: name.startswith(PREFIX), environ):
        if variable in map(variable_of, _FILE_ONLY):
            raise SettingsError(f"{variable}: can be set in the settings file only, which {CONFIG} names")
        if variable not in known:
            name = variable if variable.isprintable() else shown(variable)
            raise SettingsError(f"{name}: unknown setting; {_meant(variable, known)}")
        key = known[variable]
        used[key] = variable
        section, _, name = key.rpartition(".")
        text = text_of(variable, environ)
        if section:
            table = _replace(getattr(file, section), name, variable, text)
            file = structs.replace(file, **{section: table})
        else:
            file = _replace(file, name, variable, text)
    return file, used


def text_of(variable: str, environ: Mapping[str, str]) -> str:
    """The value of a variable that is set. Raises SettingsError if it is not UTF-8 or in quotes."""
    text = environ[variable]
    try:
        text.encode()
    except UnicodeEncodeError:  # Python keeps other bytes as surrogates (PEP 383)
        raise SettingsError(f"{variable}: its value is not text in UTF-8; set it again, in UTF-8") from None
    if text[:1] in _QUOTES and text[1:].endswith(text[:1]):
        raise SettingsError(f"{variable}: its value has quotes around it, which belong to no value; remove them")
    return text


def _meant(variable: str, known: Mapping[str, str]) -> str:
    """Suggest a variable of the same table, if there is such a table, or else of all."""
    table, _, key = variable.removeprefix(PREFIX).partition("__")
    alike = {name.removeprefix(f"{PREFIX}{table}__"): name for name in known if name.startswith(f"{PREFIX}{table}__")}
    if not alike:
        return did_you_mean(variable, known)
    if near := nearest(key, alike):
        return f"did you mean {alike[near]}?"
    return f"known here: {', '.join(sorted(alike.values()))}"


def variable_of(key: str) -> str:
    """The variable that sets a dotted key."""
    return PREFIX + key.replace(".", "__").upper()


def _replace(table: Any, name: str, variable: str, text: str) -> Any:
    """The table with one key read from a variable's text."""
    kind = next(field.type for field in structs.fields(table) if field.name == name)
    return structs.replace(table, **{name: _read(kind, variable, text)})


def _read(kind: Any, variable: str, text: str) -> object:
    items = [item for part in text.split(",") if (item := part.strip())]
    match inspect.type_info(kind):
        case inspect.VarTupleType(item_type=inspect.StructType(cls=table)):
            read = _SHORT_FORMS[table]
            return tuple(read(item, f"{variable}, item {number}") for number, item in enumerate(items, 1))
        case inspect.VarTupleType(item_type=one):
            try:
                return msgspec.convert(items, kind)
            except msgspec.ValidationError:
                wrong = next(item for item in items if item not in getattr(one, "values", ()))
                raise SettingsError(f"{variable}: {shown(wrong)} is not {expected(one)}") from None
        case known:
            try:
                return msgspec.convert(text.strip(), kind, strict=False)
            except msgspec.ValidationError:
                instead = corrected(text, known)
                meant = f"; write {instead}" if instead else ""
                raise SettingsError(f"{variable}: {shown(text)} is not {expected(known)}{meant}") from None


def _read_listen(item: str, place: str) -> Table:
    return ListenTable(item)


def _read_parent(item: str, place: str) -> Table:
    return ParentTable(item)


def _read_rule(item: str, place: str) -> Table:
    host, _, port = item.rpartition(":")
    try:
        return msgspec.convert({"host": host, "port": port}, RuleTable, strict=False)
    except msgspec.ValidationError:
        raise SettingsError(f"{place}: {shown(item)} is not HOST:PORT, like ssm.example.net:443") from None


_SHORT_FORMS: Final = {ListenTable: _read_listen, ParentTable: _read_parent, RuleTable: _read_rule}
