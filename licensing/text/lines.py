"""Joins the lines that a terminal or a mail program wrapped, so that each line is one thing that the product printed.

A line continues the one before it if it begins nothing known and would not have fitted there: the width of the text is
its longest line, counted as it was pasted, because pager prompts and colours took part in the wrapping. Mail programs
wrap at blanks, terminals anywhere: if every wrapped line has exactly the width, it was a terminal, and the parts are
joined without a blank.

Sometimes nothing tells whether a blank stood where a line was wrapped, because blanks at the edges were lost. Such a
text has two readings, and only what both say is known.
"""

import re
from itertools import pairwise
from typing import Final

from msgspec import Struct, structs

from ..times import ISO_DATE
from .clean import PrintedLines
from .session import RawLine
from .vocabulary import FREE_TEXT, KEYS, RULER, WORDS, begins, ends_row, heading_of, is_named, may_begin, split_key

_MOST_PARTS: Final = 30  # one thing fills no more lines; bounds the work of joining
_NARROWEST: Final = 40  # nothing wraps at less
_TERMINALS: Final = (80, 100, 120, 132, 160)
_OPEN_DATE: Final = re.compile(
    r"(?:\bon|[A-Z][a-z]{2} \d{1,2} \d\d:\d\d:\d\d(?: \d{4})?|[A-Z][a-z]{2} \d{1,2}(?: \d{4})?)$"
)
_DATE_COLUMN: Final = re.compile(r"\d{4}-\d\d-\d\d\b")
_DATE_AT_END: Final = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?$")
_CLOCK: Final = re.compile(r"\d\d:\d\d:\d\d\b")
_COUNTED: Final = re.compile(r"\d+(?:\s+\D|$)|\d\d:\d\d:\d\d\b")
_HEXADECIMAL: Final = re.compile(r"-?[0-9a-f]{1,12}(?:-[0-9a-f]{0,12}){0,4}(?:[\s)]|$)", re.IGNORECASE)
_WHOLE_TAG: Final = re.compile(r"_[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$", re.IGNORECASE)


class PrintedLine(Struct):
    """One thing that the product printed, with single blanks.

    `unfinished` is true for a line that may have been cut, `headless` for one whose beginning may be missing; `ruled`
    if a ruler follows, `parted` if an empty line stands before it in a text where not every line has one.
    """

    text: str
    unfinished: bool = False
    ruled: bool = False
    headless: bool = False
    parted: bool = False


class JoinedLines(Struct, frozen=True):
    """The lines of a text. `otherwise` has the uncertain joins the other way; it is None if there are none."""

    lines: list[PrintedLine]
    otherwise: list[PrintedLine] | None


class _Shape(Struct, frozen=True):
    """How wide a text is, as printed and as pasted; `terminal` is true if a terminal wrapped it, at any letter.

    `keeps_edges` is true if some line is indented: then blanks at the edges of lines were not lost.
    """

    width: int
    widest: int
    pasted: int
    terminal: bool
    keeps_edges: bool

    def is_full(self, line: RawLine) -> bool:
        """Whether a line has the width of the text."""
        return self.width in (len(line.text), len(line.text.rstrip())) or line.pasted == self.pasted

    def is_widest(self, line: RawLine) -> bool:
        """Whether a line ends where the terminal does, if one wrapped the text."""
        return len(line.text) == self.widest or line.pasted == self.pasted

    def may_be_full(self, line: RawLine) -> bool:
        """Whether a terminal may have ended a line; of one with tabs nothing tells."""
        return self.is_widest(line) or line.pasted < len(line.text)

    def has_no_room(self, line: RawLine, following: str) -> bool:
        """Whether the first word of the following text would not have fitted into a line."""
        room = 1 + len(following.split(maxsplit=1)[0])
        is_longer = line.pasted > len(line.text)
        return (
            len(line.text.rstrip()) + room > self.width
            or len(line.text) == self.width
            or (is_longer and line.pasted + room > self.pasted)
        )


def joined(printed: PrintedLines) -> JoinedLines:
    """Join wrapped lines, and leave out rulers and empty lines."""
    raw = printed.lines
    shape = _shape(raw)
    wrapped = _wrapped(raw, shape)
    if printed.unfinished and len(raw) > 1 and _may_begin_at_end(raw[-2].text.strip(), raw[-1].text.strip()):
        wrapped.discard(len(raw) - 1)
    shape = structs.replace(shape, terminal=_is_terminal(raw, wrapped, shape))
    lines, otherwise = (_joined(raw, wrapped, shape, other) for other in (False, True))
    for each in (lines, otherwise):
        if each and printed.unfinished:
            each[-1].unfinished = True
    return JoinedLines(lines, otherwise if otherwise != lines else None)


