"""Blocks as plain text for pipes: no colour, no lines, the same columns at any width, a row on each line."""

from collections.abc import Iterable, Iterator, Sequence

from licensegate.app.terminal import escaped
from licensegate.language.columns import columns

from .tables import Block, FactList, Headline, TextTable
from .values import NOTHING

_GAP = "  "


def plain_text(blocks: Iterable[Block]) -> str:
    """The blocks, one empty line between two of them, with a final newline."""
    return "\n".join("".join(f"{line}\n" for line in _lines(block)) for block in blocks)


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Headline(text=text):
            yield escaped(text)
        case FactList(title=title, facts=facts):
            if title:
                yield escaped(title)
            yield from aligned([(name, value) for name, value in facts])
        case TextTable(title=title, rows=rows):
            if title:
                yield escaped(title)
            headings = tuple(column.heading for column in block.columns)
            numbers = [column.is_number for column in block.columns]
            yield from aligned([headings, *(row.cells for row in rows)], numbers)


def aligned(rows: Sequence[Sequence[str]], numbers: Sequence[bool] = ()) -> Iterator[str]:
    """Rows in columns as wide as their widest cell, the numbers at the right. The last column is not padded.

    Two blanks or more are between two columns, and never within one.
    """
    cells = [[" ".join(escaped(cell).split()) or NOTHING for cell in row] for row in rows]
    widths = [max(map(columns, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = [
            padding(width - columns(cell), cell, is_number=place < len(numbers) and numbers[place])
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield _GAP.join(padded).rstrip()


def padding(blanks: int, cell: str, *, is_number: bool) -> str:
    """The cell with blanks before a number and after a text."""
    return " " * blanks + cell if is_number else cell + " " * blanks
