"""Joins the lines that a terminal or a mail program wrapped, so that each line is one thing that the product printed.

A line continues the one before it if it begins nothing known and would not have fitted there: the width of the text is
its longest line. Mail programs wrap at blanks, terminals anywhere: if every wrapped line has exactly the width, it was
a terminal, and the parts are joined without a blank.
"""

import re
from typing import Final

from msgspec import Struct

from ..times import ISO_DATE
from .clean import PrintedLines
from .vocabulary import FREE_TEXT, KEYS, RULER, WORDS, begins, heading_of, is_named, may_begin, split_key

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
_WHOLE_TAG: Final = re.compile(r"_[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$", re.IGNORECASE)


class PrintedLine(Struct):
    """One thing that the product printed, with single blanks.

    `unfinished` is true for the last line of a text that may have been cut; `ruled` if a ruler follows.
    """

    text: str
    unfinished: bool = False
    ruled: bool = False


def joined(printed: PrintedLines) -> list[PrintedLine]:
    """Join wrapped lines, and leave out rulers and empty lines."""
    raw = printed.lines
    width = max(_width(raw), _NARROWEST)
    wrapped = _wrapped(raw, width)
    if printed.unfinished and len(raw) > 1 and may_begin(raw[-1].strip()) and split_key(raw[-2].strip())[0]:
        wrapped.discard(len(raw) - 1)
    terminal = _terminal_width(raw, wrapped)
    result: list[PrintedLine] = []
    for number, line in enumerate(raw):
        stripped = line.strip()
        if number in wrapped:
            result[-1].text = _join(result[-1].text, raw[number - 1], line, terminal, width)
        elif RULER.fullmatch(stripped):
            if result:
                result[-1].ruled = True
        elif stripped:
            result.append(PrintedLine(stripped))
    for each in result:
        each.text = " ".join(each.text.split())
    if result and printed.unfinished:
        result[-1].unfinished = True
    return result


def _width(raw: list[str]) -> int:
    """The length of the longest line that could have been wrapped: one with a blank in it."""
    stripped = (line.strip() for line in raw)
    lengths = (len(line.rstrip()) for line, text in zip(raw, stripped, strict=True) if " " in text)
    return max(lengths, default=0)


def _wrapped(raw: list[str], width: int) -> set[int]:
    """The numbers of the lines that continue the line before."""
    wrapped: set[int] = set()
    run, key = 0, ""
    for number in range(1, len(raw)):
        before, line = raw[number - 1].strip(), raw[number].strip()
        if not run:
            key, _ = split_key(before)
        parted = not before or not line or RULER.fullmatch(before) or RULER.fullmatch(line)
        if (
            not parted
            and run < _MOST_PARTS
            and _continues(raw[number - 1], raw[number], key in FREE_TEXT, not run, width)
        ):
            wrapped.add(number)
            run += 1
        else:
            run = 0
    return wrapped


def _continues(before: str, line: str, is_free_text: bool, is_begun: bool, width: int) -> bool:
    start, text = before.strip(), line.strip()
    does_not_fit = len(before.rstrip()) + 1 + len(text.split(maxsplit=1)[0]) > width or len(before) == width
    key, value = split_key(start)
    if not key and does_not_fit and not heading_of(start) and _completes_a_key(start, text):
        return True
    if does_not_fit and is_begun and not key and _is_tag(text) and _may_be_name(start):
        return True
    if not is_named(text) and (_lacks_its_end(start, text) or (key in KEYS and not value and not heading_of(start))):
        return True
    if begins(text, after_free_text=is_free_text and does_not_fit):
        return False
    if is_free_text:
        return True  # a reason is followed by a key
    return (does_not_fit and not _is_dated_row(text)) or (key in KEYS and _OPEN_DATE.search(value) is not None)


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
    found = ISO_DATE.search(text)
    return found is not None and found.start() > 0


def _lacks_its_end(start: str, text: str) -> bool:
    """Whether a row or a heading of a table clearly lacks its last columns, and `text` has them.

    Their columns are padded, so that it does not show in their length.
    """
    if start.count("(") > start.count(")"):
        return ")" in text
    if start.endswith(")") and _COUNTED.match(text):
        return True
    if _DATE_COLUMN.match(text) or (_DATE_AT_END.search(start) and _COUNTED.match(text)):
        return True
    return text == ":".join(start.split()[-2:])


def _terminal_width(raw: list[str], wrapped: set[int]) -> int:
    """The width of the terminal that wrapped these lines anywhere; 0 if they were wrapped at blanks."""
    widest = max(map(len, raw), default=0)
    full = [number for number in wrapped if len(raw[number - 1]) == widest]
    if len(full) * 2 <= len(wrapped):
        return 0
    is_terminal = len(full) > 2 or widest in _TERMINALS or any(raw[number][:1] == " " for number in full)
    return widest if is_terminal else 0


def _join(start: str, before: str, line: str, terminal: int, width: int) -> str:
    """Append a continuation with or without a blank."""
    if terminal and len(before) == terminal:
        is_date = _DATE_AT_END.search(start) and _CLOCK.match(line.strip())
        blank = " " if before[-1:] == " " or line[:1] == " " or is_date else ""
        return f"{start.rstrip()}{blank}{line.strip()}"
    text = line.strip()
    last, first = start.split()[-1], text.split(maxsplit=1)[0]
    is_full = len(before.rstrip()) == width or len(before) == width
    is_cut_word = is_full and (len(last) + len(first) > width or _are_one_word(last, first))
    is_cut_tag = "regid." in last and not _WHOLE_TAG.search(last) and not first.isdigit()
    is_hyphen = len(last) > 1 and last.endswith("-")
    return start + text if is_cut_word or is_cut_tag or is_hyphen else f"{start} {text}"


def _are_one_word(last: str, first: str) -> bool:
    last, first = last.lower(), first.lower()
    is_year = (last + first).isdigit() and len(last + first) == 4
    return is_year or (last + first in WORDS and not (last in WORDS and first in WORDS))