def mark_neighbours(lines: list[PrintedLine], strays: list[int]) -> bool:
    """Mark the lines beside those at `strays`, which have neither a place nor a key: they may be parts of one line.

    Returns False if there are none to mark. A wrapped line goes on before the next empty one.
    """
    marked = False
    for number in strays:
        if number and not lines[number].parted:
            marked = lines[number - 1].unfinished = True
        if number + 1 < len(lines) and not lines[number + 1].parted:
            marked = lines[number + 1].headless = True
    return marked


def _may_begin_at_end(before: str, text: str) -> bool:
    """Whether the last line of a text, which may have been cut, is the beginning of a key or of a row with a GUID."""
    if split_key(before)[0]:
        return may_begin(text)
    return "regid." in before and _HEXADECIMAL.fullmatch(text) is not None


def _joined(raw: list[RawLine], wrapped: set[int], shape: _Shape, otherwise: bool) -> list[PrintedLine]:
    result: list[PrintedLine] = []
    has_paragraphs = any(one.text.strip() and other.text.strip() for one, other in pairwise(raw))
    for number, line in enumerate(raw):
        stripped = line.text.strip()
        if number in wrapped:
            result[-1].text = _join(result[-1].text, raw[number - 1], line, shape, otherwise)
        elif RULER.fullmatch(stripped):
            if result:
                result[-1].ruled = True
        elif stripped:
            is_parted = has_paragraphs and number > 0 and not raw[number - 1].text.strip()
            result.append(PrintedLine(stripped, parted=is_parted))
    for each in result:
        each.text = " ".join(each.text.split())
    return result


def _shape(raw: list[RawLine]) -> _Shape:
    """The widths of a text: those of the longest line that could have been wrapped, which has a blank in it."""
    spaced = [line for line in raw if " " in line.text.strip()]
    return _Shape(
        width=max(_NARROWEST, max((len(line.text.rstrip()) for line in spaced), default=0)),
        pasted=max(_NARROWEST, max((line.pasted for line in raw), default=0)),
        widest=max((len(line.text) for line in raw), default=0),
        terminal=False,
        keeps_edges=any(line.text[:1] == " " for line in raw if line.text.strip()),
    )


def _wrapped(raw: list[RawLine], shape: _Shape) -> set[int]:
    """The numbers of the lines that continue the line before."""
    wrapped: set[int] = set()
    run, key = 0, ""
    for number in range(1, len(raw)):
        before, line = raw[number - 1].text.strip(), raw[number].text.strip()
        if not run:
            key, _ = split_key(before)
        parted = not before or not line or RULER.fullmatch(before) or RULER.fullmatch(line)
        following = raw[number + 1].text.strip() if number + 1 < len(raw) else ""
        if (
            not parted
            and run < _MOST_PARTS
            and _continues(raw[number - 1], line, key in FREE_TEXT, not run, shape)
            and (key in FREE_TEXT or not _may_begin(key, line, following))
        ):
            wrapped.add(number)
            run += 1
        else:
            run = 0
    return wrapped


def _continues(before: RawLine, text: str, is_free_text: bool, is_begun: bool, shape: _Shape) -> bool:
    start = before.text.strip()
    does_not_fit = shape.has_no_room(before, text)
    key, value = split_key(start)
    if not key and does_not_fit and not heading_of(start) and _completes_a_key(start, text):
        return True
    if does_not_fit and is_begun and not key and _is_tag(text) and _may_be_name(start):
        return True
    if (start.endswith("-") or text.startswith("-")) and _HEXADECIMAL.match(text):
        return True  # a tag
    if not is_named(text) and (_lacks_its_end(start, text) or (key in KEYS and not value and not heading_of(start))):
        return True
    if does_not_fit and key in KEYS and value and text.isalpha() and heading_of(text):
        return True  # headings of one word end with a colon
    if begins(text, after_free_text=is_free_text and does_not_fit):
        return False
    if is_free_text:
        return True  # a reason is followed by a key
    return (does_not_fit and not _is_dated_row(text)) or (key in KEYS and _OPEN_DATE.search(value) is not None)


