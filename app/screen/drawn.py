"""Blocks drawn by rich for a terminal: colours, lines that fit its width, and a picture that is renewed in place."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from licensegate.app.overview.words import LevelName
from licensegate.app.terminal import escaped
from licensegate.language.columns import filled

from .plain import padding
from .tables import Block, Column, FactList, Headline, TableRow, TextTable
from .values import NOTHING

_GAP: Final = 2
_INDENT: Final = 4
_LEAST: Final = 8
"""The least width that a column is cut to."""

_LEAST_BESIDE: Final = 16
"""The least room for a value beside its name."""

_MOST: Final = 48
"""The most that a column takes, whatever stands in it."""

_COLOURS: Final[dict[LevelName | None, str]] = {
    "ok": "green",
    "unknown": "cyan",
    "warning": "yellow",
    "critical": "bold red",
    None: "",
}


def console_here() -> Console:
    """The terminal of standard output. rich leaves colours out if NO_COLOR is set."""
    return Console(highlight=False, markup=False, emoji=False)


@contextmanager
def screen(console: Console) -> Iterator[Callable[[Sequence[Block], str], None]]:
    """Take the whole screen until the end. Yields what draws blocks, below a trouble if there is one."""
    with Live(console=console, screen=True, auto_refresh=False) as live:

        def draw(blocks: Sequence[Block], trouble: str) -> None:
            shown = [Headline(trouble, "critical"), *blocks] if trouble else blocks
            live.update(drawing(shown, console), refresh=True)

        yield draw


def drawing(blocks: Sequence[Block], console: Console) -> Group:
    """The blocks for this terminal, one empty line between two of them."""
    parts: list[RenderableType] = []
    for number, block in enumerate(blocks):
        if number:
            parts.append(Text())
        parts.extend(_parts(block, console))
    return Group(*parts)


def _parts(block: Block, console: Console) -> Iterator[RenderableType]:
    match block:
        case Headline(text=text, level=level):
            yield Text(escaped(text), style=f"bold {_COLOURS[level]}")
        case FactList(title=title, facts=facts):
            yield from _title(title)
            yield from _facts(facts, console)
        case TextTable(title=title):
            yield from _title(title)
            yield from _table(block, console)


def _title(title: str) -> Iterator[RenderableType]:
    if title:
        yield Text(escaped(title), style="bold")


def _facts(facts: Sequence[tuple[str, str]], console: Console) -> Iterator[RenderableType]:
    """Each value beside its name, or below it where there is little room."""
    widest = max((cell_len(escaped(name)) for name, _ in facts), default=0)
    for name, value in facts:
        shown_name, shown_value = Text(escaped(name), style="dim"), escaped(value)
        if console.width - widest - _GAP < _LEAST_BESIDE:
            yield shown_name
            yield Text(filled(shown_value, console.width, " " * _GAP))
            continue
        line = Table.grid(padding=(0, _GAP, 0, 0))
        line.add_column(width=widest, no_wrap=True)
        line.add_column(overflow="fold")
        line.add_row(shown_name, Text(shown_value))
        yield line


def _table(table: TextTable, console: Console) -> Iterator[RenderableType]:
    if not table.rows:
        yield Text(escaped(table.empty), style="dim")
        return
    more = "~" if console.options.ascii_only else "…"
    shown = fitting(table, console.width)
    columns = [table.columns[place] for place, _ in shown]
    yield _line([column.heading for column in columns], columns, shown, more, "dim underline")
    below = [place for place, column in enumerate(table.columns) if column.below]
    for row in table.rows:
        yield _row(row, columns, shown, more)
        for place in below:
            if row.cells[place]:
                yield _below(row.cells[place], place == below[0], console)
    if table.note:
        yield Text(escaped(table.note), style="dim")


def _below(text: str, is_first: bool, console: Console) -> RenderableType:
    """What happened, or below it, behind an arrow, what to change."""
    mark = "" if is_first else "-> " if console.options.ascii_only else "→ "
    return Text(filled(escaped(text), max(_LEAST, console.width), " " * _INDENT + mark))


def fitting(table: TextTable, width: int) -> list[tuple[int, int]]:
    """The columns that fit side by side, each by its place and the width that it gets.

    Those that give way are left out if there is nothing in them, then the greatest number first; then the widest are
    cut.
    """
    widths = {
        place: min(_MOST, max(cell_len(escaped(text)) for text in (column.heading, *_cells(table, place))))
        for place, column in enumerate(table.columns)
        if not column.below and not (column.gives_way and set(_cells(table, place)) <= {"", NOTHING})
    }
    while _taken(widths) > width:
        optional = [place for place in widths if table.columns[place].gives_way]
        if optional:
            del widths[max(optional, key=lambda place: table.columns[place].gives_way)]
            continue
        widest = max(widths, key=widths.__getitem__)
        if widths[widest] <= _LEAST:
            break
        widths[widest] = max(_LEAST, widths[widest] - (_taken(widths) - width))
    return list(widths.items())


def _taken(widths: dict[int, int]) -> int:
    return sum(widths.values()) + _GAP * (len(widths) - 1)


def _cells(table: TextTable, place: int) -> Iterator[str]:
    return (row.cells[place] for row in table.rows)


def _row(row: TableRow, columns: Sequence[Column], shown: Sequence[tuple[int, int]], more: str) -> Text:
    line = _line([row.cells[place] for place, _ in shown], columns, shown, more, "")
    if row.level is not None:
        line.stylize(_COLOURS[row.level], 0, len(escaped(row.cells[shown[0][0]])))
    return line


def _line(
    cells: Sequence[str], columns: Sequence[Column], shown: Sequence[tuple[int, int]], more: str, style: str
) -> Text:
    line = Text(no_wrap=True, overflow="crop")
    for number, (cell, column, (_, width)) in enumerate(zip(cells, columns, shown, strict=True)):
        if number:
            line.append(" " * _GAP)
        line.append(_fitted(escaped(cell), width, more, is_number=column.is_number), style)
    line.rstrip()
    return line


def _fitted(cell: str, width: int, more: str, *, is_number: bool) -> str:
    """The cell with blanks to its width, or cut with the sign that there is more."""
    taken = cell_len(cell)
    if taken > width:
        return f"{set_cell_size(cell, width - 1)}{more}"
    return padding(width - taken, cell, is_number=is_number)
