"""Layout of the commands' output: a title with one or more lines beside it."""

from collections.abc import Iterable, Mapping
from typing import Final

_TITLE_WIDTH: Final = 14


def sections(lines: Mapping[str, Iterable[str]]) -> str:
    """Put each title beside its lines, or beside "none" if it has no lines."""
    return "\n".join(_section(title, list(beside)) for title, beside in lines.items())


def _section(title: str, lines: list[str]) -> str:
    first, *others = lines or ["none"]
    return "\n".join([f"{title:{_TITLE_WIDTH}}{first}", *(f"{'':{_TITLE_WIDTH}}{line}" for line in others)])
