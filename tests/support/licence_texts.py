"""Outputs of `show license …` in the shapes of many products, with invented names, and what is in them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

FOLDER = Path(__file__).resolve().parents[1] / "data" / "licensing"
NAMES = sorted(file.name.removesuffix(".txt") for file in FOLDER.glob("*.txt"))
PRINTED = [name for name in NAMES if not name.endswith((".json", ".xml", ".sql", ".page"))]


def text_of(name: str) -> str:
    """The text of an output."""
    return (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


def expected_of(name: str) -> dict[str, Any]:
    """The report of an output, as JSON has it."""
    content: dict[str, Any] = msgspec.json.decode((FOLDER / f"{name}.expected.json").read_bytes())
    return content


def leaves(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[tuple[object, ...], object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*path, number))
    elif value is not None:
        yield path, value


def wrong_values(
    found: object, whole: object, path: tuple[object, ...] = ()
) -> Iterator[tuple[tuple[object, ...], object]]:
    """The values of a report that the whole text does not have. Missing ones are not wrong, nor are missing items."""
    if isinstance(found, dict) and isinstance(whole, dict):
        for key, inner in found.items():
            yield from wrong_values(inner, whole.get(key), (*path, key))
    elif isinstance(found, list) and isinstance(whole, list):
        left = iter(whole)
        if not all(any(not list(wrong_values(item, other)) for other in left) for item in found):
            yield path, found
    elif found is not None and found != whole:
        yield path, found
