"""Lines of a width on a terminal, where letters of Chinese, Japanese and Korean take two columns.

Widths are those of Unicode Standard Annex #11.
"""

import textwrap
from collections.abc import Iterator
from typing import Final
from unicodedata import east_asian_width

_NOT_FIRST: Final = "、。，・：；？！）」』】ーぁぃぅぇぉっゃゅょァィゥェォッャュョ"
"""Begin no line (JIS X 4051)."""

_NOT_LAST: Final = "（「『【"
"""End no line."""


def columns(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return len(text) + sum(map(_is_wide, text))


def padded(text: str, width: int) -> str:
    """The text with blanks behind it up to so many columns."""
    return text + " " * (width - columns(text))


def filled(text: str, width: int, title: str) -> str:
    """The text behind its title, in lines of at most so many columns, all of which begin in one column."""
    indent = columns(title)
    if not any(map(_is_wide, text)):
        lines = textwrap.wrap(text, width - indent, break_long_words=False, break_on_hyphens=False)
    else:
        lines = list(_wide_lines(text, width - indent))
    return f"\n{' ' * indent}".join([title + "".join(lines[:1]), *lines[1:]])


def _wide_lines(text: str, width: int) -> Iterator[str]:
    """Lines of a text that may break at blanks and beside wide letters."""
    line = ""
    for piece in _unbroken(text):
        if line and columns(line + piece.rstrip()) > width:
            yield line.rstrip()
            line = ""
        line += piece
    if line:
        yield line.rstrip()


def _unbroken(text: str) -> Iterator[str]:
    """The pieces of a text that stay on one line."""
    piece = ""
    for letter in text:
        may_break = piece[-1:] == " " or _is_wide(letter) or _is_wide(piece[-1:])
        if piece and may_break and letter not in _NOT_FIRST and letter != " " and piece[-1] not in _NOT_LAST:
            yield piece
            piece = ""
        piece += letter
    if piece:
        yield piece


def _is_wide(letter: str) -> bool:
    return letter != "" and east_asian_width(letter) in "WF"
