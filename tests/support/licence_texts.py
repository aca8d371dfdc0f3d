"""Outputs of `show license …` in the shapes of many products, with invented names, and what is in them."""

from pathlib import Path
from typing import Any

import msgspec

FOLDER = Path(__file__).resolve().parents[1] / "data" / "licensing"
NAMES = sorted(file.name.removesuffix(".txt") for file in FOLDER.glob("*.txt"))
PRINTED = [name for name in NAMES if not name.endswith((".json", ".xml"))]


def text_of(name: str) -> str:
    """The text of an output."""
    return (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


def expected_of(name: str) -> dict[str, Any]:
    """The report of an output, as JSON has it."""
    content: dict[str, Any] = msgspec.json.decode((FOLDER / f"{name}.expected.json").read_bytes())
    return content
