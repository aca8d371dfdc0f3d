"""What is drawn: headings, facts and tables, as texts that `plain` and `drawn` lay out."""

from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct

from licensegate.app.overview.words import LevelName


class Column(Struct, frozen=True):
    """A column of a table.

    `is_number` aligns it right. On a terminal that is too narrow, the columns with the greatest `gives_way` are left
    out first; those with 0 stay and are cut. A column `below` has its text on lines of its own under the row.
    """

    heading: str
    is_number: bool = False
    gives_way: int = 0
    below: bool = False


class TableRow(Struct, frozen=True):
    """The cells of a row, one for each column. `level` colours the first, empty for none."""

    cells: tuple[str, ...]
    level: LevelName | None = None


class TextTable(Struct, frozen=True):
    """A table. `title` may be empty. `empty` is said instead of no rows, `note` after the rows; both are for people."""

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[TableRow]
    empty: str = ""
    note: str = ""


class Headline(Struct, frozen=True):
    """A sentence of its own, in the colour of its level."""

    text: str
    level: LevelName | None = None


class FactList(Struct, frozen=True):
    """Names, each with its value."""

    title: str
    facts: Sequence[tuple[str, str]]


Block: TypeAlias = Headline | FactList | TextTable
