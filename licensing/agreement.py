"""What two readings of one text agree on."""

import re
from collections.abc import Sequence
from typing import Final, TypeVar

from msgspec import Struct, structs

Read = TypeVar("Read", bound=Struct)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT")
_FROM_TABLES: Final = ("status", "result", "type", "model")
"""Values from tables of known words: a text does not become one by a wrong join."""


def agreed(one: Read, other: Read) -> Read:
    """Keep the values that both readings have; others are missing. Of lists, the items that are in both.

    Dates and known words stay if only one reading has them: no wrong join makes one.
    """
    if one == other:
        return one
    changes: dict[str, object] = {}
    for name in one.__struct_fields__:
        mine, theirs = getattr(one, name), getattr(other, name)
        if mine == theirs:
            continue
        if isinstance(mine, list):
            changes[name] = _agreed_items(mine, theirs)
        elif isinstance(mine, Struct) and type(mine) is type(theirs):
            changes[name] = agreed(mine, theirs)
        elif (mine is None or theirs is None) and _proves_itself(name, found := mine or theirs):
            changes[name] = found
        else:
            changes[name] = None
    return structs.replace(one, **changes)


def _proves_itself(name: str, value: object) -> bool:
    return isinstance(value, str) and (name in _FROM_TABLES or _DATE.match(value) is not None)


def _agreed_items(mine: Sequence[object], theirs: Sequence[object]) -> list[object]:
    """The items of two lists: compared one by one if there are as many, else those that are in both."""
    if len(mine) != len(theirs):
        return [each for each in mine if each in theirs]
    pairs = zip(mine, theirs, strict=True)
    return [
        agreed(one, other) if isinstance(one, Struct) and isinstance(other, Struct) else one
        for one, other in pairs
        if one == other or isinstance(one, Struct)
    ]
