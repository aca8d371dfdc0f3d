"""What two readings agree on: of one text, or of two outputs of one device."""

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


def is_empty(report: Struct) -> bool:
    """Whether nothing is known: every value is missing."""
    return all(_is_missing(getattr(report, name)) for name in report.__struct_fields__)


def completed(one: Read, other: Read) -> Read | None:
    """The values of both, if no value of one contradicts the other; None if one does.

    Of two lists, the one that says more counts: a summary cuts the tags that another output has whole.
    """
    changes: dict[str, object] = {}
    for name in one.__struct_fields__:
        mine, theirs = getattr(one, name), getattr(other, name)
        if mine == theirs or _is_missing(theirs):
            continue
        if _is_missing(mine):
            changes[name] = theirs
        elif isinstance(mine, list):
            changes[name] = max(mine, theirs, key=_values)
        elif isinstance(mine, Struct) and type(mine) is type(theirs):
            changes[name] = completed(mine, theirs)
            if changes[name] is None:
                return None
        else:
            return None
    return structs.replace(one, **changes)


def _is_missing(value: object) -> bool:
    return value is None or value == [] or (isinstance(value, Struct) and is_empty(value))


def _values(items: Sequence[object]) -> int:
    return sum(
        not _is_missing(getattr(item, name)) if isinstance(item, Struct) else 1
        for item in items
        for name in (item.__struct_fields__ if isinstance(item, Struct) else ("",))
    )


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