def _may_begin(key: str, text: str, following: str) -> bool:
    """Whether a line may belong to the following one: as the beginning of its key, or of a licence's name."""
    return _completes_a_key(text, following) or (key in KEYS and following.endswith(":") and ends_row(following))


def _completes_a_key(start: str, text: str) -> bool:
    return any(split_key(start + blank + text)[0] in KEYS for blank in ("", " "))


def _is_tag(text: str) -> bool:
    """Whether this is the tag of a licence alone, which may stand behind its name on the line before."""
    if text.startswith(("regid.", "(regid.")):
        return True
    return text.startswith("(") and not text.rpartition(")")[2].strip(" :")


def _may_be_name(text: str) -> bool:
    if "regid." in text or "entitlement tag" in text.lower():
        return False
    return not is_named(text) and not text.rpartition(")")[2].lstrip()[:1].isdigit()


def _is_dated_row(text: str) -> bool:
    """Whether this begins a row of a table with dates, as AsyncOS prints: a name, a state, a date, a count."""
    found = ISO_DATE.search(" ".join(text.split()))
    return found is not None and found.start() > 0


def _lacks_its_end(start: str, text: str) -> bool:
    """Whether a row or a heading of a table clearly lacks its last columns, and `text` has them.

    Their columns are padded, so that it does not show in their length.
    """
    if start.count("(") > start.count(")"):
        return ")" in text
    return _is_column(start, text)


def _is_column(start: str, text: str) -> bool:
    """Whether `text` begins with the next column of the row that `start` begins."""
    if _COUNTED.match(text) and (start.endswith(")") or _DATE_AT_END.search(start)):
        return True
    return _DATE_COLUMN.match(text) is not None or text == ":".join(start.split()[-2:])


def _is_terminal(raw: list[RawLine], wrapped: set[int], shape: _Shape) -> bool:
    """Whether a terminal wrapped these lines anywhere, rather than a mail program at blanks."""
    full = [number for number in wrapped if shape.is_widest(raw[number - 1])]
    if len(full) * 2 <= len(wrapped):
        return False
    is_known = shape.widest in _TERMINALS or shape.pasted in _TERMINALS
    return len(full) > 2 or is_known or any(raw[number].text[:1] == " " for number in full)


def _join(start: str, before: RawLine, line: RawLine, shape: _Shape, otherwise: bool) -> str:
    """Append a continuation with or without a blank; `otherwise` where that is uncertain."""
    text = line.text.strip()
    last, first = start.split()[-1], text.split(maxsplit=1)[0]
    is_cut_tag = "regid." in last and not _WHOLE_TAG.search(last) and _continues_tag(last, first)
    if _is_column(start, text) or _WHOLE_TAG.search(last):
        has_blank = is_certain = True
    elif shape.terminal and shape.is_widest(before):
        is_date = _DATE_AT_END.search(start) is not None and _CLOCK.match(text) is not None
        has_blank = before.text[-1:] == " " or line.text[:1] == " " or is_date
        is_certain = has_blank or shape.keeps_edges or is_cut_tag or _are_one_word(last, first)
    else:
        is_cut_word = shape.is_full(before) and (len(last) + len(first) > shape.width or _are_one_word(last, first))
        is_hyphen = len(last) > 1 and last.endswith("-")
        has_blank = not (is_cut_word or is_cut_tag or is_hyphen)
        is_wrapped_at_blank = shape.keeps_edges and not shape.terminal and shape.has_no_room(before, text)
        is_certain = (
            is_cut_tag
            or is_hyphen  # nobody prints a blank behind a hyphen within a word
            or (has_blank and is_wrapped_at_blank and not shape.may_be_full(before))
            or (is_cut_word and _are_one_word(last, first))
        )
    blank = has_blank if is_certain or not otherwise else not has_blank
    return f"{start.rstrip()} {text}" if blank else start.rstrip() + text


def _continues_tag(last: str, first: str) -> bool:
    """Whether a word goes on with a tag that has no end: digits may be the count behind it."""
    return not first.isdigit() or last.endswith("-") or _WHOLE_TAG.search(last + first) is not None


def _are_one_word(last: str, first: str) -> bool:
    last, first = last.lower(), first.lower()
    is_year = (last + first).isdigit() and len(last + first) == 4
    return is_year or (last + first in WORDS and not (last in WORDS and first in WORDS))
