"""How the commands lay out what they say: a title, and beside it one line or several."""

from collections.abc import Iterable, Mapping
from typing import Final

_TITLE_WIDTH: Final = 14


def sections(lines: Mapping[str, Iterable[str]]) -> str:
    """Titles with their lines beside them; "none" where there is none."""
    return "\n".join(_section(title, list(beside)) for title, beside in lines.items())


def _section(title: str, lines: list[str]) -> str:
    first, *others = lines or ["none"]
    return "\n".join([f"{title:{_TITLE_WIDTH}}{first}", *(f"{'':{_TITLE_WIDTH}}{line}" for line in others)])
