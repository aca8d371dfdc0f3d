"""Says in words how two sets of settings differ."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

_MOST_NAMED: Final = 5
_LONGEST: Final = 80


def setting_changes(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[str]:
    """Yield a sentence for each key whose value differs. Both have the value of each key by its dotted name."""
    for key, new in after.items():
        old = before.get(key)
        if old == new:
            continue
        if isinstance(old, Sequence) and isinstance(new, Sequence) and not isinstance(old, str):
            yield f"{key} {_list_change(old, new)}"
        else:
            yield f"{key} from {_shown(old)} to {_shown(new)}"


def named(items: Sequence[str]) -> str:
    """Name the first few items, and count the others."""
    more = len(items) - _MOST_NAMED
    return ", ".join(items[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _list_change(old: Sequence[object], new: Sequence[object]) -> str:
    added = [_shown(item) for item in new if item not in old]
    removed = [_shown(item) for item in old if item not in new]
    said = [f"{verb} {named(items)}" for verb, items in (("adds", added), ("removes", removed)) if items]
    return " and ".join(said) or "in another order"


def _shown(value: object) -> str:
    """The value as TOML writes it, on one line; a table without its empty and false values."""
    if isinstance(value, Mapping):
        text = ", ".join(f"{key} = {_shown(part)}" for key, part in value.items() if part not in (None, "", (), False))
        text = f"{{{text}}}"
    elif value is None:
        text = "unset"
    else:
        text = json.dumps(value, ensure_ascii=isinstance(value, str) and not value.isprintable())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
