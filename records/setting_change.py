"""How one setting differs: the fact, and the words for it. Secrets are only said to be others."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from msgspec import Struct, structs

USERS: Final = "users"
CERTIFICATE: Final = "certificate"
CLIENT_AUTHORITIES: Final = "client_authorities"

_MOST_NAMED: Final = 5
_MOST_SAID: Final = 20
_LONGEST: Final = 80


class SettingChange(Struct, frozen=True, omit_defaults=True):
    """A setting by its dotted key, or USERS, CERTIFICATE or CLIENT_AUTHORITIES for what the files hold.

    `item` names one of a list of tables, such as the rule; a table without a value `before` is added, one without a
    value `after` is removed. Of a list, only what was `added` and `removed` is named, and of users those with `another`
    password, as far as they are not `left_out`. `hidden` says what was replaced by another, such as "password": both
    values stay unsaid.
    """

    setting: str
    item: str = ""
    before: Any = None
    after: Any = None
    added: tuple[Any, ...] = ()
    removed: tuple[Any, ...] = ()
    another: tuple[str, ...] = ()
    hidden: str = ""
    left_out: int = 0


def shortened(change: SettingChange, most: int) -> SettingChange:
    """The change with at most so many names in each of its lists; the others are counted."""
    lists = (change.added, change.removed, change.another)
    added, removed, another = (names[:most] for names in lists)
    left_out = change.left_out + sum(max(0, len(names) - most) for names in lists)
    return structs.replace(change, added=added, removed=removed, another=another, left_out=left_out)


def in_words(changes: Iterable[SettingChange]) -> list[str]:
    """A sentence for each changed setting, or for each kind of change of the users; after many, how many more."""
    said = [
        sentence
        for _, of_setting in groupby(changes, lambda each: (each.setting, _is_whole_table(each)))
        for sentence in _sentences(list(of_setting))
    ]
    more = len(said) - _MOST_SAID
    return [*said[:_MOST_SAID], f"{more} more changes"] if more > 1 else said


def named(items: Sequence[str]) -> str:
    """Name the first few items, and count the others."""
    more = len(items) - _MOST_NAMED
    return ", ".join(items[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _is_whole_table(change: SettingChange) -> bool:
    return bool(change.item) and (isinstance(change.before, Mapping) or isinstance(change.after, Mapping))


def _sentences(changes: list[SettingChange]) -> Iterator[str]:
    """Sentences for the changes of one setting; tables that were added or removed share one."""
    if _is_whole_table(changes[0]):
        added = [each.after for each in changes if each.after is not None]
        removed = [each.before for each in changes if each.before is not None]
        yield f"{changes[0].setting} {_added_and_removed(added, removed)}"
        return
    for each in changes:
        yield from _one(each)


def _one(change: SettingChange) -> Iterator[str]:
    if change.setting == USERS:
        yield from _users(change)
    elif change.setting == CERTIFICATE:
        yield f"a new certificate is in force, SHA-256 {change.after['sha256']}"
    elif change.setting == CLIENT_AUTHORITIES:
        yield "other authorities or revocation lists for clients' certificates"
    else:
        of = f" of {_shown(change.item)}" if change.item else ""
        where = f"{change.setting}{of}"
        yield f"another {change.hidden} in {where}" if change.hidden else f"{where} {_how(change)}"


def _how(change: SettingChange) -> str:
    if change.added or change.removed:
        return _added_and_removed(change.added, change.removed)
    if isinstance(change.after, list | tuple) and isinstance(change.before, list | tuple):
        return "in another order"
    return f"from {_shown(change.before)} to {_shown(change.after)}"


def _added_and_removed(added: Sequence[object], removed: Sequence[object]) -> str:
    parts = (("adds", added), ("removes", removed))
    return " and ".join(f"{verb} {named([_shown(item) for item in items])}" for verb, items in parts if items)


def _users(change: SettingChange) -> Iterator[str]:
    kinds = (("added", change.added), ("removed", change.removed), ("with another password", change.another))
    for what, names in kinds:
        if names:
            yield f"{len(names)} {'user' if len(names) == 1 else 'users'} {what}: {named(names)}"


def _shown(value: object) -> str:
    """The value as TOML writes it, on one line; a table without its empty and false values."""
    if isinstance(value, Mapping):
        parts = [f"{key} = {_shown(part)}" for key, part in value.items() if part not in (None, "", (), [], False)]
        text = f"{{{', '.join(parts)}}}"
    elif value is None:
        text = "unset"
    else:
        text = json.dumps(value, ensure_ascii=False)
        text = text if text.isprintable() else json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
