"""Removes what a web page or a stored mail adds to a text, and what a logger or an editor writes before every line."""

import html
import quopri
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

_ENTITY: Final = re.compile(r"&(?:lt|gt|amp|quot|nbsp|#\d{1,6}|#x[0-9a-f]{1,5});", re.IGNORECASE)
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\"}
_ESCAPED: Final = re.compile(r"\\([nrt\"'\\])")
_SOFT_BREAK: Final = re.compile(r"[^=]=\r?\n|=20\r?\n|(?:=3D){3}")
_NOT_QUOTED: Final = re.compile(r"=(?![0-9A-F]{2}|\r?\n|$)")
_MARKUP: Final = re.compile(
    r"</?(?:pre|code|tt|samp|br|p|div|span|font|b|i|td|tr|html|body)(?:\s[^<>\n]{0,200})?/?>", re.IGNORECASE
)
_DATE: Final = r"\d{4}-\d\d-\d\d"
_TIME: Final = r"\d{1,2}:\d\d:\d\d(?:[.,]\d{1,6})?"
_ZONE: Final = r"(?:Z|[+-]\d\d:?\d\d)?"
_FROM: Final = r"[\w.:-]{1,64} [\w./-]{1,64}"  # the host and the program
_LOGGED: Final = tuple(
    re.compile(form)
    for form in (
        rf"(?:<\d{{1,3}}>)?[A-Z][a-z]{{2}} [ \d]\d {_TIME} {_FROM}(?:\[\d{{1,9}}\])?: ?",
        rf"(?:<\d{{1,3}}>1 )?{_DATE}T{_TIME}{_ZONE} {_FROM} \S{{1,64}} \S{{1,64}} -(?: |$)",
        rf"{_DATE}T{_TIME}{_ZONE} {_FROM}(?:\[\d{{1,9}}\])?: ?",
        rf"[\[(]?(?:{_DATE}[T ])?{_TIME}{_ZONE}[\])]?:?(?: |$)",
    )
)
"""Times before each line: of syslog (RFC 3164; RFC 5424), with ISO dates, of a terminal that logs."""

_QUOTE: Final = re.compile(r"[ \t]{0,9}(?:>[ \t]?)+")
_NUMBER: Final = re.compile(r" {0,8}(\d{1,6})[:.)|]?(?: {1,4}|\t|$)")
_BAR: Final = re.compile(r"[|│┃](?: |$)")
_END_BAR: Final = re.compile(r"\s*[|│┃]\s*$")
_LEAST_LINES: Final = 3


def without_markup(text: str) -> str:
    """A text that a program's string, a mail (RFC 2045, quoted-printable) or a web page escaped, as it was before."""
    bare = text.strip()
    if "\n" not in bare and bare.count("\\n") >= (1 if bare[:1] + bare[-1:] == '""' else _LEAST_LINES):
        text = _ESCAPED.sub(lambda found: _ESCAPES[found[1]], bare.strip("\"'"))
    if _SOFT_BREAK.search(text) is not None and _NOT_QUOTED.search(text) is None:
        text = quopri.decodestring(text.encode()).decode("utf-8", errors="replace")
    if _ENTITY.search(text) is None and "<pre" not in text.lower():
        return text
    return html.unescape(_MARKUP.sub(lambda tag: "\n" if tag[0][1:3].lower() == "br" else "", text))


def without_prefixes(lines: Sequence[str]) -> list[str]:
    """The lines without the time, the number or the bar before each of them, if nine in ten have one of a kind."""
    filled = [line for line in lines if line.strip()]
    least = max(_LEAST_LINES, len(filled) * 9 // 10)
    if _matches(_QUOTE, filled) >= least:
        return without_prefixes([_QUOTE.sub("", line, count=1) for line in lines])
    for form in _LOGGED:
        if _matches(form, filled) >= least:
            return [form.sub("", line, count=1) if form.match(line) else line for line in lines]
    if _matches(_NUMBER, filled) >= least and _ascends(filled, least):
        return [_NUMBER.sub("", line, count=1) if _NUMBER.match(line) else line for line in lines]
    if _matches(_BAR, filled) >= least:
        return [_END_BAR.sub("", _BAR.sub("", line, count=1)) for line in lines]
    return list(lines)


def _matches(form: re.Pattern[str], lines: Sequence[str]) -> int:
    return sum(form.match(line) is not None for line in lines)


def _ascends(lines: Sequence[str], least: int) -> bool:
    """Whether the numbers before lines count them: each the next one, or a few more where lines were empty."""
    numbers = [int(found[1]) for line in lines if (found := _NUMBER.match(line))]
    return sum(0 < later - earlier < 10 for earlier, later in pairwise(numbers)) + 1 >= least
