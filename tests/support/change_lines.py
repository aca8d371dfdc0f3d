"""The log of changes of a running gate."""

import json
from pathlib import Path
from typing import Any

from support.sockets import spin_until


def with_changes(settings: str, place: str = "changes.jsonl") -> str:
    """These settings of a gate, and its changes written there."""
    return settings.replace("[log]\n", f'[log]\nchanges = "{place}"\n')


def changes_in(file: Path) -> list[dict[str, Any]]:
    """The changes so far. Raises ValueError for a line that is not whole."""
    text = file.read_text() if file.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def await_kind(file: Path, kind: str, number: int = 1) -> dict[str, Any]:
    """Wait for so many changes of this kind and return the last one. Raises AssertionError."""
    spin_until(lambda: sum(change["kind"] == kind for change in changes_in(file)) >= number)
    return [change for change in changes_in(file) if change["kind"] == kind][-1]
