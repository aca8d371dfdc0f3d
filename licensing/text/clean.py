"""Removes what terminals, pagers and mail programs add to a pasted text. Its work is linear in the text's length.

Removed are byte-order marks, carriage returns, ANSI sequences, characters struck over, pager prompts, quote marks of
mails, and the prompts and commands of the session. Leading and trailing blanks of lines stay, unless every line has
them: `lines` needs them to join what a terminal wrapped.
"""

import codecs
import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

LARGEST: Final = 8 * 1024 * 1024
"""The largest text that is read, in bytes; a long `show license tech support` has 20 KB."""


MOST_LINES: Final = 100_000
"""The most lines that are read, in about a second; a long `show license tech support` has 500."""


class UnreadableTextError(ValueError):
    """A text that is not one: too large, or binary. The message says what to give instead."""


class RawLine(Struct, frozen=True):
    """One line as the product printed it. `pasted` is its length before anything was removed: wrapping counts that."""

    text: str
    pasted: int


class PrintedLines(Struct, frozen=True):
    """The lines that the product printed. `unfinished` is true if the last one has no end: it may have been cut."""

    lines: list[RawLine]
    unfinished: bool


def decode(data: bytes) -> str:
    """Decode UTF-8 or UTF-16 (as PowerShell writes it); bytes of other encodings are replaced.

    Raises UnreadableTextError if there are more than `LARGEST` bytes.
    """
    if len(data) > LARGEST:
        raise UnreadableTextError(f"it is larger than {LARGEST // 1024 // 1024} MiB; give the output of one command")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8-sig", errors="replace")


_DELETED: Final = dict.fromkeys((*range(32), 127, 8203, 8206, 8207, 8288, 173, 65279))
_TRANSLATED: Final = _DELETED | {
    0x1B: "\x1b",
    0x08: "\b", 0x09: "\t", 0x0A: "\n", 0x0D: "\r", 0x0B: "\n", 0x0C: "\n", 0x85: "\n", 0x2028: "\n", 0x2029: "\n",
    0xA0: " ", 0x2007: " ", 0x202F: " ", 0x3000: " ",
}  # fmt: skip
_LINE_END: Final = re.compile(r"\r{0,9}\n")
_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
_JOINT: Final = "\x1f"  # where an ANSI sequence was wrapped
_CUT_ANSI: Final = re.compile(r"(\x1b(?:\[[0-9;]{0,16})?)\n(\[?[0-9;]{0,16}[mK])")
_PAGER: Final = re.compile(r" ?<?-{2,4} ?More ?(?:\(\d{1,3}%\))? ?-{2,4}>?(?:(?:[ \t]{0,80}\x08)+| )?", re.IGNORECASE)
_PAGER_LINE: Final = re.compile(r"(?:Press <(?:enter|space|any key)|lines \d+-\d+|\(END\))", re.IGNORECASE)
_QUOTE: Final = re.compile(r"[ \t]*(?:> ?)+")
_PROMPT: Final = r"[\w.@/:()~\[\]-]{0,64}"
_BARE_PROMPT: Final = re.compile(rf"(?:{_PROMPT}[#>$%]|admin:)\s*")
_COMMAND: Final = re.compile(
    rf"(?:(?:{_PROMPT}[#>$%]|admin:)\s*)?(?:do )?(?:sho?w?|xstatus)\s+(?!:).{{0,100}}lic.{{0,100}}", re.IGNORECASE
)


def printed_lines(text: str) -> PrintedLines:
    """Return the lines that the product printed, without trailing carriage returns and with tabs expanded.

    Raises UnreadableTextError if there are more than `MOST_LINES`.
    """
    text = text.translate(_TRANSLATED)
    if "\n" not in text:
        text = text.replace("\r", "\n")  # lines of old Macs
    text = _CUT_ANSI.sub(rf"\1{_JOINT}\2", _LINE_END.sub("\n", text))
    raw = text.split("\n")
    if len(raw) > MOST_LINES:
        raise UnreadableTextError(f"it has more than {MOST_LINES} lines; give the output of one command")
    unfinished = bool(raw[-1].strip())
    lines: list[RawLine] = []
    for number, line in enumerate(raw):
        pasted = len(line) - line.rfind(_JOINT) - 1
        kept = [RawLine(text, pasted) for text in _kept(line.replace(_JOINT, ""))]
        if number == len(raw) - 1 and not kept:
            unfinished = False  # the session's prompt, behind a whole line
        lines += kept
    return PrintedLines(_without_margins(lines), unfinished)


def _kept(line: str) -> list[str]:
    """What is left of one line: usually itself; nothing if it was added; several if a carriage return parted it."""
    if "\x1b" in line:
        line = _ANSI.sub("", line).replace("\x1b", "")
    had_pager = "ore" in line.lower() and _PAGER.search(line) is not None
    if had_pager:
        line = _PAGER.sub("", line)
    if "\b" in line:
        line = _struck_over(line)
    parts = [_unquoted(part).expandtabs() for part in line.rstrip("\r").split("\r")]
    if not line.strip():
        return [] if had_pager else [""]
    return [part for part in parts if (stripped := part.strip()) and not _was_added(stripped)] or (
        [""] if len(parts) == 1 and not parts[0].strip() else []
    )


def _was_added(stripped: str) -> bool:
    """Whether a line is a pager's, or a prompt with or without a command."""
    return any((_PAGER_LINE.match(stripped), _BARE_PROMPT.fullmatch(stripped), _COMMAND.fullmatch(stripped)))


def _unquoted(line: str) -> str:
    """A line without the quote marks of mails."""
    quote = _QUOTE.match(line)
    return line if quote is None else line[quote.end() :]


def _margin(blanks: Sequence[int]) -> int:
    """The fewest blanks, if a tenth of the lines have as many: else they are those of a wrapped line or two."""
    least = min(blanks, default=0)
    return least if blanks.count(least) * 10 >= len(blanks) else 0


def _without_margins(lines: list[RawLine]) -> list[RawLine]:
    """Remove the blanks that stand before, or behind, every line."""
    texts = [line.text for line in lines if line.text.strip()]
    left = _margin([len(text) - len(text.lstrip()) for text in texts])
    right = _margin([len(text) - len(text.rstrip()) for text in texts])
    if not left and not right:
        return lines
    return [RawLine(line.text[left : max(left, len(line.text) - right)], line.pasted) for line in lines]


def _struck_over(line: str) -> str:
    """Apply backspaces, as a terminal does."""
    shown: list[str] = []
    for character in line:
        if character != "\b":
            shown.append(character)
        elif shown:
            shown.pop()
    return "".join(shown)
