"""Finds what differs between two sets of settings, key by key and rule by rule. No value of a login is in it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from licensegate.records.setting_change import SettingChange

from .schema import File, values
from .secrecy import PRIVATE, without_logins

Values = Mapping[str, object]
"""The value of each key by its dotted name, as `schema.values` has them."""

TABLE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "listen": ("address",),
    "client": ("name",),
    "product": ("client",),
    "parent": ("url",),
    "allowlist.rule": ("host", "port"),
    "tunnel.network": ("networks",),
}
"""The keys that tell the tables of a list apart."""


def setting_changes(before: Values, after: Values) -> Iterator[SettingChange]:
    """Yield the changes of each key. Both have the value of each."""
    for key, new in after.items():
        old = before.get(key)
        if old == new:
            continue
        if key in TABLE_NAMES and isinstance(old, Sequence) and isinstance(new, Sequence):
            yield from _tables(key, old, new)
        else:
            yield _value(key, "", old, new)


def from_defaults(after: Values) -> Iterator[SettingChange]:
    """Yield how these differ from the built-in defaults."""
    return setting_changes(values(File()), after)


def _value(key: str, item: str, old: object, new: object) -> SettingChange:
    if key in PRIVATE:
        return SettingChange(key, item, hidden="value")
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        added = tuple(each for each in new if each not in old)
        removed = tuple(each for each in old if each not in new)
        if added or removed:
            return SettingChange(key, item, added=added, removed=removed)
    return SettingChange(key, item, old, new)


def _tables(key: str, old: Sequence[Values], new: Sequence[Values]) -> Iterator[SettingChange]:
    """Yield the tables that were removed or added, the changes within the others, and another order of these."""
    was, now = _by_name(key, old), _by_name(key, new)
    for name in was:
        if name not in now:
            yield SettingChange(key, name, before=without_logins(key, was[name]))
    for name in now:
        if name not in was:
            yield SettingChange(key, name, after=without_logins(key, now[name]))
    kept = [name for name in now if name in was]
    for name in kept:
        for part, value in now[name].items():
            if value != was[name][part]:
                yield _value(f"{key}.{part}", name, was[name][part], value)
    if kept != [name for name in was if name in now]:
        yield SettingChange(key, before=tuple(was), after=tuple(now))


def _by_name(key: str, tables: Sequence[Values]) -> dict[str, Values]:
    """The tables by their names; of two with the same name, the second one has a number too."""
    named: dict[str, Values] = {}
    seen: Counter[str] = Counter()
    for table in tables:
        name = ":".join(_text(table[part]) for part in TABLE_NAMES[key])
        seen[name] += 1
        named[name if seen[name] == 1 else f"{name} #{seen[name]}"] = table
    return named


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
